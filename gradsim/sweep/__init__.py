"""Sweeps: a grid of networks, simulated one after the other."""

from .plan import Plan, read_plan
from .run import run

__all__ = ["Plan", "read_plan", "run"]
