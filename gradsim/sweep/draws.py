"""What was drawn of the cells of a sweep, put aside: of large cells on their way, and of all where more may be asked for.

The folder beside the output, `OUT.draws`, has parts (`parts`) of one record a cell: sums that can be added, every network's
logs or their histograms, and the records of the last chunk, which may not be whole. It is not of the result: what is lost of it
is drawn again, to the same bits.
"""

from ..errors import RequestError
from ..program.columns import Columns
from ..statistics.leaving import LEAVING
from ..statistics.precision import PRECISIONS
from ..statistics.quantiles import SAMPLE_BYTES, Samples, bins_of, collector, rows_of
from .drawn import Drawn
from .parts import encoded

KEPT_BYTES = 2**30  # of the draws of a whole sweep, up to which they are kept where nothing is said
PART_BYTES = 2**24  # of a part: what waits to be written is in memory, twice where the next part begins meanwhile


class Draws:
    """The Drawn of tasks by their kin, on a Shelf; `keep` says whether it stays there when a task is done."""

    def __init__(self, shelf, keep=False):
        self._shelf, self.keep = shelf, keep

    def get(self, task):
        """The Drawn of a task; None where there is none, or none that is sound."""
        try:
            return Drawn.from_arrays(task, *self._shelf.get(task.kin))
        except (KeyError, RequestError, OSError):
            return None

    def put(self, task, drawn, at_once=False):
        """Takes a Drawn; with `at_once` it is on the disk when this returns."""
        said, arrays = drawn.arrays()
        self._shelf.add(encoded(task.kin, said, arrays))
        if at_once:
            self._shelf.flush()

    def drop(self, task):
        """Forgets what was drawn of a task."""
        if len(self._shelf):
            self._shelf.forget(task.kin)

    def record(self, task):
        """The bytes of what was drawn of a task, for another process; None where there is nothing."""
        return self._shelf.record(task.kin) if len(self._shelf) else None

    def take(self, record):
        """What another process has drawn, in bytes."""
        self._shelf.add(record)


def draws_bytes(task):
    """About how many bytes the Drawn of a task takes at its end."""
    columns: Columns = task.blocks.columns
    rest = task.least % task.chunk
    whole = task.least - rest
    size = 8 * rest * (columns.size + columns.places) + (8 * columns.logs * task.least if task.run["keep_samples"] else 0)
    if whole:
        steps = sum(way.log_entries.size for way in task.blocks.ways)
        size += 8 * (5 * columns.size + 5 * columns.logs + len(LEAVING) * len(PRECISIONS) * steps)
        rows = rows_of(columns)
        if collector(rows, task.least) is Samples:
            size += min(8 * columns.logs * whole, SAMPLE_BYTES)
        else:
            size += 8 * columns.logs * bins_of(rows)
    return size
