"""Where a picture is drawn: panels on a figure of its own, with a title and legends around them, or axes of the caller's."""

import math
from textwrap import fill

import numpy as np

from ..errors import RequestError, shown
from ..results.columns import number
from .style import matplotlib_figure

PANEL = (5.2, 3.7)  # inches
BESIDE = (2.2, 1.1)  # inches for legend and title
ACROSS = 12.6  # inches of panels side by side, beyond which they shrink
NARROWEST = 2.4  # inches
FEW, MANY = 8, 100  # panels: up to so many in two columns; no more than so many at all
TITLE = 19  # characters of the title an inch of panels
SMALLEST_TITLE = 60


class Canvas:
    """`count` panels in rows, from the left, `side` of them beside one another; or those of `ax`, matplotlib's Axes, one or
    several. `figure` is a matplotlib Figure, `axes` has an Axes a panel; `shared` is as matplotlib's `subplots` has it.

    Around axes of the caller's there is nothing: legends are within, and what the title would say is not said. Raises
    RequestError where panels are more than MANY, or another number than there are axes.
    """

    def __init__(self, count, side=None, ax=None, **shared):
        self.given = ax is not None
        self._handles, self._labels, self._heading = [], [], None
        if self.given:
            self.axes = _given(ax, count)
            self.figure = self.axes[0].get_figure(root=True)
            return
        if count > MANY:
            raise RequestError(
                f"--panels: {count:,} panels are more than {MANY}; choose networks with --select, or other --panels"
            )
        columns = side or (min(count, 2) if count <= FEW else math.ceil(math.sqrt(count)))
        rows = math.ceil(count / columns)
        wide = max(NARROWEST, min(PANEL[0], ACROSS / columns))
        size = wide * columns + BESIDE[0], wide * PANEL[1] / PANEL[0] * rows + BESIDE[1]
        self.figure = matplotlib_figure()(figsize=size, layout="constrained")
        axes = self.figure.subplots(rows, columns, squeeze=False, **shared).ravel()
        for rest in axes[count:]:
            rest.set_visible(False)
        self.axes = list(axes[:count])

    def headline(self, text, facts):
        """The title above all panels and, in a line of its own, what networks they are of."""
        if self.given:
            return
        inches = self.figure.get_figwidth() - BESIDE[0]
        width, size = max(SMALLEST_TITLE, round(inches * TITLE / 2)), 11 if inches <= PANEL[0] else 12
        self.figure.suptitle(f"{fill(text, width)}\n{fill(facts, width)}", x=0.01, ha="left", fontsize=size)

    def upwards(self, what, scale):
        """What is written beside the vertical axis: with what there is no title for."""
        return f"{what}\n{scale}" if self.given else scale

    def outermost(self, across=True, up=True):
        """Of panels that share their axes, ticks and labels at the left and where nothing is below."""
        if self.given:
            return
        side = self.axes[0].get_gridspec().ncols
        for k, ax in enumerate(self.axes):
            below, left = k + side < len(self.axes), k % side == 0
            if across:
                ax.tick_params(labelbottom=not below)
                ax.set_xlabel("" if below else ax.get_xlabel())
            if up:
                ax.tick_params(labelleft=left)
                ax.set_ylabel(ax.get_ylabel() if left else "")

    def legend(self, handles, below=False, **more):
        """Beside the panels, or below them; within the last of the caller's, all in one."""
        if not self.given:
            place = "outside lower center" if below else "outside right upper"
            self.figure.legend(handles=handles, loc=place, frameon=False, **more | ({"ncols": 2} if below else {}))
            return
        self._handles += handles
        self._labels += more.get("labels") or [handle.get_label() for handle in handles]
        self._heading = self._heading or more.get("title")
        self.axes[-1].legend(self._handles, self._labels, title=self._heading, fontsize="small")

    def bar(self, mappable, **more):
        """A colour bar beside all panels."""
        return self.figure.colorbar(mappable, ax=self.axes, pad=0.02, aspect=30, **more)

    def remark(self, text):
        """A line below the panels."""
        look = {"fontsize": 8, "color": "0.35"}
        if self.given:
            self.axes[-1].text(0.01, 0.01, text, transform=self.axes[-1].transAxes, **look)
        else:
            self.figure.supxlabel(text, **look)


def _given(ax, count):
    matplotlib_figure()
    from matplotlib.axes import Axes

    found = list(np.ravel(np.array(ax, object)))
    if not found or not all(isinstance(part, Axes) for part in found):
        raise RequestError(f"ax: {shown(ax)} is neither an Axes of matplotlib nor several")
    if len(found) != count:
        rest = "choose networks with select, or other panels"
        raise RequestError(f"ax: the picture has {count} panel{'s' * (count != 1)}, and here are {len(found)} Axes; {rest}")
    return found


def facts(cells, drawn=None):
    """In words, what described networks are: width, depth, and how many were `drawn` of each, all that a run drew unless
    given, a number a cell."""
    width, depth, networks = (_span(cell[name] for cell in cells) for name in ("width", "depth", "replicas"))
    networks = networks if drawn is None else _span(drawn)
    return f"width {width}, depth {depth}, {networks} network{'s' * (networks != '1')}{' each' * (len(cells) > 1)}"


def _span(values):
    found = sorted(set(map(number, values)))
    return "–".join(f"{int(value):,}" for value in dict.fromkeys((found[0], found[-1])))
