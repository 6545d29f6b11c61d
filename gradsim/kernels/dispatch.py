"""From an activation's code to its functions: those of the table, or the user's own."""

import math

import numpy as np

from ..activations import ACTIVATIONS, CUSTOM
from .compilation import internal
from .external import call, call_each

CHOICES = 5  # of one function: what is called gets optimised again in each caller, so there must be few levels


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
    @internal
    def apply(code, v, scale, a, n, out):
        if code == first:
            for i in range(n):
                out[i] = f_0(v[i] * scale, a)
        elif code == first + 1:
            for i in range(n):
                out[i] = f_1(v[i] * scale, a)
        elif code == first + 2:
            for i in range(n):
                out[i] = f_2(v[i] * scale, a)
        elif code == first + 3:
            for i in range(n):
                out[i] = f_3(v[i] * scale, a)
        else:
            for i in range(n):
                out[i] = f_4(v[i] * scale, a)

    return apply


def _vector_branch(f_0, f_1, f_2, f_3, f_4):
    @internal
    def apply(code, v, scale, a, n, out):
        group = code // CHOICES
        if group == 0:
            f_0(code, v, scale, a, n, out)
        elif group == 1:
            f_1(code, v, scale, a, n, out)
        elif group == 2:
            f_2(code, v, scale, a, n, out)
        elif group == 3:
            f_3(code, v, scale, a, n, out)
        else:
            f_4(code, v, scale, a, n, out)

    return apply


def _log_choice(first, f_0, f_1, f_2, f_3, f_4):
    @internal
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
    @internal
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
_phi = _dispatch([entry.phi for entry in ACTIVATIONS], _vector_choice, _vector_branch)
_derivative = _dispatch([entry.derivative for entry in ACTIVATIONS], _vector_choice, _vector_branch)
_log_phi = _dispatch([entry.log_abs for entry in ACTIVATIONS], _log_choice, _log_branch)
_log_derivative = _dispatch([entry.log_abs_derivative for entry in ACTIVATIONS], _log_choice, _log_branch)


@internal
def log_of(value):
    """log|value|, -inf for zero."""
    return math.log(abs(value)) if value != 0.0 else -np.inf


@internal
def sign_and_log(value):
    return math.copysign(1.0, value), log_of(value)


def _or_custom_vector(table):
    @internal
    def apply(code, address, v, scale, a, n, out):
        if code == CUSTOM:
            call_each(address, v, scale, n, out)
        else:
            table(code, v, scale, a, n, out)

    return apply


def _or_custom_log(table):
    @internal
    def apply(code, address, h, a):
        return sign_and_log(call(address, h)) if code == CUSTOM else table(code, h, a)

    return apply


# `address` is that of the user's function where `code` is CUSTOM, and not looked at elsewhere.
apply_phi = _or_custom_vector(_phi)  # out = phi(scale v), float32
apply_derivative = _or_custom_vector(_derivative)  # out = phi'(scale v), float32
log_phi = _or_custom_log(_log_phi)  # (sign, log|phi(h)|) in float64
log_derivative = _or_custom_log(_log_derivative)  # (sign, log|phi'(h)|) in float64
