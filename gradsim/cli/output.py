"""What a command prints and writes: the table first, then every file that can be written, then what could not."""

import os
import threading
from contextlib import contextmanager
from pathlib import Path

import click

from ..errors import RequestError
from ..telling import tell
from .terminal import printable


class Outputs:
    """The files that a command was asked for, those of them that are written, and what failed.

    A command asks for all of them before it computes anything. One that is being written is always finished: whoever
    ends the process waits for it in `settle`.
    """

    def __init__(self):
        self.failures = []
        self._asked = {}  # Path: (option, kind, overwrite)
        self._written = []
        self._writing = threading.Lock()
        self._settled = False
        self._stops, self._kept = [], []

    def guard(self, stop):
        """Has stop() called when a signal ends the process: it says in words what is kept, or None."""
        self._stops.append(stop)

    def ask_results(self, option, path, overwrite, sources=()):
        """Finds out whether curves can be written to `path`, which is none of the files that are read."""
        from ..store.files import RESULTS, check_output

        self._ask(option, check_output(option, path, overwrite, RESULTS), RESULTS, overwrite, sources)

    def ask_picture(self, option, path, overwrite, sources=()):
        """The same for a picture."""
        from ..show.picture import check_picture
        from ..store.files import PICTURE

        self._ask(option, check_picture(option, path, overwrite), PICTURE, overwrite, sources)

    def ask_page(self, option, path, overwrite, sources=()):
        """The same for a page."""
        from ..report.page import PAGE, check_page

        self._ask(option, check_page(option, path, overwrite), PAGE, overwrite, sources)

    def ask_table(self, option, path, overwrite, kind, sources=()):
        """The same for numbers in a file that replaces none but its own `store.files.Kind`."""
        from ..store.files import check_output

        self._ask(option, check_output(option, path, overwrite, kind), kind, overwrite, sources)

    def _ask(self, option, path, kind, overwrite, sources):
        from ..store.files import same_file

        for source in sources:
            if same_file(path, source):
                raise RequestError(f"{option}: {str(path)!r} is a file that is read; give another name")
        for other, (other_option, *_) in self._asked.items():
            if same_file(path, other):
                raise RequestError(f"{option}: {str(path)!r} is the same file as that of {other_option}; give another name")
        self._asked[path] = option, kind, overwrite

    @contextmanager
    def trying(self):
        """What fails within is kept for the end; what comes after is done all the same."""
        try:
            yield
        except (RequestError, OSError) as error:
            self.failures.append(error)
        except SystemExit:  # rich's and click's answer to a reader of stdout that is gone
            self.failures.append(BrokenPipeError())

    def write(self, path, make):
        """Has one of the files asked for hold the bytes that `make` gives, if that can be."""
        from ..store.files import write_whole

        path = Path(path)
        option, kind, overwrite = self._asked[path]
        with self.trying():
            content = make()
            with self._writing:
                if self._settled:
                    return
                write_whole(option, path, content, overwrite, kind)
                self._written.append(path)

    def tell_written(self, quiet=False):
        """Says which files are written, if any are; on stderr where stdout is for a program (`quiet`)."""
        if self._written:
            with self.trying():
                (tell if quiet else click.echo)(f"written: {_names(self._written)}")

    def add_written(self, path):
        """Says of a file that was asked for that it is written, by others than `write`."""
        self._written.append(Path(path))

    def settle(self):
        """Waits until no file is being written, and lets none begin."""
        self._kept = [words for words in (stop() for stop in self._stops) if words]
        with self._writing:
            self._settled = True

    def abandon(self):
        """Removes what is not finished, for whoever cannot wait."""
        from ..store.files import discard, unfinished

        for temporary in tuple(unfinished):
            discard(temporary)

    @property
    def state(self):
        """In words, what is written and what is not."""
        if self._kept:
            return "; ".join(self._kept)
        missing = [path for path in self._asked if path not in self._written]
        if not self._written:
            return "nothing was written"
        return f"written: {_names(self._written)}" + (f"; not written: {_names(missing)}" if missing else "")


def _names(paths):
    return ", ".join(printable(path) for path in paths)


def sources(options):
    """The files that are read for `options`, in which each may be a list, or in tables of `cells` and `zip`."""
    for name in ("input_file", "target_file"):
        given = options.get(name)
        for value in given if isinstance(given, list) else [given]:
            if isinstance(value, str | os.PathLike):
                text = os.fspath(value)
                yield text if os.path.exists(text) else text.partition(":")[0]  # X.h5:/path
    for entry in (*options.get("cells", ()), *options.get("zip", ())):
        yield from sources(entry)


def deliver(outputs, curve_set, out, plot, theory=False, as_json=False):
    """Prints the table, or the JSON of one network, and writes what was asked for.

    A failure takes nothing away but what failed.
    """
    from ..store.write import image

    with outputs.trying():
        curve_set = curve_set.with_theory() if theory else curve_set
    with outputs.trying():
        _print(curve_set, theory, as_json)
    if out is not None:
        outputs.write(out, lambda: image(curve_set))
    if plot is not None:
        outputs.write(plot, lambda: picture(curve_set, plot, theory=theory))
    if (out is not None or plot is not None) and not as_json:
        with outputs.trying():
            click.echo()
    outputs.tell_written(as_json)


def _print(curve_set, theory, as_json):
    if as_json:
        from ..export.printed import document

        click.echo(document(curve_set[0]))
        return
    from ..show.table import show

    show(curve_set)
    if theory:
        from ..show.comparison import show as show_theory

        show_theory(curve_set)


def picture(curve_set, path, quantity=None, theory=False, **view):
    """The bytes of a picture of curves that hold their theory already; `view` as `show.picture.figure` has it."""
    from ..show.picture import figure, image

    return image(figure(curve_set, quantity, theory, **view), path)
