"""gradsim status: how far a sweep is, seen from outside."""

import time
from pathlib import Path

import click

from ..errors import RequestError
from .command import Command, FileName
from .terminal import printable


@click.command("status", cls=Command)
@click.argument("out", metavar="OUT.h5", type=FileName())
def command(out):
    """Say how far the sweep with the output OUT.h5 is, while it runs in another shell or when it was ended.

    The cells that are finished can be opened and drawn: gradsim plot OUT.h5.work.
    """
    from ..sweep.folder import state

    found = state(out)
    if found is None:
        if not Path(out).exists():
            raise RequestError(f"status: {out!r} is not there, and no work on it")
        from ..store.requests import requests

        click.echo(printable(f"{out}: finished, {len(requests(out)[0]):,} cells"))
        return
    for line in _lines(out, found):
        click.echo(printable(line))


def _lines(out, found):
    """What is to be said of the `folder.state` of an output."""
    holder, status = found["holder"], found["status"]
    who = f"process {holder['pid']} on {holder['host']}" if holder else "a process"
    if found["running"]:
        yield f"{out}: running, {who}, since {holder['since']}" if holder else f"{out}: running"
    elif found["running"] is None:
        yield f"{out}: {who} is or was at work; whether it runs cannot be seen from here"
    else:
        yield f"{out}: not finished, and nobody is at work on it; the same command goes on from there"
    if status is None:
        yield "no cell is finished yet"
        return
    yield f"{status['finished']:,} of {status['cells']:,} cells, {100 * status['share']:.0f} % of the work"
    if found["running"] and status["share"] < 1:
        left = "" if status["left"] is None else f", about {status['left']:.0f} s left"
        yield f"{status['rate']:.3g} cells/s{left}, {time.time() - status['updated']:.0f} s ago"
        if status["at_work"]:
            yield f"at {status['at_work']}"
    for cell, error in status["failed"]:
        yield f"{cell} could not be computed: {error}"
