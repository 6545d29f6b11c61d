"""From an activation's code to its functions: those of the table, or the user's own."""

import math

import numpy as np

from .activations import ACTIVATIONS, CUSTOM
from .compilation import part, widest_vectors
from .external import call, call_each

CHOICES = 5  # of one function; what has no name at compile time cannot be in a list that compiled code walks


def _dispatch(functions, choice, branch):
    """One kernel that picks a function by its activation's code: up to five kernels that choose among five each."""
    groups = [functions[k : k + CHOICES] for k in range(0, len(functions), CHOICES)]
    starts = [k * CHOICES for k in range(len(groups))]
    chosen = [choice(start, *_filled(group)) for start, group in zip(starts, groups, strict=True)]
    return branch(*_filled(chosen))


def _filled(functions):
    """Five functions; the last one stands in for those that are missing, and is never called as them."""
    return [*functions, *functions[-1:] * (CHOICES - len(functions))]


def _vector_choice(first, f_0, f_1, f_2, f_3, f_4):
    (f_0, d_0), (f_1, d_1), (f_2, d_2), (f_3, d_3), (f_4, d_4) = f_0, f_1, f_2, f_3, f_4

    @part
    def apply(code, v, scale, a, n, out, slopes):
        widest_vectors()
        if code == first:
            for i in range(n):
                h = v[i] * scale
                phi, slope = f_0(h, a), d_0(h, a)
                out[i], slopes[i] = phi, slope
        elif code == first + 1:
            for i in range(n):
                h = v[i] * scale
                phi, slope = f_1(h, a), d_1(h, a)
                out[i], slopes[i] = phi, slope
        elif code == first + 2:
            for i in range(n):
                h = v[i] * scale
                phi, slope = f_2(h, a), d_2(h, a)
                out[i], slopes[i] = phi, slope
        elif code == first + 3:
            for i in range(n):
                h = v[i] * scale
                phi, slope = f_3(h, a), d_3(h, a)
                out[i], slopes[i] = phi, slope
        else:
            for i in range(n):
                h = v[i] * scale
                phi, slope = f_4(h, a), d_4(h, a)
                out[i], slopes[i] = phi, slope

    return apply


def _vector_branch(f_0, f_1, f_2, f_3, f_4):
    @part
    def apply(code, v, scale, a, n, out, slopes):
        group = code // CHOICES
        if group == 0:
            f_0(code, v, scale, a, n, out, slopes)
        elif group == 1:
            f_1(code, v, scale, a, n, out, slopes)
        elif group == 2:
            f_2(code, v, scale, a, n, out, slopes)
        elif group == 3:
            f_3(code, v, scale, a, n, out, slopes)
        else:
            f_4(code, v, scale, a, n, out, slopes)

    return apply


def _log_choice(first, f_0, f_1, f_2, f_3, f_4):
    @part
    def apply(code, h, a):
        if code == first:
            return f_0(h, a)
        if code == first + 1:
            return f_1(h, a)
        if code == first + 2:
            return f_2(h, a)
        if code == first + 3:
            return f_3(h, a)
        return f_4(h, a)

    return apply


def _log_branch(f_0, f_1, f_2, f_3, f_4):
    @part
    def apply(code, h, a):
        group = code // CHOICES
        if group == 0:
            return f_0(code, h, a)
        if group == 1:
            return f_1(code, h, a)
        if group == 2:
            return f_2(code, h, a)
        if group == 3:
            return f_3(code, h, a)
        return f_4(code, h, a)

    return apply


assert len(ACTIVATIONS) <= CHOICES * CHOICES
_both = _dispatch([(entry.phi, entry.derivative) for entry in ACTIVATIONS], _vector_choice, _vector_branch)
_log_phi = _dispatch([entry.log_abs for entry in ACTIVATIONS], _log_choice, _log_branch)
_log_derivative = _dispatch([entry.log_abs_derivative for entry in ACTIVATIONS], _log_choice, _log_branch)


@part
def log_of(value):
    """log|value|, -inf for zero."""
    return math.log(abs(value)) if value != 0.0 else -np.inf


@part
def sign_and_log(value):
    return math.copysign(1.0, value), log_of(value)


def _or_custom_log(table):
    @part
    def apply(code, address, h, a):
        return sign_and_log(call(address, h)) if code == CUSTOM else table(code, h, a)

    return apply


# Addresses are those of the user's functions where `code` is CUSTOM, and not looked at elsewhere.
log_phi = _or_custom_log(_log_phi)  # (sign, log|phi(h)|) in float64
log_derivative = _or_custom_log(_log_derivative)  # (sign, log|phi'(h)|) in float64


@part
def apply(code, phi_address, derivative_address, v, scale, a, n, out, slopes):
    """out = phi(scale v), slopes = phi'(scale v), float32: in one loop, where the compiler shares what they share."""
    if code == CUSTOM:
        call_each(phi_address, v, scale, n, out)
        call_each(derivative_address, v, scale, n, slopes)
    else:
        _both(code, v, scale, a, n, out, slopes)
