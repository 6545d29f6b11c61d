"""Progress on stderr: a bar on a terminal, a plain line now and then elsewhere; and a word when kernels compile."""

import sys
import time
from contextlib import contextmanager

from .terminal import tell

BAR_SECONDS = 0.1  # between two looks of the bar
PLAIN_SECONDS = 10.0  # between lines when stderr is not a terminal
FIRST_SECONDS = 2.0  # a run shorter than this prints nothing


@contextmanager
def compilation_notice():
    """Says that kernels are being compiled, if they are: the first time takes a while; where none can be kept, every time."""
    from numba.core import event

    from ..kernels.cache import obstacle

    class Notice(event.Listener):
        said = False

        def on_start(self, happening):
            if not self.said:
                self.said = True
                often = "" if obstacle() else ", once for this CPU and these versions of gradsim, Numba and Python"
                tell(f"compiling the kernels{often}: half a minute or more ...")

        def on_end(self, happening):
            pass

    with event.install_listener("numba:compile", Notice()):
        yield


def compile_first(*arithmetics):
    """Gets compilation out of the way, so that the estimate of the time left knows nothing of it."""
    with compilation_notice():
        from ..simulation.simulate import warm_up

        for arithmetic in sorted(set(arithmetics)):
            warm_up(arithmetic)


@contextmanager
def progress(unit_total, unit, before=0.0):
    """Gives `update(share, units_done, at=None)`; share is the part of the work done, from 0 to 1, `before` at the start.

    at() says in words what is being done.
    """
    if sys.stderr.isatty():
        with _bar(unit_total, unit) as update:
            yield update
    else:
        yield _plain(unit_total, unit, before)


@contextmanager
def _bar(unit_total, unit):
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        TextColumn("{task.percentage:3.0f} %"),
        TimeRemainingColumn(compact=True),
        TextColumn("left{task.fields[at]}"),
    )
    rate, drawn = _Rate(), 0.0
    with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task(f"0/{unit_total:,} {unit}", total=1.0, at="")

        def update(share, done, at=None):
            nonlocal drawn
            if time.monotonic() - drawn >= BAR_SECONDS or share == 1:
                drawn = time.monotonic()
                words = f"{done:,}/{unit_total:,} {unit}{rate.words(done, unit)}"
                bar.update(task, completed=share, description=words, at=f", at {at()}" if at else "")

        yield update


class _Rate:
    """Units a second, from the first time on that it is asked."""

    def __init__(self):
        self._first = None

    def words(self, done, unit):
        now = time.monotonic()
        if self._first is None:
            self._first = now, done
        start, before = self._first
        return f", {(done - before) / (now - start):.3g} {unit}/s" if now > start and done > before else ""


def _plain(unit_total, unit, before):
    start, rate = time.monotonic(), _Rate()
    said = start - PLAIN_SECONDS + FIRST_SECONDS

    def update(share, done, at=None):
        nonlocal said
        now = time.monotonic()
        speed = rate.words(done, unit)
        if now - said >= PLAIN_SECONDS and before < share < 1:
            said = now
            left = (now - start) * (1 - share) / (share - before)
            line = f"{done:,}/{unit_total:,} {unit}, {100 * share:.0f} % done{speed}, about {left:.0f} s left"
            tell(f"{line}; at {at()}" if at else line)

    return update
