"""How much memory a simulation takes, before it is taken: what fits, with how many threads, or what would have to be smaller.

The sizes are those of the arrays that kernels and statistics hold; tests hold the sum against what a process takes. The size
of a chunk belongs here too: it is a function of the problem only, never of the memory there is, since sums over replicas are
added chunk by chunk. Threads, and how far they run ahead, are what gives way where memory is short: no number depends on them.
"""

import math
from dataclasses import dataclass, replace

from .. import memory
from ..errors import RequestError
from ..kernels.record import LOG_QUANTITIES, PLAIN_QUANTITIES
from ..kernels.workspace import padded_width, tile_blocks
from ..program.engine import layers_of
from ..program.graph import outline
from ..program.program import tape_numbers
from ..statistics.blocks import blocks_of
from ..statistics.precision import PRECISIONS
from ..statistics.quantiles import WAITING_BYTES, Samples, bins_of, collector, rows_of
from ..statistics.quantities import LEAVING, QUANTILES, QUANTITIES
from ..statistics.units import BINS, HISTOGRAMMED

CHUNK_BYTES = 2**24  # of records
CHUNK_NANOSECONDS = 1e7  # of work, so that small ensembles keep all cores busy
SUM_NANOSECONDS = 500  # a layer: what it takes to add the sums of a chunk to those of the others
SUM_SHARE = 0.05  # of the work that may go into that
LARGEST_CHUNK = 256
AHEAD = 2  # chunks a thread that are begun before the first of them is taken
LAYER_BYTES = 1000  # of a layer of a program while it is made: tuples and lists of Python
COUNTED_AT_ONCE = 2**17  # numbers that are counted together: they stay in the cache
COUNTED_COPIES = 80  # bytes that each takes meanwhile
COUNT_NANOSECONDS = {"unit": 40, "vector": 4e3, "network": 4e5}  # what counting takes, beside the drawing
LAYER_COLUMNS = 17  # of a record that a layer is reckoned with: sums hang on the size of a chunk, which stays what it was


