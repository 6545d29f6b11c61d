"""Runs a plan in this process: in memory, or with all that is finished on the disk."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import numba

from ..curves import CurveSet, open_file
from ..errors import RequestError
from ..memory import require
from ..model.options import RUN
from ..simulation.simulate import warm_up
from ..store.files import RESULTS, check_output
from ..telling import checked_progress, told
from ..typed import File, Number, Options, Progress, Whole
from .cells import curves_from
from .durable import Sweep
from .parts import decoded
from .plan import Plan, read_plan
from .precision import Precision
from .runner import compute
from .tasks import Tasks
from .work import Work

Update = Callable[[float, int], object]  # of the share that is done and the cells finished


def run(
    plan: Plan | File | Options,
    threads: Whole | None = None,
    progress: Progress = None,
    *,
    out: File | None = None,
    precision: Precision | Number | None = None,
    overwrite: bool = False,
    dask: Any = None,
    histograms: Whole | None = None,
) -> CurveSet:
    """The CurveSet of a Plan, a TOML file, a built-in sweep ("classic") or a dict of options.

    `progress` as in `gradsim.simulate`; a function progress(share, cells) is called with the share of the work that is done,
    from 0 to 1, and the cells finished. With `out`, the name of a file, this is what `gradsim sweep` does: what is finished is
    on the disk all the while, the same call goes on from there, and `precision`, a standard error of the log gradient or a
    `Precision`, has cells draw more than their replicas for it; `dask` is the address of a Dask scheduler, a Client, or
    "local", whose workers compute then. `histograms` is of how many networks of every cell units are counted, in place of what
    the sweep says (see `gradsim.simulate`). Raises RequestError, before anything is computed, for what cannot be.
    """
    progress = checked_progress(progress, "the share that is done and the cells finished")
    workers: int | None = RUN["threads"].check(threads)
    plan = plan if isinstance(plan, Plan) else read_plan(plan)
    plan = plan if histograms is None else plan.with_histograms(histograms)
    if out is not None:
        check_output("out", out, True, RESULTS)
        precision = precision if precision is None or isinstance(precision, Precision) else Precision(precision)
        return _to_file(Sweep(plan, out, precision, overwrite=overwrite), workers, progress, dask)
    for name, given in {"precision": precision, "overwrite": overwrite or None, "dask": dask}.items():
        if given is not None:
            raise RequestError(f"{name}: goes with out, the name of a file")
    require("sweep", f"the curves of {len(plan):,} cells", sum(cell.settled.curves for cell in plan.cells))
    with _told(plan, progress) as update:
        return _in_memory(plan, workers or numba.config.NUMBA_NUM_THREADS, update)


@contextmanager
def _told(plan: Plan, progress: Progress, dask: Any = None) -> Iterator[Update]:
    """Gives update(share, cells). Kernels are compiled before: many processes of this machine would do so each."""
    with told(progress, len(plan), "cells") as update:
        for arithmetic in sorted(set(plan.arithmetics)) if dask is None else ():
            warm_up(arithmetic)
        yield progress if callable(progress) else update


def _in_memory(plan: Plan, threads: int, progress: Update) -> CurveSet:
    tasks = Tasks(plan)
    found: list[Any] = [None] * len(plan)
    work = Work(sum(task.work for task in tasks), progress)

    def finish(record: bytes) -> None:
        _, said, arrays = decoded(record)
        found[said["cell"]] = curves_from(said, arrays, tasks[said["cell"]].network)

    compute(tasks, range(len(tasks)), threads, finish, work)
    for number, error in sorted(work.failed, key=lambda failure: failure[0]):
        raise RequestError(f"{plan.words(number)}: {error}")
    return CurveSet(found, plan.request, plan.coordinates, plan.identities, plan.share)


def _to_file(sweep: Sweep, threads: int | None, progress: Progress, dask: Any) -> CurveSet:
    """The CurveSet of a Sweep when it is done. Raises RequestError where cells cannot be computed: the others are kept."""
    if sweep.is_finished():
        sweep.tidy()
    else:
        sweep.begin()
        try:
            with _told(sweep.plan, progress, dask) as update:
                failed = sweep.run(threads, update, dask).failed
            if failed:
                number, error = failed[0]
                rest = f"; {len(failed) - 1:,} more could not be computed" if len(failed) > 1 else ""
                raise RequestError(f"{sweep.plan.words(number)}: {error}{rest}; {sweep.kept}")
            sweep.pack()
        finally:
            sweep.leave()
    return open_file(sweep.out)
