"""What tells one user's function from another of the same name: a digest of all that decides its values.

Of the code: bytecode and constants of the function and of every Python function it calls, the globals and closed-over values
that it reads. That tells apart what differs at one point only. What code cannot show (an attribute of a module or object of
the user's) shows in the values: of f and df on a grid, to six digits, so that another machine's libm gives the same. Names of
variables, line numbers, comments and files play no part. The digest is the same in every process and on every machine with
one version of Python; another version has other bytecode, and then the function counts as another one.
"""

import dis
import hashlib
import inspect
import json
import types

import numpy as np

DIGITS = 6  # of values; libm's differ in the sixteenth, sums that cancel lose a few more
LENGTH = 32  # hexadecimal digits: 128 bits


def digest(functions, kinks, values):
    """Of Python functions, the kinks of the first, and `values`: what they give on a fixed grid, arrays of float64."""
    seen = {}
    description = [[_function(f, seen) for f in functions], list(kinks), [_rounded(v) for v in np.concatenate(values)]]
    return hashlib.sha256(json.dumps(description, sort_keys=True).encode()).hexdigest()[:LENGTH]


def _rounded(value):
    if abs(value) >= 1:
        return f"{value:.{DIGITS - 1}e}"
    return f"{round(float(value), DIGITS) + 0.0:.{DIGITS}f}"


def _function(function, seen):
    """A JSON value for a function; one that was met before is told by its place, since functions may call themselves."""
    python = inspect.unwrap(getattr(function, "py_func", function))
    if not inspect.isfunction(python):
        return _named(python)
    if id(python) in seen:
        return ["again", seen[id(python)]]
    seen[id(python)] = len(seen)
    code, scope = python.__code__, python.__globals__
    return {
        "code": _code(code, seen),
        "defaults": _value(python.__defaults__, seen),
        "keywords": _value(python.__kwdefaults__, seen),
        "closure": [_value(content, seen) for content in _contents(python.__closure__ or ())],
        "globals": {name: _value(scope[name], seen) for name in sorted(_global_names(code)) if name in scope},
    }


def _contents(cells):
    for cell in cells:
        try:
            yield cell.cell_contents
        except ValueError:  # not filled yet
            yield None


def _code(code, seen):
    return [code.co_code.hex(), [_value(constant, seen) for constant in code.co_consts], list(code.co_names), code.co_argcount]


def _global_names(code):
    """The globals that the code, and the code within it, reads."""
    names = {step.argval for step in dis.get_instructions(code) if step.opname in ("LOAD_GLOBAL", "LOAD_NAME")}
    return names.union(*(_global_names(part) for part in code.co_consts if isinstance(part, types.CodeType)))


def _value(value, seen):
    """A JSON value that is the same in every process: no addresses, no order of sets."""
    if isinstance(value, int) and not isinstance(value, bool):
        return ["int", hex(value)]  # a repr has 4,300 digits at most
    if value is None or isinstance(value, bool | float | complex | str | bytes | np.generic):
        return [type(value).__name__, repr(value)]
    if isinstance(value, types.CodeType):
        return _code(value, seen)
    if isinstance(value, np.ndarray):
        content = hashlib.sha256(np.ascontiguousarray(value).tobytes()).hexdigest() if value.dtype != object else ""
        return ["array", str(value.dtype), list(value.shape), content]
    if isinstance(value, tuple | list | set | frozenset | dict):
        if id(value) in seen:
            return "itself"
        inside = seen | {id(value): len(seen)}
        members = value.items() if isinstance(value, dict) else value
        parts = [_value(member, inside) for member in members]
        return [type(value).__name__, parts if isinstance(value, tuple | list) else sorted(parts, key=json.dumps)]
    if callable(value) and not isinstance(value, type):
        return _function(value, seen)
    return _named(value)


def _named(value):
    """What has a name, or only its type: its values stand for the rest."""
    name = getattr(value, "__qualname__", None) or getattr(value, "__name__", None)
    return [type(value).__qualname__, getattr(value, "__module__", None), name if isinstance(name, str) else None]
