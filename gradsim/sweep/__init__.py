"""Sweeps: a grid of networks, in memory or with all that is finished on the disk (docs/durable.md)."""

from .combine import combine
from .plan import Plan, read_plan
from .precision import Precision
from .run import run

__all__ = ["Plan", "Precision", "combine", "read_plan", "run"]
