"""An axis of a picture along a column: numbers where they lie, evenly or by their logs; else one step a value."""

import numpy as np

from ..results.cells import in_short
from ..results.columns import number
from .style import spaced

LINEAR, LOG, STEPS = "linear", "log", "steps"
REACH = 16  # largest over smallest: from here on numbers may be better told apart by their logs
UNEVEN = 12  # largest over smallest gap: beyond it, numbers in steps
FAR = 1000  # largest over smallest: from here on a tick a decade
MOST_NAMES = 16  # of steps
LONG = 5  # characters of a name from which on it is turned


class Axis:
    """The axis of the column `name`, whose `levels` are as `results.columns.levels` gives them.

    `scale` is one of LINEAR, LOG and STEPS; `at` maps levels to coordinates, which increase.
    """

    def __init__(self, name, levels):
        self.name, self.levels = name, list(levels)
        numbers = [number(level) for level in self.levels]
        self.numeric = None not in numbers
        self.scale = _scale(np.array(numbers)) if self.numeric and len(numbers) > 1 else STEPS
        self.at = dict(zip(self.levels, numbers if self.scale != STEPS else range(len(numbers)), strict=True))

    def edges(self):
        """The ends of the cells of a map, one more than there are levels: half-way between neighbours."""
        at = np.array([*self.at.values()], float)
        at = np.log(at) if self.scale == LOG else at
        half = np.diff(at) / 2 if len(at) > 1 else np.array([0.5])
        found = np.concatenate([[at[0] - half[0]], at[:-1] + half[: len(at) - 1], [at[-1] + half[-1]]])
        return np.exp(found) if self.scale == LOG else found

    def show(self, ax, way, labelled=True):
        """Set up the axis `way`, "x" or "y", of a panel."""
        axis = getattr(ax, f"{way}axis")
        if self.scale == LOG:
            getattr(ax, f"set_{way}scale")("log")
            plain_logs(axis, self.levels)
        if self.scale == STEPS:
            every = -(-len(self.levels) // MOST_NAMES)
            names = [named(level) for level in self.levels[::every]]
            turned = way == "x" and max(map(len, names)) * len(names) > LONG * MOST_NAMES / 2
            axis.set_ticks(range(0, len(self.levels), every), names)
            if turned:
                ax.tick_params(axis="x", labelrotation=40)
                for label in ax.get_xticklabels():
                    label.set(ha="right", rotation_mode="anchor")
        if labelled:
            getattr(ax, f"set_{way}label")(spaced(self.name))


def named(level):
    """A level as an axis has it."""
    return "–" if level == "" else in_short(level)


def _scale(numbers):
    gaps, scale = np.diff(numbers), LINEAR
    if numbers[0] > 0 and numbers[-1] >= REACH * numbers[0]:
        logs = np.diff(np.log(numbers))
        if np.ptp(logs) / logs.mean() <= np.ptp(gaps) / gaps.mean():
            gaps, scale = logs, LOG
    return scale if gaps.max() <= UNEVEN * gaps.min() else STEPS


def plain_logs(axis, levels):
    """On a logarithmic axis, the levels themselves where they are few; else 1, 2, 5 of each decade, written out."""
    from matplotlib.ticker import FuncFormatter, LogLocator, NullLocator

    if len(levels) <= MOST_NAMES // 2:
        axis.set_ticks([number(level) for level in levels], [in_short(level) for level in levels])
    else:
        axis.set_major_locator(LogLocator(subs=(1, 2, 5) if number(levels[-1]) < FAR * number(levels[0]) else (1,)))
        axis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
    axis.set_minor_locator(NullLocator())
