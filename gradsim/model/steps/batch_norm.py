"""Norms over the inputs of a unit."""

from dataclasses import dataclass

from .norm import LayerNorm


@dataclass(frozen=True)
class BatchNorm(LayerNorm):
    """A unit over the inputs that are carried side by side: less its mean, over the root of its variance plus epsilon
    (Ioffe & Szegedy 2015, arXiv:1502.03167, in training)."""

    kind = "batch_norm"
    balances = True
