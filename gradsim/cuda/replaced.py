"""What a device has in place of kernels of the CPU: how numbers are drawn, views of arrays, and what has no place on a device.

Each of them does what the kernel of its name does (see there) and draws the same numbers; formulas are twins of the CPU's.
A replica with anything in doubt is computed again on the CPU, so all that is done about doubts here is to say so.
"""

import numpy as np

from ..kernels.activations import ACTIVATIONS
from ..kernels.cancellation import DOUBTFUL
from ..kernels.elementary import truncated_normal_quantile
from ..kernels.philox import LOW_32, philox
from ..kernels.record import BIAS_GRADIENT, GRADIENT, got
from ..kernels.sampling import (
    LAW_NORMAL,
    LAW_TRUNCATED,
    LAW_UNIFORM,
    ROLE_DROPOUT,
    box_muller,
    signed_unit,
)
from ..kernels.steps.dropout import FACTOR, THRESHOLD
from ..kernels.steps.loss import CANCELLED_LOG
from ..kernels.vectors import copy
from ..kernels.workspace import Draws
from .seam import inlined_on_device, on_device


def scope_of(team):
    """Names that shared loops use (see `loops`), for a team; `fill_units` and `fill_rows` stand for assignments to slices."""
    TEAM, first_unit = team.TEAM, team.first_unit

    @on_device
    def zero_like(value):
        return value - value

    @on_device
    def fill_units(v, n, value):
        i = first_unit(0)
        while i < n:
            v[i] = value
            i = i + TEAM

    @on_device
    def fill_rows(v, value):
        for b in range(v.shape[0]):
            fill_units(v[b], v.shape[1], value)

    return {
        "TEAM": TEAM,
        "first_unit": first_unit,
        "team_sum": team.team_sum,
        "team_most": team.team_most,
        "picked_unit": team.picked_unit,
        "zero_like": zero_like,
        "fill_units": fill_units,
        "fill_rows": fill_rows,
        "int32": np.int32,
    }


