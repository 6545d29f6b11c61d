"""Products of small matrices: h[r, j] = sum over i of x[r, i] w[i, j].

The sums that make one tile of h, four rows by a few vectors, stay in registers while i runs. Each is a chain of fused
multiply-adds in the order of i, whichever tile it falls into: bits hang neither on the tiles nor on the length of vectors,
and what is equal in w or x comes out equal in h.
"""

import numpy as np
from llvmlite import ir
from numba import config, types
from numba.core.registry import cpu_target
from numba.extending import intrinsic

from ...kernels.compilation import elementary, widest_vectors

VECTOR_BYTES = 64  # of the widest CPUs; others take several of their own for one
PAD = 16  # numbers of type float32 or float64 fill whole vectors


def padded_to_vectors(n):
    """Rows of matrices are as long as the vectors that fill them."""
    return -(-n // PAD) * PAD


def _registers_are_many():
    """Whether 16 sums, vectors of 64 bytes, fit the registers."""
    return "+avx512f" in cpu_target.target_context.codegen().magic_tuple()[2]


def _compiled_tile(rows, vectors):
    """tile(x, x_at, x_row, x_step, w, w_at, w_row, h, h_at, h_row, count): a tile of h, so many rows and vectors.

    Flat places: entry (r, i) of x is at x_at + r x_row + i x_step, row i of w begins at w_at + i w_row, row r of h at
    h_at + r h_row.
    """

    @intrinsic
    def tile(typing_context, x, x_at, x_row, x_step, w, w_at, w_row, h, h_at, h_row, count):
        def generate(context, builder, signature, arguments):
            pointers = [context.make_array(signature.args[k])(context, builder, arguments[k]).data for k in (0, 4, 7)]
            _emit(context, builder, signature.args[0].dtype, pointers, arguments, rows, vectors)
            return context.get_dummy_value()

        given = x, x_at, x_row, x_step, w, w_at, w_row, h, h_at, h_row, count
        return types.none(*(types.int64 if isinstance(kind, types.Integer) else kind for kind in given)), generate

    return tile


def _emit(context, builder, dtype, pointers, arguments, rows, vectors):
    """The loop over i: a vector of w is read once for all rows, an entry of x once for all vectors."""
    (x, w, h), (_, x_at, x_row, x_step, _, w_at, w_row, _, h_at, h_row, count) = pointers, arguments
    number = context.get_data_type(dtype)
    size = context.get_abi_sizeof(number)
    lanes = VECTOR_BYTES // size
    vector, whole = ir.VectorType(number, lanes), ir.IntType(64)
    name = f"llvm.fmuladd.v{lanes}f{8 * size}"
    fused = builder.module.globals.get(name) or ir.Function(builder.module, ir.FunctionType(vector, [vector] * 3), name)
    zero, splat = ir.Constant(vector, [0.0] * lanes), ir.Constant(ir.VectorType(ir.IntType(32), lanes), [0] * lanes)

    def at(pointer, place, offset=0):
        return builder.gep(pointer, [builder.add(place, ir.Constant(whole, offset)) if offset else place])

    def vector_at(pointer):
        return builder.bitcast(pointer, vector.as_pointer())

    def spread(scalar):
        return builder.shuffle_vector(
            builder.insert_element(ir.Constant(vector, ir.Undefined), scalar, ir.Constant(ir.IntType(32), 0)), zero, splat
        )

    before = builder.block
    loop, after = builder.append_basic_block("products"), builder.append_basic_block("done")
    builder.branch(loop)
    builder.position_at_end(loop)
    i = builder.phi(whole)
    sums = [[builder.phi(vector) for _ in range(vectors)] for _ in range(rows)]
    i.add_incoming(ir.Constant(whole, 0), before)
    along, down = builder.add(x_at, builder.mul(i, x_step)), builder.add(w_at, builder.mul(i, w_row))
    reads = [builder.load(vector_at(at(w, down, k * lanes)), align=size) for k in range(vectors)]
    added = []
    for r in range(rows):
        entry = spread(builder.load(at(x, builder.add(along, builder.mul(ir.Constant(whole, r), x_row)))))
        added.append([builder.call(fused, [entry, reads[k], sums[r][k]]) for k in range(vectors)])
    following = builder.add(i, ir.Constant(whole, 1))
    i.add_incoming(following, loop)
    for r in range(rows):
        for k in range(vectors):
            sums[r][k].add_incoming(zero, before)
            sums[r][k].add_incoming(added[r][k], loop)
    builder.cbranch(builder.icmp_signed("<", following, count), loop, after)
    builder.position_at_end(after)
    for r in range(rows):
        place = builder.add(h_at, builder.mul(ir.Constant(whole, r), h_row))
        for k in range(vectors):
            builder.store(added[r][k], vector_at(at(h, place, k * lanes)), align=size)


def _slow_tile(rows, vectors):
    """The same in NumPy, where nothing is compiled."""

    def tile(x, x_at, x_row, x_step, w, w_at, w_row, h, h_at, h_row, count):
        x, w, h = x.reshape(-1), w.reshape(-1), h.reshape(-1)
        lanes = vectors * VECTOR_BYTES // x.itemsize
        for r in range(rows):
            total = np.zeros(lanes, h.dtype)
            for i in range(count):
                total += x[x_at + r * x_row + i * x_step] * w[w_at + i * w_row :][:lanes]
            h[h_at + r * h_row :][:lanes] = total

    return tile


_tile = _slow_tile if config.DISABLE_JIT else _compiled_tile
ROWS = 4
VECTORS = 4 if _registers_are_many() else 1
_rows_by_vectors, _rows_by_one, _row_by_vectors, _one_by_one = (
    _tile(rows, vectors) for rows, vectors in ((ROWS, VECTORS), (ROWS, 1), (1, VECTORS), (1, 1))
)


@elementary
def multiply(x, x_row, x_step, rows, count, w, columns, h):
    """h = x w for w of shape (count, columns) and h of shape (rows, columns), `columns` a multiple of PAD and count >= 1.

    Entry (r, i) of x is at flat place r x_row + i x_step.
    """
    widest_vectors()
    lanes = VECTOR_BYTES // x.itemsize
    whole = rows - rows % ROWS
    j = 0
    while j < columns:
        wide = columns - j >= VECTORS * lanes
        for r in range(0, whole, ROWS):
            if wide:
                _rows_by_vectors(x, r * x_row, x_row, x_step, w, j, columns, h, r * columns + j, columns, count)
            else:
                _rows_by_one(x, r * x_row, x_row, x_step, w, j, columns, h, r * columns + j, columns, count)
        for r in range(whole, rows):
            if wide:
                _row_by_vectors(x, r * x_row, x_row, x_step, w, j, columns, h, r * columns + j, columns, count)
            else:
                _one_by_one(x, r * x_row, x_row, x_step, w, j, columns, h, r * columns + j, columns, count)
        j += VECTORS * lanes if wide else lanes


@intrinsic
def _compiled_turn(typing_context, w, w_at, w_row, turned, turned_at, turned_row):
    """A square of as many rows as a vector has numbers, turned over its diagonal in registers (Eklundh 1972)."""

    def generate(context, builder, signature, arguments):
        number, whole, bits = context.get_data_type(signature.args[0].dtype), ir.IntType(64), ir.IntType(32)
        size = context.get_abi_sizeof(number)
        lanes = VECTOR_BYTES // size
        vector = ir.VectorType(number, lanes)

        def rows_of(k):
            data = context.make_array(signature.args[k])(context, builder, arguments[k]).data
            starts = [builder.add(arguments[k + 1], builder.mul(ir.Constant(whole, r), arguments[k + 2])) for r in range(lanes)]
            return [builder.bitcast(builder.gep(data, [at]), vector.as_pointer()) for at in starts]

        rows = [builder.load(pointer, align=size) for pointer in rows_of(0)]
        step = 1
        while step < lanes:
            upper = [j if not j & step else lanes + j - step for j in range(lanes)]
            lower = [j + step if not j & step else lanes + j for j in range(lanes)]
            masks = [ir.Constant(ir.VectorType(bits, lanes), mask) for mask in (upper, lower)]
            for r in range(lanes):
                if not r & step:
                    pair = rows[r], rows[r + step]
                    rows[r], rows[r + step] = (builder.shuffle_vector(*pair, mask) for mask in masks)
            step *= 2
        for row, pointer in zip(rows, rows_of(3), strict=True):
            builder.store(row, pointer, align=size)
        return context.get_dummy_value()

    given = w, w_at, w_row, turned, turned_at, turned_row
    return types.none(*(types.int64 if isinstance(kind, types.Integer) else kind for kind in given)), generate


def _slow_turn(w, w_at, w_row, turned, turned_at, turned_row):
    for a, b in np.ndindex((VECTOR_BYTES // w.itemsize,) * 2):
        turned.reshape(-1)[turned_at + b * turned_row + a] = w.reshape(-1)[w_at + a * w_row + b]


_turn = _slow_turn if config.DISABLE_JIT else _compiled_turn


@elementary
def transpose(w, rows, columns, turned):
    """turned (columns, rows) = w^T for w (rows, columns), both multiples of PAD."""
    widest_vectors()
    lanes = VECTOR_BYTES // w.itemsize
    for a in range(0, rows, lanes):
        for b in range(0, columns, lanes):
            _turn(w, a * columns + b, columns, turned, b * rows + a, rows)
