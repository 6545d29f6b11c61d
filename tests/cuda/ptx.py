"""A small interpreter of PTX without branches, on arrays: what a GPU's scalar functions give, without a GPU.

A kernel is void(x, y) with thread i at entry i of both. Sums and products are rounded as PTX says; fma is computed in 80 bits
and rounded once more, which is wrong by a unit in the last place in about one of 2^40 cases.
"""

import re

import numpy as np

KINDS = {
    "s16": np.int16,
    "u16": np.uint16,
    "b16": np.uint16,
    "s32": np.int32,
    "u32": np.uint32,
    "b32": np.uint32,
    "s64": np.int64,
    "u64": np.uint64,
    "b64": np.uint64,
    "f32": np.float32,
    "f64": np.float64,
}
ROUNDINGS = {"rni": np.rint, "rzi": np.trunc, "rmi": np.floor, "rpi": np.ceil}
UNSIGNED = {2: np.uint16, 4: np.uint32, 8: np.uint64}
ARITHMETIC = {
    "add": np.add,
    "sub": np.subtract,
    "mul": np.multiply,
    "div": np.divide,
    "and": np.bitwise_and,
    "or": np.bitwise_or,
    "xor": np.bitwise_xor,
    "max": np.maximum,
    "min": np.minimum,
    "abs": np.abs,
    "neg": np.negative,
    "not": np.invert,
    "sqrt": np.sqrt,
}
COMPARED = {
    "lt": np.less,
    "le": np.less_equal,
    "gt": np.greater,
    "ge": np.greater_equal,
    "eq": np.equal,
    "ne": np.not_equal,
}
UNORDERED = {"ltu": "ge", "leu": "gt", "gtu": "le", "geu": "lt", "equ": "ne", "neu": "eq"}


def as_kind(value, kind):
    """The bits of a register as numbers of a kind."""
    target, value = np.dtype(KINDS[kind]), np.asarray(value)
    if value.dtype == target or value.dtype == bool:
        return value
    if value.dtype.itemsize != target.itemsize or value.dtype.kind == "O":
        bits = value.view(UNSIGNED[value.dtype.itemsize]) if value.dtype.kind == "f" else value
        value = bits.astype(UNSIGNED[target.itemsize])
    return value.view(target)


class Registers(dict):
    def read(self, token, kind):
        if token in self:
            return as_kind(self[token], kind)
        if token.startswith("0f"):
            return np.uint32(int(token[2:], 16)).view(np.float32)
        if token.startswith("0d"):
            return np.uint64(int(token[2:], 16)).view(np.float64)
        bits = int(token, 0) & (2 ** (8 * np.dtype(KINDS[kind]).itemsize) - 1)
        return np.array(bits, UNSIGNED[np.dtype(KINDS[kind]).itemsize]).view(KINDS[kind])


def lines_of(text):
    """(guard, operation, operands) of every instruction of the one kernel."""
    body = text[text.index("{", text.index(".entry")) + 1 :]
    for raw in re.sub(r"//[^\n]*", "", body).split(";"):
        line = re.sub(r"^\$?\w+:\s*", "", raw.strip().strip("{}").strip())
        if line and not line.startswith("."):
            guard, operation, rest = re.match(r"(@!?%p\d+\s+)?(\S+)\s*(.*)", line, re.DOTALL).groups()
            yield guard, operation, [part.strip() for part in re.findall(r"\[[^\]]*\]|[^,\s]+", rest)]


def run(text, inputs, parameters):
    """{index: column} of what a kernel writes to y, for columns `inputs` of x; `parameters` are the numbers of x's and y's
    pointers among the kernel's own."""
    registers, written = Registers(), {}
    with np.errstate(all="ignore"):
        for guard, operation, operands in lines_of(text):
            if operation == "ret":
                break
            if guard or operation.startswith("bra"):
                raise NotImplementedError(f"{guard} {operation}")
            if operation.startswith("st.global"):
                value = (
                    as_kind(registers[operands[1]], "f32") if operands[1] in registers else registers.read(operands[1], "f32")
                )
                written[_offset(operands[0])] = np.array(value)
            else:
                registers[operands[0]] = _value(operation, operands, registers, inputs, parameters)
    return written


def _offset(place):
    return int(place.strip("[]").partition("+")[2] or 0) // 4


def _value(operation, operands, registers, inputs, parameters):
    name, *middle, kind = operation.split(".")
    if operation.startswith("ld.param"):
        number = int(re.search(r"_param_(\d+)", operands[1])[1])
        return ("pointer", number) if number in parameters else np.int64(0)
    if operation.startswith("ld.global"):
        return inputs[_offset(operands[1])]
    pointers = [registers[token] for token in operands[1:] if isinstance(registers.get(token), tuple)]
    if pointers:
        return pointers[0]
    if operands[1].startswith("%tid"):
        return np.uint32(0)  # thread i is entry i of every column
    if name == "mov":
        return registers[operands[1]] if operands[1] in registers else registers.read(operands[1], kind)
    if name == "cvt":
        return _converted(middle, kind, registers.read(operands[1], kind))
    if name in ("setp", "selp"):
        return _chosen(name, middle, kind, operands, registers)
    if name == "mul" and "wide" in middle:
        wide = np.int64 if kind == "s32" else np.uint64
        return registers.read(operands[1], kind).astype(wide) * registers.read(operands[2], kind).astype(wide)
    given = [registers.read(token, kind) for token in operands[1:]]
    if name in ("shl", "shr"):
        count = registers.read(operands[2], "u32")
        return (np.left_shift if name == "shl" else np.right_shift)(given[0], count.astype(given[0].dtype))
    if name == "fma":
        a, b, c = (value.astype(np.longdouble) for value in given)
        return (a * b + c).astype(KINDS[kind])
    if name == "copysign":
        return np.copysign(given[1], given[0])
    if name == "rcp":
        return KINDS[kind](1) / given[0]
    if name not in ARITHMETIC:
        raise NotImplementedError(operation)
    return ARITHMETIC[name](*given)


def _converted(middle, source, value):
    target = middle[-1]
    if source == target:
        return ROUNDINGS[middle[0]](value)
    if source[0] == "f" and target[0] != "f":
        return (np.trunc(value) if "rzi" in middle else np.rint(value)).astype(KINDS[target])
    return value.astype(KINDS[target])


def _chosen(name, middle, kind, operands, registers):
    first, second = (registers.read(token, kind) for token in operands[1:3])
    if name == "selp":
        return np.where(registers[operands[3]], first, second)
    how = middle[0]
    return ~COMPARED[UNORDERED[how]](first, second) if how in UNORDERED else COMPARED[how](first, second)
