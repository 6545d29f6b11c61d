"""gradsim warmup: compile ahead."""

import time

import click

from .command import Command
from .progress import compile_first


@click.command("warmup", cls=Command)
@click.option("--all", "everything", is_flag=True, help="Compile --arithmetic float32 and float64, and training, too.")
def command(everything):
    """Compile the kernels ahead of the first run and say where they are kept."""
    from ..kernels import cache
    from ..model.options import ARITHMETICS
    from ..simulation.simulate import warm_up_apart

    start = time.monotonic()
    compile_first(*(ARITHMETICS if everything else ARITHMETICS[:1]))
    warm_up_apart()
    if everything:
        from ..training.train import warm_up

        warm_up()
    click.echo(f"ready after {time.monotonic() - start:.1f} s{'' if cache.obstacle() else f'; kept in {cache.folder()}'}")
