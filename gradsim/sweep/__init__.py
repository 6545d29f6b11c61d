"""Sweeps: a grid of networks, in memory or with all that is finished on the disk (docs/durable.md)."""

from .plan import Plan, read_plan
from .precision import Precision
from .run import run

__all__ = ["Plan", "Precision", "read_plan", "run"]
