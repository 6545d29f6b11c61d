"""What is told while something takes long: on stderr, and never on stdout.

Commands tell everywhere. Calls in Python tell where a person looks on: on a terminal, as a bar that goes again, and in a
notebook, as a line that is written over; where stderr is a file or a pipe they are quiet unless told otherwise.
"""

import sys
import threading
import time
from contextlib import ExitStack, contextmanager, suppress
from contextvars import ContextVar

from .errors import RequestError, plain, shown

BAR_SECONDS = 0.1  # between two looks of the bar
LINE_SECONDS = 0.5  # between two looks of a notebook's line
PLAIN_SECONDS = 10.0  # between lines elsewhere
FIRST_SECONDS = 2.0  # a command shorter than this prints no such line
CALL_SECONDS = 1.0  # a call in Python shorter than this tells nothing
APART = ("doubts", "block_steps", "haar_steps")  # kernels that are compiled when a network first needs them

_told = ContextVar("told", default=False)  # whoever called this tells already, or was asked to be quiet
_talking = threading.Lock()  # held by the one call that tells: two bars would write over one another


def tell(line):
    """A line on stderr, if that takes it: what is computed does not depend on who listens."""
    if sys.stderr is not None:
        with suppress(OSError, ValueError):
            print(line, file=sys.stderr, flush=True)


@contextmanager
def _alone():
    """Calls within tell nothing by themselves."""
    token = _told.set(True)
    try:
        yield
    finally:
        _told.reset(token)


@contextmanager
def compilation_notice():
    """Says that kernels are being compiled, if they are: the first time takes a while; where none can be kept, every time."""
    from numba.core import event

    from .kernels.cache import KernelCache, obstacle

    class Notice(event.Listener):
        said = False

        def on_start(self, happening):
            dispatcher = happening.data["dispatcher"]
            if not self.said and isinstance(dispatcher._cache, KernelCache):  # and not a function of the user's own
                self.said = True
                often = "" if obstacle() else ", once for this CPU and these versions of gradsim, Numba and Python"
                apart = dispatcher.py_func.__module__.rpartition(".")[2] in APART
                what, time = ("more kernels", "up to") if apart else ("the kernels", "half a minute or more")
                tell(f"compiling {what}{often}: {'up to half a minute' if apart else time} ...")

        def on_end(self, happening):
            pass

    with event.install_listener("numba:compile", Notice()), _alone():
        yield


@contextmanager
def told(wanted, total, unit):
    """For a call in Python that takes a while: gives `update(share, done)`, and says that kernels compile, if they do.

    `wanted`, as `checked_progress` gives it: None tells on a terminal and in a notebook, True everywhere, False nowhere. Where
    it is a function, whoever called has a bar of their own, and only compilation is told. `total` is None where nobody knows.
    """
    view = None if wanted is False or _told.get() else _view(wanted is True)
    if view is None or not _talking.acquire(blocking=False):
        with _alone():
            yield _silent
        return
    try:
        with compilation_notice(), _quiet() if callable(wanted) else view(total, unit) as update:
            yield update
    finally:
        _talking.release()


def counted(update, total=None):
    """What is called with every n more of `total`, of update(share, done); the share is None where nobody knows the total."""
    done = 0

    def advance(count):
        nonlocal done
        done += count
        update(None if total is None else done / total, done)

    return advance


def checked_progress(progress, called_with):
    """`progress` as it is, or as the plain bool that it holds. Raises RequestError where it is none of None, a bool and a
    function, which is `called_with` what."""
    found = plain(progress)
    if not (found is None or isinstance(found, bool) or callable(found)):
        raise RequestError(f"progress: {shown(progress)} is not a function of {called_with}, nor True or False")
    return found


def _view(everywhere):
    """How stderr shows progress; None where nobody looks on, unless it is to be told `everywhere`."""
    if sys.stderr is None:
        return None
    if any(kind.__module__.startswith("ipykernel") for kind in type(sys.stderr).__mro__):
        return _line
    if _on_terminal():
        return lambda total, unit: _bar(total, unit, CALL_SECONDS)
    return _lines if everywhere else None


def _on_terminal():
    isatty = getattr(sys.stderr, "isatty", None)  # not every object that stands in for stderr has it
    return isatty is not None and isatty()


