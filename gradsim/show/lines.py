"""How lines are told apart: by colour, dashes and marks in a legend; where they are many, by a colour scale."""

from collections import Counter
from textwrap import fill

from ..results.cells import in_short
from ..results.columns import levels, number
from .axis import LOG, MOST_NAMES, STEPS, Axis, named, plain_logs
from .style import COLOURS, DASHES, MARKERS, THEORY_STYLES, spaced

LEGEND = 32  # characters a line: networks that differ in all options would leave the panels no room
NAMED = 8  # lines a panel that a legend tells apart
MAP, BRIGHT = "viridis", 0.9  # as far as its colours are seen on white
BAND = 0.18  # opacity
FAINTEST, TOGETHER = 0.03, 1.2  # of the bands of many lines: each, and all over one another
MOST_NOTES = 4
WIDTH = 1.6  # points


def style_of(k):
    """Every second line is dashed, so that of two lines that coincide both are seen."""
    cycle = k // len(COLOURS)
    style = {"color": COLOURS[k % len(COLOURS)], "linestyle": DASHES[k % 2 + 2 * (cycle % 2)]}
    marker = MARKERS[cycle // 2 % len(MARKERS)]
    return style if marker is None else style | {"marker": marker, "ms": 4}


def styles(panels, names, colour=None):
    """Named or Scaled styles of the lines in `panels`, lists of what has a `label` and a `cell`; they differ in `names`.

    `colour` is the name that the colours of a scale stand for, whatever the number of lines; None: chosen where it is needed.
    """
    most, every = max(map(len, panels)), [line for lines in panels for line in lines]
    if names and (colour is not None or most > NAMED or _numbers(every, names)):
        return Scaled(every, names, most, colour)
    return Named(dict.fromkeys(line.label for line in every), names)


def _numbers(lines, names):
    """Whether lines differ in more numbers than a legend tells apart, though no panel has all of them."""
    found = (levels(line.cell[name] for line in lines) for name in names)
    return any(len(values) > NAMED and None not in map(number, values) for values in found)


class Named:
    """A legend of labels."""

    band, width, hatched = BAND, WIDTH, True

    def __init__(self, labels, names):
        self._styles, self._names = {label: style_of(k) for k, label in enumerate(labels)}, names

    def of(self, line):
        """What matplotlib's `plot` takes."""
        return self._styles[line.label]

    def notes(self, notes):
        """The lines above a panel for pairs (line, what is not seen of it)."""
        return [f"{line.label}: {note}" if line.label else note for line, note in notes]

    def show(self, canvas):
        """What the lines are, beside the panels."""
        handles = {}
        for ax in canvas.axes:
            handles |= {h.get_label(): h for h in ax.get_legend_handles_labels()[0]}
        labels = [label for label in self._styles if label in handles]
        if any(labels):
            canvas.legend(
                [handles[label] for label in labels],
                labels=[fill(label, LEGEND) for label in labels],
                title=fill(", ".join(map(spaced, self._names)), LEGEND) or None,
            )


class Scaled:
    """Colours along a scale of the name with the most values, dashes for what else lines differ in, where that is little."""

    hatched = False  # what half of the networks have not: lines would hide one another

    def __init__(self, lines, names, most, colour=None):
        import matplotlib as mpl

        found = {name: levels(line.cell[name] for line in lines) for name in {*names, colour or names[0]}}
        self._name = colour or max(names, key=lambda name: len(found[name]))
        self._axis = Axis(self._name, found[self._name])
        self._map = mpl.colormaps[MAP].resampled(256)
        self._map = mpl.colors.ListedColormap(self._map([BRIGHT * k / 255 for k in range(256)]))
        self._norm = self._normed(mpl.colors)
        self._others = [name for name in names if name != self._name and self._tells(lines, name)]
        kinds = list(dict.fromkeys(self._kind(line) for line in lines))
        self._dashes = dict(zip(kinds, DASHES, strict=False)) if len(kinds) <= len(DASHES) else dict.fromkeys(kinds, "-")
        self.band = max(FAINTEST, min(BAND, TOGETHER / most))
        self.width = WIDTH if most <= 2 * NAMED else WIDTH / 2

    def _tells(self, lines, name):
        """Whether lines of one colour differ in that name."""
        pairs = {(line.cell[self._name], line.cell[name]) for line in lines}
        return len(pairs) > len({colour for colour, _ in pairs})

    def _kind(self, line):
        return tuple(line.cell[name] for name in self._others)

    def _normed(self, colors):
        at = [*self._axis.at.values()]
        if self._axis.scale == LOG:
            return colors.LogNorm(at[0], at[-1])
        if self._axis.scale == STEPS:
            return colors.BoundaryNorm([k - 0.5 for k in range(len(at) + 1)], 256)
        return colors.Normalize(at[0], at[-1])

    def of(self, line):
        return {
            "color": tuple(self._map(self._norm(self._axis.at[line.cell[self._name]]))),
            "linestyle": self._dashes[self._kind(line)],
        }

    def notes(self, notes):
        counts = Counter(note for _, note in notes)
        found = [f"{note} ({count} line{'s' if count > 1 else ''})" for note, count in counts.most_common()]
        return found if len(found) <= MOST_NOTES else [*found[: MOST_NOTES - 1], f"and so on: {len(found)} kinds in all"]

    def show(self, canvas):
        from matplotlib.cm import ScalarMappable

        bar = canvas.bar(ScalarMappable(self._norm, self._map))
        if self._axis.scale == STEPS:
            bar.ax.minorticks_off()
            every = -(-len(self._axis.levels) // (2 * MOST_NAMES))
            shown = self._axis.levels[::every]
            bar.set_ticks([self._axis.at[level] for level in shown], labels=[named(level) for level in shown])
        if self._axis.scale == LOG:
            plain_logs(bar.ax.yaxis, self._axis.levels)
        bar.set_label(spaced(self._name))
        if len(self._dashes) > len(DASHES):
            names = ", ".join(map(spaced, self._others))
            canvas.remark(f"lines of one colour differ in {names}: panels or a choice would tell them apart")
        elif self._others:
            self._legend(canvas)

    def _legend(self, canvas):
        """What the dashes are."""
        from matplotlib.lines import Line2D

        handles = [Line2D([], [], color="black", ls=dash, lw=WIDTH) for dash in self._dashes.values()]
        labels = [fill(", ".join(in_short(value) for value in kind if value != "") or "–", LEGEND) for kind in self._dashes]
        title = fill(", ".join(map(spaced, self._others)), LEGEND)
        canvas.legend(handles, labels=labels, title=title)


def theory_legend(canvas):
    """What theory's lines are, below the panels that have some."""
    from matplotlib.lines import Line2D

    drawn = {label for ax in canvas.axes for label in ax.get_legend_handles_labels()[1]}
    handles = [Line2D([], [], color="black", **style) for style in THEORY_STYLES.values() if style["label"] in drawn]
    if handles:
        canvas.legend(handles, below=True)
