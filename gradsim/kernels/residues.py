"""Whether a sum that cancels in float32 is zero: the network again, in exact arithmetic modulo a prime.

Every float is a whole number times a power of two, and so has a residue modulo 2^31 - 1, where sums and products of
residues are those of the numbers: what is zero has residue zero, and what is not has it by chance once in 2^31. Functions
that are not made of straight lines become scrambled residues, equal where their arguments are, odd and even where the
functions are, and zero where these are known to be. So a zero that is proven this way is one; some zeros are not proven.

Only weights of few values (-c and c, one constant, the identity) cancel other than by chance: others are not followed.
Residues lie beside the tape, int32 at the places of what they are of, and are made when first asked for.
"""

import numpy as np

from .activations import CODES
from .activations.piecewise import PIECEWISE
from .compilation import internal
from .layout import ACTIVATE, KEPT, LAYER, LOSS, OFFSET, OPERATION, SLOT, SOURCE, VARIANT, WIDTH
from .sampling import LAW_IDENTITY, LAW_NORMAL, LAW_RADEMACHER, ROLE_PROBE, blocks_per_row, sample_row
from .steps.activation import VALUE_ZERO
from .steps.linear import BIAS_EXPONENT, EXPONENT, MEAN, SCALE, draw_bias, has_bias
from .steps.loss import CROSS_ENTROPY, MEAN_SQUARED_ERROR, SHARED_PROBE
from .weights import draw_words, rows_per_tile
from .windows import row
from .workspace import Draws, vector

PRIME = np.int64(2**31 - 1)
HALF = np.int64(2**30)  # of one
LINEAR, HARD_SWISH, PIECEWISE_CODES = CODES["linear"], CODES["hard_swish"], len(PIECEWISE)
TANH, ERF, SOFTSIGN, SIN, SIGMOID = (CODES[name] for name in ("tanh", "erf", "softsign", "sin", "sigmoid"))
ELU, SELU = CODES["elu"], CODES["selu"]
# Salts of scrambled residues, and the multipliers of splitmix64 (Steele, Lea & Flood 2014, doi:10.1145/2660193.2660195)
OF_PHI, OF_SLOPE, OF_TARGET, OF_WEIGHT = (np.uint64(k) for k in range(1, 5))
GOLDEN, MIX_1, MIX_2 = np.uint64(0x9E3779B97F4A7C15), np.uint64(0xBF58476D1CE4E5B9), np.uint64(0x94D049BB133111EB)


@internal
def negative(a):
    return PRIME - a if a != 0 else a


@internal
def times(a, b):
    return (np.int64(a) * np.int64(b)) % PRIME


@internal
def residue_of(x, exponent):
    """Of 2^exponent x; 2^31 is 1 here."""
    if x == 0.0:
        return np.int64(0)
    bits = np.float64(x).view(np.int64)
    whole = ((bits & np.int64(2**52 - 1)) | np.int64(2**52)) % PRIME
    power = (((bits >> 52) & 2047) - 1075 + np.int64(exponent)) % 31
    result = times(whole, np.int64(1) << power)
    return negative(result) if x < 0.0 else result


@internal
def scrambled(a, salt):
    """A residue that is not zero and tells nothing of a."""
    z = (np.uint64(a) + np.uint64(1)) * GOLDEN + salt * MIX_1
    z = (z ^ (z >> np.uint64(30))) * MIX_1
    z = (z ^ (z >> np.uint64(27))) * MIX_2
    return np.int64((z ^ (z >> np.uint64(31))) % np.uint64(PRIME - 1)) + 1


@internal
def scrambled_odd(a, salt):
    if a == 0:
        return a
    return negative(scrambled(PRIME - a, salt)) if a > HALF else scrambled(a, salt)


@internal
def inverse(a):
    """By Fermat: a^(p - 2)."""
    result, power, left = np.int64(1), np.int64(a), PRIME - 2
    while left > 0:
        if left & 1:
            result = times(result, power)
        power = times(power, power)
        left >>= 1
    return result


@internal
def is_followed(code):
    """Whether all weights are of few values, and nothing but linear maps and activations lies between them."""
    for k in range(1, code.steps.shape[0] - 1):
        operation, law = code.steps[k, OPERATION], code.steps[k, VARIANT]
        if operation > ACTIVATE:
            return False
        few = code.parameters[k, SCALE] == 0.0 or law == LAW_RADEMACHER or law == LAW_IDENTITY
        if operation != ACTIVATE and not few:
            return False
    return True


@internal
def sum_of_residues(a, n):
    total = np.int64(0)
    for i in range(n):
        total += np.int64(a[i])
    return total % PRIME