def draws_of(team, of):
    """The functions that draw numbers, for a team; `of` gives the twin of a kernel."""
    TEAM, thread, barrier = team.TEAM, team.thread, team.barrier
    words_of, normals, unit, quantile = of(philox), of(box_muller), of(signed_unit), of(truncated_normal_quantile)

    @on_device
    def block_of(draws, role, block):
        """The four words of a block of the counter."""
        key_0, key_1 = np.uint64(draws.key[0]), np.uint64(draws.key[1])
        layer, replica, role = np.uint64(draws.layer) & LOW_32, np.uint64(draws.replica) & LOW_32, np.uint64(role) & LOW_32
        w_0, w_1, w_2, w_3 = words_of(np.uint64(block) & LOW_32, layer, replica, role, key_0, key_1)
        return np.uint32(w_0), np.uint32(w_1), np.uint32(w_2), np.uint32(w_3)

    @on_device
    def number_of(law, word):
        if law == LAW_UNIFORM:
            return unit(word)
        if law == LAW_TRUNCATED:
            return quantile(unit(word))
        return np.float32(1.0) if unit(word) > 0.0 else np.float32(-1.0)

    @on_device
    def numbers_of(law, draws, role, block):
        w_0, w_1, w_2, w_3 = block_of(draws, role, block)
        if law == LAW_NORMAL:
            z_0, z_1 = normals(w_0, w_1)
            z_2, z_3 = normals(w_2, w_3)
            return z_0, z_1, z_2, z_3
        return number_of(law, w_0), number_of(law, w_1), number_of(law, w_2), number_of(law, w_3)

    @on_device
    def sample_row(law, key, layer, replica, role, row, columns, words, out):
        draws, blocks = Draws(key, layer, replica), np.int64((columns + 3) // 4)
        barrier()  # others may still look at what is there
        j = thread()
        while j < blocks:
            z_0, z_1, z_2, z_3 = numbers_of(law, draws, role, row * blocks + j)
            out[j] = z_0
            out[blocks + j] = z_1 if blocks + j < columns else np.float32(0.0)
            out[2 * blocks + j] = z_2 if 2 * blocks + j < columns else np.float32(0.0)
            out[3 * blocks + j] = z_3 if 3 * blocks + j < columns else np.float32(0.0)
            j = j + TEAM
        barrier()

    @on_device
    def fill_words(key, layer, replica, role, first_block, blocks, words):
        """Of one block."""
        words[0, 0], words[1, 0], words[2, 0], words[3, 0] = block_of(Draws(key, layer, replica), role, first_block)

    @on_device
    def draw_masks(p, draws, n, first, rows, words, masks):
        last_dropped, factor = np.uint32(p[THRESHOLD] - 1.0), np.float32(p[FACTOR])
        blocks = np.int64((n + 3) // 4)
        barrier()
        for j in range(thread(), rows * blocks, TEAM):
            w_0, w_1, w_2, w_3 = block_of(draws, ROLE_DROPOUT, first * blocks + j)
            start = 4 * (first + j // blocks) * blocks + j % blocks
            masks[start] = factor if w_0 > last_dropped else np.float32(0.0)
            masks[start + blocks] = factor if w_1 > last_dropped else np.float32(0.0)
            masks[start + 2 * blocks] = factor if w_2 > last_dropped else np.float32(0.0)
            masks[start + 3 * blocks] = factor if w_3 > last_dropped else np.float32(0.0)
        barrier()

    @on_device
    def draw_normal_rows(draws, role, rows, n, words, out):
        for k in range(rows):
            target = out[k]
            sample_row(LAW_NORMAL, draws.key, draws.layer, draws.replica, role, k, n, words, target)
            if n == 1 and thread() == 0 and target[0] == 0.0:
                target[0] = np.float32(1.0)

    return {
        ("sampling", "sample_row"): sample_row,
        ("philox", "fill_words"): fill_words,
        ("steps.dropout", "draw_masks"): draw_masks,
        ("frames", "draw_normal_rows"): draw_normal_rows,
    }


def activations_of(codes, team, of):
    """The functions of `kernels.dispatch`, by name, for a program that has these activations of the table."""
    TEAM, first_unit = team.TEAM, team.first_unit

    def shared_apply(entry):
        phi, derivative = of(entry.phi), of(entry.derivative)

        @on_device
        def apply(code, phi_address, derivative_address, v, scale, a, n, out, slopes):
            i = first_unit(0)
            while i < n:
                h = v[i] * scale
                out[i], slopes[i] = phi(h, a), derivative(h, a)
                i = i + TEAM

        return apply

    def of_logs(function):
        log = of(function)

        @on_device
        def log_of_table(code, address, h, a):
            return log(h, a)

        return log_of_table

    def chosen(functions, choice):
        """One of the functions, by the code."""
        found = functions[-1]
        for code, function in zip(codes[-2::-1], functions[-2::-1], strict=True):
            found = choice(code, function, found)
        return found

    def of_vectors(own, first, rest):
        @on_device
        def apply(code, phi_address, derivative_address, v, scale, a, n, out, slopes):
            if code == own:
                first(code, phi_address, derivative_address, v, scale, a, n, out, slopes)
            else:
                rest(code, phi_address, derivative_address, v, scale, a, n, out, slopes)

        return apply

    def of_numbers(own, first, rest):
        @on_device
        def log_of_table(code, address, h, a):
            if code == own:
                return first(code, address, h, a)
            return rest(code, address, h, a)

        return log_of_table

    entries = [ACTIVATIONS[code] for code in codes]
    return {
        "apply": chosen([shared_apply(entry) for entry in entries], of_vectors),
        "log_phi": chosen([of_logs(entry.log_abs) for entry in entries], of_numbers),
        "log_derivative": chosen([of_logs(entry.log_abs_derivative) for entry in entries], of_numbers),
    }


def doubts_and_views(of):
    """What is left of doubts, layers with a matrix that is the identity, and rows of arrays."""
    copied = of(copy)
    recorded = of(got)

    @inlined_on_device
    def row(array, k):
        return array[k]

    @on_device
    def clear(tape, scratch):
        pass

    @on_device
    def hold(v, n, size, b, scratch):
        scratch.state[DOUBTFUL] = 1

    @on_device
    def hold_units(p, x, out, kept, x_top, t, scratch):
        scratch.state[DOUBTFUL] = 1

    @on_device
    def hold_units_back(kept, d, g, d_top, top_inverse, exponent, scratch):
        scratch.state[DOUBTFUL] = 1

    @on_device
    def readout_bias_gradient(h, h_doubts, place, scratch, record):
        if recorded(record, BIAS_GRADIENT, place) < recorded(record, GRADIENT, place) + CANCELLED_LOG:
            scratch.state[DOUBTFUL] = 1

    @on_device
    def weights_times(law, nonzero, draws, x, n_in, n_out, room, scratch, y):
        for b in range(x.shape[0]):
            copied(x[b], min(n_in, n_out), y[b])

    @on_device
    def transposed_weights_times(law, nonzero, draws, d, n_in, n_out, scratch, g):
        for b in range(d.shape[0]):
            copied(d[b], min(n_in, n_out), g[b])

    return {
        ("windows", "row"): row,
        ("cancellation", "clear"): clear,
        ("cancellation", "hold"): hold,
        ("steps.batch_norm", "hold_units"): hold_units,
        ("steps.batch_norm", "hold_units_back"): hold_units_back,
        ("steps.loss", "readout_bias_gradient"): readout_bias_gradient,
        ("weights", "weights_times"): weights_times,
        ("weights", "transposed_weights_times"): transposed_weights_times,
    }
