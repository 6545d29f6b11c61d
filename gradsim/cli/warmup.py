"""gradsim warmup: compile ahead."""

import time

import click

from .progress import compile_first


@click.command("warmup")
def command():
    """Compile the kernels ahead of the first run; the machine code is kept on disk."""
    start = time.monotonic()
    compile_first()
    click.echo(f"ready after {time.monotonic() - start:.1f} s")
