"""gradsim sweep: every combination of a grid."""

from pathlib import Path

import click

from .options import output_options, threads_option
from .output import deliver, sources
from .progress import compilation_notice, compile_first, progress


@click.command("sweep")
@click.argument("grid", metavar="FILE.toml|classic|blocks")
@threads_option
@output_options
@click.pass_obj
def command(files, grid, threads, out, plot, theory, overwrite):
    """Simulate every combination of a grid: a TOML file in which any option may be a list, or a built-in one.

    Built in are `classic`, activations by initializers at depth 100, and `blocks`, kinds of networks at depth 1,000.
    What is no full grid stands in tables [[cells]], each with options of its own.

    The curves go to --out, by default the grid's name with .h5 in the current folder.
    """
    from ..model.request import checked
    from ..sweep import read_plan
    from ..sweep import run as run_plan

    plan = read_plan(grid)
    checked(threads=threads)
    out = out or f"{Path(grid).stem}.h5"
    read = [grid, *sources(plan.axes)]
    files.ask_results("--out", out, overwrite, read)
    if plot is not None:
        files.ask_picture("--plot", plot, overwrite, read)
    compile_first(*(run["arithmetic"] for _, run in plan.cells))
    with compilation_notice(), progress(len(plan.cells), "cells") as update:
        curve_set = run_plan(plan, threads, update)
    deliver(files, curve_set, out, plot, theory)
