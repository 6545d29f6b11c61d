"""gradsim sweep: every combination of a grid."""

from pathlib import Path

import click

from .options import check_outputs, deliver, output_options, threads_option
from .progress import compile_first, progress


@click.command("sweep")
@click.argument("grid", metavar="FILE.toml|classic")
@threads_option
@output_options
def command(grid, threads, out, plot, theory, overwrite):
    """Simulate every combination of a grid: a TOML file in which any option may be a list, or `classic`.

    The curves go to --out, by default the grid's name with .h5 in the current folder.
    """
    from ..request import checked
    from ..sweep import read_plan
    from ..sweep import run as run_plan

    plan = read_plan(grid)
    checked(threads=threads)
    out = out or f"{Path(grid).stem}.h5"
    check_outputs(out, plot, overwrite)
    compile_first(*(run["arithmetic"] for _, run in plan.cells))
    with progress(len(plan.cells), "cells") as update:
        curve_set = run_plan(plan, threads, update)
    deliver(curve_set, out, plot, overwrite, theory)