@internal
def residues_times(p, law, draws, x, n_in, n_out, transposed, words, out):
    """out = W x, or out = W^T x for an x of n_out units if `transposed`, of residues; `out` comes in as zeros."""
    scale, mean = residue_of(p[SCALE], np.int64(p[EXPONENT])), residue_of(p[MEAN], np.int64(p[EXPONENT]))
    if p[SCALE] == 0.0:
        total = times(mean, sum_of_residues(x, n_out if transposed else n_in))
        for i in range(n_in if transposed else n_out):
            out[i] = total
    elif law == LAW_IDENTITY:
        for i in range(min(n_in, n_out)):
            out[i] = times(scale, x[i])
    else:
        signs_times(scale, draws, x, n_in, n_out, transposed, words, out)


@internal
def signs_times(scale, draws, x, n_in, n_out, transposed, words, out):
    """The same for weights of -scale and scale: the signs of the random words."""
    blocks = blocks_per_row(n_in)
    for first in range(0, n_out, rows_per_tile(n_in)):
        rows = min(rows_per_tile(n_in), n_out - first)
        draw_words(draws, n_in, first, rows, words)
        for r in range(rows):
            total = np.int64(out[first + r]) if not transposed else np.int64(0)
            for i in range(n_in):
                word = np.int32(np.uint32(words[i // blocks, r * blocks + i % blocks]).view(np.int32))
                term = np.int64(x[first + r] if transposed else x[i])
                term = negative(term) if word < 0 else term
                if transposed:
                    out[i] = np.int32((np.int64(out[i]) + term) % PRIME)
                else:
                    total = (total + term) % PRIME
            if not transposed:
                out[first + r] = np.int32(total)
    for i in range(n_in if transposed else n_out):
        out[i] = np.int32(times(scale, out[i]))


@internal
def linear_residues(p, law, draws, x, n_in, n_out, h, scratch):
    """h = W x + b."""
    for b in range(h.shape[0]):
        for i in range(n_out):
            h[b, i] = 0
        residues_times(p, law, draws, row(x, b), n_in, n_out, False, scratch.words, row(h, b))
    if has_bias(p):
        draw_bias(p, draws, n_out, scratch, scratch.floats)
        for b in range(h.shape[0]):
            for i in range(n_out):
                bias = residue_of(np.float64(scratch.floats[i]), np.int64(p[BIAS_EXPONENT]))
                h[b, i] = np.int32((np.int64(h[b, i]) + bias) % PRIME)


@internal
def phi_residues(code, p, a, in_doubt, v, x, x_exponent, slope):
    """(of phi, of phi') at an h with residue a; v, x and slope are what float32 has of h, phi and phi'."""
    straight = code == LINEAR or (code < PIECEWISE_CODES and not in_doubt and (v != 0.0 or a == 0))
    straight = straight or ((code == ELU or code == SELU) and not in_doubt and v > 0.0)
    if straight and (code != HARD_SWISH or slope == 0.0):
        steepness = residue_of(np.float64(slope), 0)
        if slope == 0.0:
            return residue_of(np.float64(x), x_exponent), steepness
        return (times(steepness, a) + residue_of(p[VALUE_ZERO], 0)) % PRIME, steepness
    even = scrambled(min(a, negative(a)), OF_SLOPE)
    if code == TANH or code == ERF or code == SOFTSIGN or code == SIN:
        return scrambled_odd(a, OF_PHI), even
    if code == SIGMOID:
        return (scrambled_odd(a, OF_PHI) + HALF) % PRIME, even
    if a == 0 and p[VALUE_ZERO] == 0.0:
        return np.int64(0), scrambled(a, OF_SLOPE)
    return scrambled(a, OF_PHI), scrambled(a, OF_SLOPE)


@internal
def activation_residues(k, steps, p, tape, rows):
    """Of vector k, an activation's, and of its slopes, from those of the vector that it reads."""
    code, n, offset, source, kept = steps[k, VARIANT], steps[k, WIDTH], steps[k, OFFSET], steps[k, SOURCE], steps[k, KEPT]
    before = steps[source, OFFSET]
    v, x = vector(tape.values, before, rows, n), vector(tape.values, offset, rows, n)
    slopes = vector(tape.values, kept, rows, n)
    a, out = vector(tape.residues, before, rows, n), vector(tape.residues, offset, rows, n)
    steepness = vector(tape.residues, kept, rows, n)
    for b in range(rows):
        in_doubt = tape.doubts[source, b] != 0
        for i in range(n):
            phi, slope = phi_residues(
                code, p, np.int64(a[b, i]), in_doubt, v[b, i], x[b, i], tape.exponents[k, b], slopes[b, i]
            )
            out[b, i], steepness[b, i] = np.int32(phi), np.int32(slope)


@internal
def follow_residues(k, code, key, replica, tape, scratch):
    """Residues of the tape up to vector k."""
    rows, steps = tape.exponents.shape[1], code.steps
    for j in range(tape.followed[0], k + 1):
        n, offset = steps[j, WIDTH], steps[j, OFFSET]
        out = vector(tape.residues, offset, rows, n)
        if j == 0:
            x = vector(tape.values, offset, rows, n)
            for b in range(rows):
                for i in range(n):
                    out[b, i] = np.int32(residue_of(np.float64(x[b, i]), tape.exponents[0, b]))
        elif steps[j, OPERATION] == ACTIVATE:
            activation_residues(j, steps, row(code.parameters, j), tape, rows)
        else:
            n_in, draws = steps[steps[j, SOURCE], WIDTH], Draws(key, steps[j, LAYER], replica)
            x = vector(tape.residues, steps[steps[j, SOURCE], OFFSET], rows, n_in)
            linear_residues(row(code.parameters, j), steps[j, VARIANT], draws, x, n_in, n, out, scratch)
    tape.followed[0] = max(tape.followed[0], k + 1)


@internal
def loss_residues(kind, draws, x, n, d, scratch):
    """Of dL/dx, up to a factor that all of it shares. Targets, which are not followed, are taken to be unlike each other."""
    for b in range(x.shape[0]):
        if kind == CROSS_ENTROPY:
            total = np.int64(0)
            for i in range(n):
                d[b, i] = np.int32(scrambled(x[b, i], OF_PHI))
                total = (total + np.int64(d[b, i])) % PRIME
            share = inverse(total)
            for i in range(n):
                d[b, i] = np.int32(times(share, d[b, i]))
            d[b, scratch.labels[b]] = np.int32((np.int64(d[b, scratch.labels[b]]) + PRIME - 1) % PRIME)
        elif kind == MEAN_SQUARED_ERROR:
            for i in range(n):
                d[b, i] = np.int32(scrambled(np.int64(x[b, i]) + PRIME * (b * n + i), OF_TARGET))
        else:
            which = np.int64(0) if kind == SHARED_PROBE else np.int64(b)
            sample_row(LAW_NORMAL, draws.key, draws.layer, draws.replica, ROLE_PROBE, which, n, scratch.words, scratch.floats)
            for i in range(n):
                d[b, i] = np.int32(residue_of(np.float64(scratch.floats[i]), 0))


@internal
def follow_residues_back(k, code, key, replica, tape, scratch):
    """Residues of the cotangent of vector k, from those of later vectors."""
    rows, steps, last = tape.exponents.shape[1], code.steps, code.steps.shape[0] - 1
    follow_residues(last - 1, code, key, replica, tape, scratch)
    for j in range(min(tape.followed[1], last), k, -1):  # over step j
        source, n, draws = steps[j, SOURCE], steps[j, WIDTH], Draws(key, steps[j, LAYER], replica)
        n_in = steps[source, WIDTH]
        d = vector(row(tape.d_residues, steps[j, SLOT]), 0, rows, n)
        g = vector(row(tape.d_residues, steps[source, SLOT]), 0, rows, n_in)
        if steps[j, OPERATION] == LOSS:
            x = vector(tape.residues, steps[source, OFFSET], rows, n_in)
            loss_residues(steps[j, VARIANT], draws, x, n_in, g, scratch)
        elif steps[j, OPERATION] == ACTIVATE:
            slopes = vector(tape.residues, steps[j, KEPT], rows, n)
            for b in range(rows):
                for i in range(n):
                    g[b, i] = np.int32(times(slopes[b, i], d[b, i]))
        else:
            p, words = row(code.parameters, j), scratch.words
            for b in range(rows):
                for i in range(n_in):
                    g[b, i] = 0
                residues_times(p, steps[j, VARIANT], draws, row(d, b), n_in, n, True, words, row(g, b))
    tape.followed[1] = min(tape.followed[1], k)


@internal
def all_zero(a, n):
    for i in range(n):
        if a[i] != 0:
            return False
    return True


@internal
def zero_sum_of_rows(d, n):
    """Whether sum_b d_b is zero."""
    for i in range(n):
        total = np.int64(0)
        for b in range(d.shape[0]):
            total += np.int64(d[b, i])
        if total % PRIME != 0:
            return False
    return True


@internal
def zero_sum_of_products(d, n, x, m):
    """Whether sum_b d_b x_b^T is zero: between two random vectors."""
    total = np.int64(0)
    for b in range(d.shape[0]):
        left, right = np.int64(0), np.int64(0)
        for i in range(n):
            left = (left + times(scrambled(i, OF_WEIGHT), d[b, i])) % PRIME
        for i in range(m):
            right = (right + times(scrambled(i, OF_TARGET), x[b, i])) % PRIME
        total = (total + times(left, right)) % PRIME
    return total == 0


@internal
def zero_inner_product(d, x, n):
    """Whether sum_b d_b . x_b is zero."""
    total = np.int64(0)
    for b in range(d.shape[0]):
        for i in range(n):
            total = (total + times(d[b, i], x[b, i])) % PRIME
    return total == 0
