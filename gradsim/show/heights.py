"""The vertical axis: powers of ten where it is of decades, else numbers as they are, or by logs where they lie far apart."""

import math

import numpy as np

LEAST_HIGH = 2  # decades
LEAST_SHARE = 0.02  # of what a bounded quantity can be
FAR = 1000.0  # times the smallest that the largest is (of both signs: the median size) where logs tell numbers apart
TICKS = 8  # of an axis of both signs


def spread_out(ax, scale, values):
    """Choose the axis of a panel for `values`, of any shape, on a `results.scale.Scale`: before anything is drawn.

    Numbers of both signs have one that is linear up to their median size, so that a mean about zero is seen as that.
    """
    from matplotlib.ticker import SymmetricalLogLocator

    found = values[np.isfinite(values) & (values != 0)]
    sizes = np.abs(found)
    if scale.decades or scale.bounded or not sizes.size:
        return
    usual, positive = float(np.median(sizes)), (found > 0).all()
    if sizes.max() < FAR * (sizes.min() if positive else usual):
        return
    if positive:
        ax.set_yscale("log")
        return
    least = 10.0 ** math.floor(math.log10(usual))
    ax.set_yscale("symlog", linthresh=least)
    ax.yaxis.set_major_locator(SymmetricalLogLocator(base=10, linthresh=least))
    ax.yaxis.get_major_locator().set_params(numticks=TICKS)


def upright(ax, scale, low, high):
    """The axis from `low` to `high`, no less high than can be told, and within what the quantity can be."""
    if scale.decades:
        decades(ax, low, high)
        return
    if scale.bounded:
        reach = scale.most - scale.least
        if high - low < LEAST_SHARE * reach:
            low, high = ((low + high + sign * LEAST_SHARE * reach) / 2 for sign in (-1, 1))
        edge = LEAST_SHARE * max(high - low, LEAST_SHARE * reach)  # so that a line on the bound is seen
        low, high = max(low, scale.least - edge), min(high, scale.most + edge)
    ax.set_ylim(low, high)
    _bare(ax)


def decades(ax, low, high):
    """The vertical axis from `low` to `high`, no less than LEAST_HIGH, with ticks at whole decades; none where nothing is
    drawn."""
    from matplotlib.ticker import FuncFormatter, MaxNLocator

    if high - low < LEAST_HIGH:
        low, high = ((low + high + sign * LEAST_HIGH) / 2 for sign in (-1, 1))
    ax.set_ylim(low, high)
    if not _bare(ax):
        ax.yaxis.set_major_locator(MaxNLocator(nbins=7, integer=True))
        ax.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"$10^{{{value:.0f}}}$"))


def _bare(ax):
    """Whether nothing is drawn: then there are no ticks."""
    bare = not any(line.get_xdata().size for line in ax.lines)
    if bare:
        ax.set_yticks([])
    return bare
