"""gradsim warmup: compile ahead."""

import time

import click

from .progress import compile_first


@click.command("warmup")
@click.option("--all", "everything", is_flag=True, help="Compile --arithmetic float32 and float64 too.")
def command(everything):
    """Compile the kernels ahead of the first run; the machine code is kept on disk."""
    from ..request import ARITHMETICS

    start = time.monotonic()
    compile_first(*(ARITHMETICS if everything else ARITHMETICS[:1]))
    click.echo(f"ready after {time.monotonic() - start:.1f} s")
