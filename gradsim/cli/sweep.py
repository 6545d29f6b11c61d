"""gradsim sweep: every combination of a grid."""

from pathlib import Path

import click

from .options import output_options, threads_option
from .output import deliver, sources
from .progress import compilation_notice, compile_first, progress


@click.command("sweep")
@click.argument("grid", metavar="FILE.toml|classic|blocks")
@threads_option
@click.option("--dry-run", is_flag=True, help="Say how many cells it has, how long it would take, how large it gets.")
@output_options
@click.pass_obj
def command(files, grid, threads, dry_run, out, plot, theory, overwrite):
    """Simulate every combination of a grid: a TOML file in which any option may be a list, or a built-in one.

    Built in are `classic`, activations by initializers at depth 100, and `blocks`, kinds of networks at depth 1,000.
    Ranges, options that vary together, rules that leave cells out: docs/sweeps.md.

    The curves go to --out, by default the grid's name with .h5 in the current folder.
    """
    from ..model.request import checked
    from ..sweep import read_plan
    from ..sweep import run as run_plan

    plan = read_plan(grid)
    checked(threads=threads)
    if dry_run:
        from .dry_run import show

        compile_first(*plan.arithmetics)
        show(plan, grid, threads)
        return
    out = out or f"{Path(grid).stem}.h5"
    read = [grid, *sources(plan.request)]
    files.ask_results("--out", out, overwrite, read)
    if plot is not None:
        files.ask_picture("--plot", plot, overwrite, read)
    compile_first(*plan.arithmetics)
    with compilation_notice(), progress(len(plan), "cells") as update:
        curve_set = run_plan(plan, threads, update)
    deliver(files, curve_set, out, plot, theory)
