"""Runs a plan in this process."""

from ..curves import CurveSet
from ..errors import RequestError, shown
from ..memory import require
from ..model.options import RUN
from ..simulation.simulate import simulate
from .plan import Plan, read_plan


def run(plan, threads=None, progress=None):
    """The CurveSet of a Plan, a TOML file, a built-in sweep ("classic") or a dict of options.

    `progress(share, cells)` is called with the share of the work that is done, from 0 to 1, and the cells finished.
    Raises RequestError, before anything is computed, for what cannot be.
    """
    if not (progress is None or callable(progress)):
        raise RequestError(f"progress: {shown(progress)} is not a function of the share that is done and the cells finished")
    threads = RUN["threads"].check(threads)
    plan = plan if isinstance(plan, Plan) else read_plan(plan)
    require("sweep", f"the curves of {len(plan):,} cells", sum(cell.settled.curves for cell in plan.cells))
    total = sum(cell.work for cell in plan.cells)
    done, curves = 0.0, []

    def advance(replicas):
        nonlocal done
        done += cost * replicas / total
        if progress is not None:
            progress(min(done, 1.0), len(curves))

    for cell in plan.cells:
        cost = cell.settled.nanoseconds
        network, options = cell.network_and_run()
        curves.append(simulate(network, **options | {"threads": threads}, progress=advance))
    if progress is not None:
        progress(1.0, len(curves))
    return CurveSet(curves, plan.request)
