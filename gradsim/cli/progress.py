"""Compilation before a command begins."""

from ..telling import compilation_notice


def compile_first(*arithmetics):
    """Gets compilation out of the way, so that the estimate of the time left knows nothing of it."""
    with compilation_notice():
        from ..simulation.simulate import warm_up

        for arithmetic in sorted(set(arithmetics)):
            warm_up(arithmetic)
