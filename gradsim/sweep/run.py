"""Runs a plan in this process: in memory, or with all that is finished on the disk."""

from ..curves import CurveSet, open_file
from ..errors import RequestError, shown
from ..memory import require
from ..model.options import RUN
from ..simulation.simulate import simulate
from ..store.files import RESULTS, check_output
from .durable import Sweep
from .plan import Plan, read_plan
from .precision import Precision


def run(plan, threads=None, progress=None, *, out=None, precision=None, overwrite=False):
    """The CurveSet of a Plan, a TOML file, a built-in sweep ("classic") or a dict of options.

    `progress(share, cells)` is called with the share of the work that is done, from 0 to 1, and the cells finished. With
    `out`, the name of a file, this is what `gradsim sweep` does: what is finished is on the disk all the while, the same call
    goes on from there, and `precision`, a standard error of the log gradient or a `Precision`, has cells draw more than their
    replicas for it. Raises RequestError, before anything is computed, for what cannot be.
    """
    if not (progress is None or callable(progress)):
        raise RequestError(f"progress: {shown(progress)} is not a function of the share that is done and the cells finished")
    threads = RUN["threads"].check(threads)
    plan = plan if isinstance(plan, Plan) else read_plan(plan)
    if out is not None:
        check_output("out", out, True, RESULTS)
        precision = precision if precision is None or isinstance(precision, Precision) else Precision(precision)
        return _to_file(Sweep(plan, out, precision, overwrite=overwrite), threads, progress)
    if precision is not None or overwrite:
        raise RequestError(f"{'overwrite' if precision is None else 'precision'}: goes with out, the name of a file")
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
    return CurveSet(curves, plan.request, plan.coordinates, plan.identities, plan.share)


def _to_file(sweep, threads, progress):
    """The CurveSet of a Sweep when it is done. Raises RequestError where cells cannot be computed: the others are kept."""
    if sweep.is_finished():
        sweep.tidy()
    else:
        sweep.begin()
        try:
            failed = sweep.run(threads, progress).failed
            if failed:
                number, error = failed[0]
                rest = f"; {len(failed) - 1:,} more could not be computed" if len(failed) > 1 else ""
                raise RequestError(f"cell {number} ({sweep.words(number)}): {error}{rest}; {sweep.kept}")
            sweep.pack()
        finally:
            sweep.leave()
    return open_file(sweep.out)
