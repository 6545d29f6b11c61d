"""gradsim sweep: every combination of a grid."""

from contextlib import contextmanager
from pathlib import Path

import click

from ..errors import RequestError, in_place_of
from ..telling import compilation_notice, progress, tell
from .command import Command, FileName, Text, quantities
from .options import output_options, threads_option
from .output import picture, sources
from .progress import compile_first
from .verdicts import fail_on_option, judged

INCOMPLETE = 3  # exit code where some cells could not be computed


@click.command("sweep", cls=Command)
@click.argument("grid", metavar="FILE.toml|classic|blocks", type=FileName())
@click.option(
    "--set",
    "settings",
    multiple=True,
    type=Text(),
    metavar="NAME=VALUE",
    help="An option in place of what the grid says of it, e.g. width=64; may be given again.",
)
@click.option("--replicas", metavar="INTEGER", help="Networks to draw of every cell, in the grid's place.")
@click.option("--histograms", metavar="INTEGER", help="Networks of every cell whose units are counted by their values.")
@click.option("--precision", metavar="NUMBER", help="Draw more of each cell, until the log gradient has this standard error.")
@click.option(
    "--precision-of",
    "others",
    multiple=True,
    type=Text(quantities),
    metavar="NAME",
    help="A quantity that must have it too, e.g. activation.",
)
@click.option("--most-replicas", metavar="INTEGER", help="Draw no more than so many for it.  [default: 100,000]")
@click.option(
    "--draws/--no-draws",
    default=None,
    help="Keep what is drawn in OUT.draws, so that more replicas need no redrawing.  [default: up to 1 GiB]",
)
@click.option("--shard", metavar="I/N", help="Compute shard I of N only; gradsim combine puts their files together.")
@threads_option
@click.option("--dask", metavar="ADDRESS|local", help="Have the workers of a Dask scheduler compute it, or processes here.")
@click.option("--dry-run", is_flag=True, help="Say how many cells it has, how long it would take, how large it gets.")
@output_options
@fail_on_option
@click.pass_obj
def command(
    files,
    grid,
    settings,
    replicas,
    histograms,
    precision,
    others,
    most_replicas,
    draws,
    shard,
    threads,
    dask,
    dry_run,
    out,
    plot,
    theory,
    overwrite,
    fail_on,
):
    """Simulate every combination of a grid: a TOML file in which any option may be a list, or a built-in one.

    Built in are `classic`, activations by initializers at depth 100, and `blocks`, kinds of networks at depth 1,000.
    Ranges, options that vary together, rules that leave cells out: docs/sweeps.md. Values of --set are TOML.

    The curves go to --out, by default the grid's name with .h5 in the current folder, of a shard with .I-of-N.h5. Finished
    cells are kept in OUT.work until then: the same command goes on from there, whatever ended it. With more --replicas it goes
    on from a finished OUT.
    """
    import gradsim

    from ..model.options import RUN
    from ..model.request import checked
    from ..sweep import read_plan
    from ..sweep.durable import Sweep
    from ..sweep.overrides import parsed
    from ..sweep.precision import precision_of

    plan = read_plan(grid, parsed(settings))
    plan = plan if shard is None else plan.shard(shard)
    threads = checked(threads=threads)["threads"]
    asked = precision_of(precision, others, most_replicas)
    plan = plan if replicas is None else plan.with_replicas(RUN["replicas"].read(replicas))
    plan = plan if histograms is None else plan.with_histograms(RUN["histograms"].read(histograms))
    if dry_run:
        from .dry_run import show

        compile_first(*plan.arithmetics)
        show(plan, grid, threads)
        return 0
    out = out or _usual_output(grid, plan)
    read = [grid, *sources(plan.request)]
    files.ask_results("--out", out, True, read)
    if plot is not None:
        files.ask_picture("--plot", plot, overwrite, read)
    with in_place_of("others", "--precision-of"):
        sweep = Sweep(plan, out, asked, draws, overwrite, theory, tell)
    code = 0
    if sweep.is_finished():
        sweep.tidy()
        click.echo(f"{out} has all of it already")
    else:
        code = _computed(files, sweep, threads, dask)
    if code:
        return code
    files.add_written(out)
    curve_set = gradsim.open(out)
    _show(files, curve_set, theory)
    if plot is not None:
        files.write(plot, lambda: picture(curve_set, plot, theory=theory))
    with files.trying():
        click.echo()
    files.tell_written()
    return judged(curve_set, fail_on)


def _usual_output(grid, plan):
    """The name of the output where none is given."""
    shard = plan.request.get("shard")
    return f"{Path(grid).stem}.h5" if shard is None else f"{Path(grid).stem}.{shard.replace('/', '-of-')}.h5"


def _computed(files, sweep, threads, dask):
    """Has the output of a sweep be there; the exit code."""
    found = sweep.begin()
    files.guard(sweep.stop)
    try:
        if found:
            tell(f"{found:,} of {len(sweep.tasks):,} cells are there already")
        if dask is None:
            compile_first(*sweep.plan.arithmetics)
        bar = progress(len(sweep.tasks), "cells")
        with _table_of_the_finished(files, sweep), compilation_notice(), bar as update:
            work = sweep.run(threads, lambda share, cells: update(share, cells, sweep.at_work), dask)
        if work.failed:
            for number, error in work.failed:
                tell(f"gradsim: {sweep.plan.words(number)}: {error}")
            tell(f"gradsim: {len(work.failed):,} cells could not be computed; {sweep.kept}")
            return INCOMPLETE
        with _table_of_the_finished(files, sweep):
            sweep.pack()
    finally:
        sweep.leave()
    return 0


@contextmanager
def _table_of_the_finished(files, sweep):
    """What fails within takes the answer from nobody: what is computed is printed first."""
    from ..show.table import MOST_ROWS

    try:
        yield
    except RequestError:
        with files.trying():
            found = sweep.finished(MOST_ROWS)
            if found is not None:
                _show(files, found, False)
        raise


def _show(files, curve_set, theory):
    from ..show.table import show

    with files.trying():
        show(curve_set)
        if theory:
            from ..show.comparison import show as show_theory

            show_theory(curve_set)
