"""From an activation's code to its functions: those of the table, or the user's own."""

import math

import numpy as np

from ..activations import ACTIVATIONS, CUSTOM
from .compilation import internal
from .external import call, call_each


def _dispatch(functions, leaf, branch, first=0):
    """One kernel that picks a function by its activation's code, by halving.

    Each level of calls is optimised again by LLVM inside the level above, so there are few of them.
    """
    if len(functions) == 1:
        return leaf(functions[0])
    half = len(functions) // 2
    lower = _dispatch(functions[:half], leaf, branch, first)
    return branch(first + half, lower, _dispatch(functions[half:], leaf, branch, first + half))


def _vector_leaf(scalar):
    @internal
    def apply(code, v, scale, a, n, out):
        for i in range(n):
            out[i] = scalar(v[i] * scale, a)

    return apply


def _vector_branch(middle, lower, upper):
    @internal
    def apply(code, v, scale, a, n, out):
        if code < middle:
            lower(code, v, scale, a, n, out)
        else:
            upper(code, v, scale, a, n, out)

    return apply


def _log_leaf(scalar):
    @internal
    def apply(code, h, a):
        return scalar(h, a)

    return apply


def _log_branch(middle, lower, upper):
    @internal
    def apply(code, h, a):
        return lower(code, h, a) if code < middle else upper(code, h, a)

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