def _silent(share, done, at=None):
    pass


@contextmanager
def _quiet():
    yield _silent


@contextmanager
def progress(total, unit):
    """For a command: gives `update(share, done, at=None)`; share is the part of the work that is done, from 0 to 1.

    at() says in words what is being done.
    """
    with _alone(), (_bar if _on_terminal() else _lines)(total, unit) as update:
        yield update


@contextmanager
def _bar(total, unit, after=0.0):
    """On a terminal, from so many seconds on."""
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

    columns = TextColumn("{task.description}"), BarColumn(), TextColumn("{task.fields[percent]}")
    left = (TimeRemainingColumn(compact=True), TextColumn("left{task.fields[at]}")) if total is not None else ()
    pace, start, drawn, task = _Pace(), time.monotonic(), 0.0, None
    bar = Progress(*columns, *left, console=Console(stderr=True), transient=True, redirect_stdout=False)
    with ExitStack() as shown:

        def begin(done):
            shown.enter_context(bar)
            return bar.add_task(_count(done, total, unit), total=None if total is None else 1.0, percent="", at="")

        def update(share, done, at=None):
            nonlocal drawn, task
            pace.went_on(share, done)
            now = time.monotonic()
            if now - start < after or (now - drawn < BAR_SECONDS and share != 1):
                return
            drawn, task = now, begin(done) if task is None else task
            words = {"description": _count(done, total, unit) + pace.words(unit), "at": f", at {at()}" if at else ""}
            bar.update(task, completed=share, percent="" if share is None else f"{100 * share:3.0f} %", **words)

        task = begin(0) if not after else None
        yield update


@contextmanager
def _line(total, unit):
    """In a notebook: one line, written over; the last look of it stays."""
    pace, start, width = _Pace(), time.monotonic(), 0
    said = start + CALL_SECONDS - LINE_SECONDS

    def write(text, end=""):
        nonlocal width
        with suppress(OSError, ValueError):
            print(f"\r{text:<{width}}", end=end, file=sys.stderr, flush=True)
        width = len(text)

    def update(share, done):
        nonlocal said
        pace.went_on(share, done)
        if (now := time.monotonic()) - said >= LINE_SECONDS and share != 1:
            said = now
            write(_words(share, done, total, unit, pace))

    try:
        yield update
    finally:
        if width:
            write(f"{_count(pace.done, total, unit)}, {time.monotonic() - start:.0f} s", "\n")


@contextmanager
def _lines(total, unit):
    """Elsewhere: a line now and then."""
    pace, said = _Pace(), time.monotonic() - PLAIN_SECONDS + FIRST_SECONDS

    def update(share, done, at=None):
        nonlocal said
        now = time.monotonic()
        pace.went_on(share, done)
        if now - said >= PLAIN_SECONDS and pace.moved and share != 1:
            said = now
            line = _words(share, done, total, unit, pace)
            tell(f"{line}; at {at()}" if at else line)

    yield update


class _Pace:
    """How fast things go, from the first time on that something is done: what comes before is not of their kind."""

    def __init__(self):
        self._first, self._last = None, None

    def went_on(self, share, done):
        self._last = time.monotonic(), share, done
        self._first = self._first or self._last

    @property
    def done(self):
        return 0 if self._last is None else self._last[2]

    @property
    def moved(self):
        """Whether there is a pace."""
        return self._last is not None and self._last[0] > self._first[0] and self.done > self._first[2]

    def words(self, unit):
        """Units a second, with a comma before; nothing where that is not known."""
        if not self.moved:
            return ""
        (start, _, before), (now, _, done) = self._first, self._last
        return f", {(done - before) / (now - start):.3g} {unit}/s"

    def left(self):
        """The same, of the seconds that are left."""
        (start, before, _), (now, share, _) = self._first, self._last
        if share is None or not self.moved or share <= before:
            return ""
        return f", about {(now - start) * (1 - share) / (share - before):.0f} s left"


def _count(done, total, unit):
    return f"{done:,} {unit}" if total is None else f"{done:,}/{total:,} {unit}"


def _words(share, done, total, unit, pace):
    percent = "" if share is None else f", {100 * share:.0f} % done"
    return f"{_count(done, total, unit)}{percent}{pace.words(unit)}{pace.left()}"