def chunk_size(columns, linear_nanoseconds):
    """Replicas in a chunk of programs with these Columns, and so much work in the linear maps of each."""
    layers = max(columns.places, columns.size / LAYER_COLUMNS)
    by_bytes = CHUNK_BYTES // (8 * LAYER_COLUMNS * layers)
    least = max(CHUNK_NANOSECONDS, SUM_NANOSECONDS / SUM_SHARE * layers)
    return int(max(1, min(LARGEST_CHUNK, by_bytes, least // linear_nanoseconds)))


def chunk_of(network, run):
    """The `chunk_size` of a network and a checked run, whose program is not made for it."""
    layers = layers_of(network, run["engine"], run["inputs"], run["arithmetic"])
    return chunk_size(blocks_of(network, run["inputs"]).columns, layers.nanoseconds)


def counting_nanoseconds(network, run, drawing):
    """About how long it takes on one core to draw one network, in so many ns, and to count its units."""
    units, each = len(HISTOGRAMMED) * run["inputs"] * sum(network.linear_widths), COUNT_NANOSECONDS
    vectors = _counted(blocks_of(network, run["inputs"]))
    return drawing + each["unit"] * units + each["vector"] * vectors + each["network"]


def _counted(blocks):
    """How many vectors a network has whose units may be counted."""
    return sum(len(blocks.rows[name].layers) for name in HISTOGRAMMED if name in blocks.rows)


@dataclass(frozen=True)
class Footprint:
    """Bytes, by what takes them: `thread`, `result` (a chunk's, that waits) and `counting` (when all is drawn) are of one; the
    rest is there once."""

    program: int
    statistics: int
    samples: int  # that are kept because they were asked for
    thread: int
    pairs: int  # of `thread`, what grows with the square of the inputs
    result: int
    curves: int  # what is left when all is done
    counting: int = 0  # of units by their values, while a thread does so
    counts: int = 0

    @classmethod
    def of(cls, network, run):
        """Of a network and a checked run."""
        inputs, arithmetic, count = run["inputs"], run["arithmetic"], len(network.linear_widths) + 1
        layers, blocks = layers_of(network, run["engine"], inputs, arithmetic), blocks_of(network, inputs)
        recorded = blocks.columns
        chunk = min(chunk_size(recorded, layers.nanoseconds), run["replicas"])
        number = 8 if arithmetic == "float64" else 4
        columns = padded_width(max(network.input_width, *network.linear_widths))
        steps = 2 * count
        pairs = 16 * inputs * inputs
        # numbers, and their residues (`kernels.residues`)
        tape = (number + 4) * tape_numbers(network, layers) + 24 * steps * inputs + 2 * (number + 8) * inputs * columns
        scratch = columns * (20 + 16 * inputs) + 8 * tile_blocks(columns) * (4 + number) + pairs
        steps_of_ways = sum(way.log_entries.size for way in blocks.ways)
        sums = 8 * (5 * recorded.size + 5 * recorded.logs + len(LEAVING) * len(PRECISIONS) * steps_of_ways)
        logs, rows = 8 * recorded.logs, rows_of(recorded)
        kept, kept_curves = (logs, 8 * _numbers(blocks, LOG_QUANTITIES)) if run["keep_samples"] else (0, 0)
        curves = 8 * (_numbers(blocks, LOG_QUANTITIES) * (6 + len(QUANTILES)) + 3 * _numbers(blocks, PLAIN_QUANTITIES))
        curves += (
            8
            * len(PRECISIONS)
            * sum(_numbers(blocks, [way.quantity]) * len(QUANTITIES[way.quantity].leaving) for way in blocks.ways)
        )
        data = sum(12 * run[name].values.size for name in ("input_file", "target_file") if run[name] is not None)
        histograms, counting, counts = 0, 0, 0
        if run["histograms"]:
            histograms = 8 * (BINS + 1) * _numbers(blocks, HISTOGRAMMED)
            counts = 16 * BINS * _counted(blocks)
            slots = (number + 4) * len(outline(network.form)) * inputs * columns
            counting = tape + scratch + slots + COUNTED_COPIES * COUNTED_AT_ONCE + counts
        return cls(
            program=LAYER_BYTES * count + data,
            statistics=3 * sums + _quantile_bytes(recorded.logs, rows, run["replicas"]) + 2 * curves,
            samples=(2 * kept + kept_curves) * run["replicas"],  # of chunks, in one array, and by layers
            thread=tape + scratch + 8 * chunk * (2 * recorded.size + recorded.places),  # records, twice while they are summed
            pairs=pairs,
            result=sums + (2 * logs + kept) * chunk,
            curves=curves + kept_curves * run["replicas"] + histograms,
            counting=counting,
            counts=counts + histograms,
        )

    def total(self, threads, ahead):
        """With so many threads, and results that wait beside those that they work at."""
        drawing, counting = threads * self.thread + (threads + ahead) * self.result, threads * self.counting + self.counts
        return self.program + self.statistics + self.samples + max(drawing, counting)

    def fitting(self, threads, free):
        """(threads, ahead), at most as asked, with which all of it fits `free` bytes; None where not even one thread does."""
        for fewer in range(threads, 0, -1):
            for ahead in (AHEAD * fewer + 1, fewer, 1):
                if self.total(fewer, ahead) <= free:
                    return fewer, ahead
        return None

    def refusal(self, network, run, free):
        """The RequestError for what does not fit, named by what takes most of it."""
        total, one = self.total(1, 1), self.thread - self.pairs
        counting = total - replace(self, counting=0, counts=0).total(1, 1)
        sizes = {"--inputs": self.pairs, "--keep-samples": self.samples, "--histograms": counting}
        sizes["--depth"] = total - sum(sizes.values())
        option = max(sizes, key=sizes.get)
        if option == "--depth" and one * run["inputs"] > 2 * (total - one) and run["inputs"] > 1:
            option = "--inputs"
        width, depth = max(network.input_width, *network.linear_widths), network.depth
        words = f"{run['replicas']:,} networks of depth {depth:,} and width {width:,}"
        words += f" with {run['inputs']:,} input{'s' if run['inputs'] > 1 else ''}"
        words += ", every one kept," if run["keep_samples"] else ""
        words += f", units of {run['histograms']:,} counted," if run["histograms"] else ""
        return RequestError(
            f"{option}: {words} would take {memory.gib(total)} of memory with one thread, and {memory.gib(free)} are free"
        )


def _numbers(blocks, quantities):
    """How many numbers a statistic of all these quantities has in the curves, or a sample."""
    return sum(math.prod(blocks.shape(name)) for name in quantities if name in blocks.rows)


def _quantile_bytes(logs, rows, replicas):
    """Of what quantiles of so many `logs` are found from, reckoned as `rows`, when there is most of it."""
    samples = 8 * logs * replicas
    if collector(rows, replicas) is Samples:
        return 2 * samples
    counts = 8 * logs * bins_of(rows)
    return min(2 * samples, max(WAITING_BYTES, counts)) + (2 * counts if samples > counts else 0)


def refuse_at_once(network, run):
    """Raises RequestError for what cannot fit, before the network's graph is made: its linear maps' vectors and residues."""
    inputs = run["inputs"]
    vectors, pairs = 8 * inputs * sum(network.linear_widths), 16 * inputs * inputs
    least = Footprint(LAYER_BYTES * len(network.linear_widths), 0, 0, vectors + pairs, pairs, 0, 0)
    if least.total(1, 1) > memory.SMALL:
        free = memory.available()
        if least.total(1, 1) > free:
            raise least.refusal(network, run, free)


def workers(network, run, threads):
    """(threads, how many results may wait) for a run. Raises RequestError where it does not fit the memory there is."""
    refuse_at_once(network, run)
    needed = Footprint.of(network, run)
    if needed.total(threads, AHEAD * threads + 1) <= memory.SMALL:
        return threads, AHEAD * threads + 1
    free = memory.available()
    found = needed.fitting(threads, free)
    if found is None:
        raise needed.refusal(network, run, free)
    return found


def counters(network, run, threads):
    """How many threads may count units side by side when all is drawn: as many as the memory holds, one at the least."""
    needed = Footprint.of(network, run)
    if needed.counts + threads * needed.counting <= memory.SMALL:
        return threads
    return max(1, min(threads, (memory.available() - needed.counts) // needed.counting))
