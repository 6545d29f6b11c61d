"""From an activation's code to its functions: those of the table, or the user's own."""

import math

import numpy as np

from ..activations import ACTIVATIONS, CUSTOM
from .compilation import internal
from .external import call, call_each


CHOICES = 5  # of a branch: what is called gets optimised again in each caller, so there must be few levels


def _dispatch(functions, leaf, branch, first=0):
    """One kernel that picks a function by its activation's code: a tree of branches over consecutive codes."""
    if len(functions) == 1:
        return leaf(functions[0])
    share = -(-len(functions) // CHOICES)
    starts = range(0, len(functions), share)
    below = [_dispatch(functions[k : k + share], leaf, branch, first + k) for k in starts]
    ends = [first + k + share for k in starts]
    more = CHOICES - len(below)
    return branch(*ends[:-1], *[ends[-1]] * more, *below, *below[-1:] * more)


def _vector_leaf(scalar):
    @internal
    def apply(code, v, scale, a, n, out):
        for i in range(n):
            out[i] = scalar(v[i] * scale, a)

    return apply


def _vector_branch(end_0, end_1, end_2, end_3, f_0, f_1, f_2, f_3, f_4):
    @internal
    def apply(code, v, scale, a, n, out):
        if code < end_0:
            f_0(code, v, scale, a, n, out)
        elif code < end_1:
            f_1(code, v, scale, a, n, out)
        elif code < end_2:
            f_2(code, v, scale, a, n, out)
        elif code < end_3:
            f_3(code, v, scale, a, n, out)
        else:
            f_4(code, v, scale, a, n, out)

    return apply


def _log_leaf(scalar):
    @internal
    def apply(code, h, a):
        return scalar(h, a)

    return apply


def _log_branch(end_0, end_1, end_2, end_3, f_0, f_1, f_2, f_3, f_4):
    @internal
    def apply(code, h, a):
        if code < end_0:
            return f_0(code, h, a)
        if code < end_1:
            return f_1(code, h, a)
        if code < end_2:
            return f_2(code, h, a)
        if code < end_3:
            return f_3(code, h, a)
        return f_4(code, h, a)

    return apply


_phi = _dispatch([entry.phi for entry in ACTIVATIONS], _vector_leaf, _vector_branch)
_derivative = _dispatch([entry.derivative for entry in ACTIVATIONS], _vector_leaf, _vector_branch)
_log_phi = _dispatch([entry.log_abs for entry in ACTIVATIONS], _log_leaf, _log_branch)
_log_derivative = _dispatch([entry.log_abs_derivative for entry in ACTIVATIONS], _log_leaf, _log_branch)


@internal
def log_of(value):
    """log|value|, -inf for zero."""
    return math.log(abs(value)) if value != 0.0 else -np.inf


@internal
def sign_and_log(value):
    return math.copysign(1.0, value), log_of(value)


@internal
def apply_phi(code, address, v, scale, a, n, out):
    """out = phi(scale v), float32; `address` is that of the user's function where `code` is CUSTOM."""
    if code == CUSTOM:
        call_each(address, v, scale, n, out)
    else:
        _phi(code, v, scale, a, n, out)


@internal
def apply_derivative(code, address, v, scale, a, n, out):
    """out = phi'(scale v), float32."""
    if code == CUSTOM:
        call_each(address, v, scale, n, out)
    else:
        _derivative(code, v, scale, a, n, out)


@internal
def log_phi(code, address, h, a):
    """(sign, log|phi(h)|) in float64."""
    return sign_and_log(call(address, h)) if code == CUSTOM else _log_phi(code, h, a)


@internal
def log_derivative(code, address, h, a):
    """(sign, log|phi'(h)|) in float64."""
    return sign_and_log(call(address, h)) if code == CUSTOM else _log_derivative(code, h, a)
