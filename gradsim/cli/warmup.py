"""gradsim warmup: compile ahead."""

import time

import click

from .progress import compilation_notice


@click.command("warmup")
def command():
    """Compile the kernels ahead of the first run; the machine code is kept on disk."""
    import gradsim

    start = time.monotonic()
    with compilation_notice():
        gradsim.simulate(gradsim.mlp(width=4, depth=1), replicas=1)
    click.echo(f"ready after {time.monotonic() - start:.1f} s")
