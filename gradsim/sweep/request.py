"""What a command asks of a whole sweep: other replicas, a precision."""

from dataclasses import replace

from ..errors import RequestError
from ..model.options import RUN
from ..simulation.footprint import workers
from .precision import MOST_REPLICAS, Precision


def with_replicas(plan, replicas):
    """The Plan with so many replicas in every cell (a number, or its text). Raises RequestError."""
    option = RUN["replicas"]
    replicas = option.read(replicas) if isinstance(replicas, str) else option.check(replicas)
    if len(plan.axes.get("replicas", ())) > 1 or any("replicas" in axes for axes in plan.axes.get("cells", ())):
        raise RequestError("--replicas: the grid has several itself; give one there, or none here")
    cells = tuple((network, run | {"replicas": replicas}) for network, run in plan.cells)
    for network, run in {id(network): (network, run) for network, run in cells}.values():
        workers(network, run, threads=1)
    return replace(plan, axes=plan.axes | {"replicas": [replicas]}, cells=cells)


def precision_of(error, others=(), most=None):
    """The Precision of what was given on the command line, numbers as texts; None where there is none. Raises RequestError."""
    if error is None:
        for option, given in (("--precision-of", others), ("--most-replicas", most)):
            if given:
                raise RequestError(f"{option}: goes with --precision")
        return None
    return Precision(_number(error), others, MOST_REPLICAS if most is None else _number(most))


def _number(text):
    for kind in (int, float):
        try:
            return kind(text)
        except (ValueError, TypeError):
            continue
    return text
