"""One number a network, with its band, against a column in which networks differ."""

import math
from typing import NamedTuple

import numpy as np

from ..errors import RequestError
from ..results.cells import label
from ..results.number import LAYERS, Number
from ..results.scale import Scale, statistics_of
from . import float_types
from .axis import STEPS, Axis
from .canvas import Canvas, facts
from .heights import spread_out, upright
from .lines import styles, theory_legend
from .style import CASING, THEORY_STYLES, darker, titled, words

MARKED = 40  # points of a line: no more than so many are marked
RATES = Scale(f"decades per {LAYERS} layers")
HALF_STEP = 0.15  # how far from its step a line may be drawn, so that bands do not coincide


class Line(NamedTuple):
    """`at` are coordinates, increasing; `low`, `middle` and `high` are numbers over them, float64."""

    label: str
    cell: dict
    curves: list
    at: np.ndarray
    low: np.ndarray
    middle: np.ndarray
    high: np.ndarray


def figure(curve_set, columns, x, quantity=None, at=None, theory=False, by=None, colour=None, ax=None):
    """A matplotlib Figure: a Number of `quantity` and `at` against the column `x`, on one scale in all panels.

    A panel for every combination of the columns `by`, the activation unless given, and in it a line for every combination of
    what else networks differ in; `colour` as in `lines.styles`.
    """
    number, axis = Number.checked(quantity, at), Axis(x, columns.levels(x))
    by = [name for name in (["activation"] if by is None else by) if name != x]
    names = columns.apart([x, *by])
    found = _panels(curve_set, columns, axis, number, by, names)
    looks = styles([lines for _, lines in found], names, colour)
    side = columns.side(by) if len(found) == len(columns.keys(by)) else None
    canvas = Canvas(len(found), side, ax, sharex=True, sharey=True)
    values = np.concatenate([np.ravel(line[-3:]) for _, lines in found for line in lines])
    for panel in canvas.axes if not number.rate else ():
        spread_out(panel, number.scale, values)
    for panel, (name, lines) in zip(canvas.axes, found, strict=True):
        _panel(panel, lines, looks, axis, number, theory)
        panel.set_title(name, loc="left", weight="bold")
        axis.show(panel, "x")
    drawn = {number.name(curves) for _, lines in found for line in lines for curves in line.curves}
    _heights(canvas, number, words(drawn))
    for panel, (_, lines) in zip(canvas.axes, found, strict=True):
        _bands(panel, lines, looks, axis)
        if number.log and not number.rate:
            float_types.draw(panel)
    canvas.outermost()
    canvas.headline(title(drawn, number, statistics_of(number.quantity or "gradient")), facts(columns.cells))
    looks.show(canvas)
    theory_legend(canvas)
    return canvas.figure


def title(quantities, number, statistics):
    """Of a picture of such numbers of these quantities."""
    which = said(number)
    return f"{words(quantities)} at initialization{', ' if which else ''}{which}: {statistics}"


def said(number):
    """In words, which number of a quantity."""
    if number.rate:
        return f"in decades per {LAYERS} layers"
    if number.at is None:
        return ""
    return f"at layer {number.at}" if number.at >= 0 else f"at the {_last(-number.at)} layer"


def _last(place):
    return "last" if place == 1 else f"{place}th last" if place > 3 else ("second last", "third last")[place - 2]


def scale_words(number):
    """What is written beside the axis of such numbers."""
    return _vertical(number).words


def _panels(curve_set, columns, axis, number, by, names):
    """[(title, [Line])], of the networks that have the quantity."""
    groups = {key: {} for key in columns.keys(by)}
    for curves, cell in zip(curve_set, columns.cells, strict=True):
        if number.held(curves):
            lines = groups[tuple(cell[name] for name in by)]
            members = lines.setdefault(tuple(cell[name] for name in names), {})
            if cell[axis.name] in members:
                raise twice(cell, [axis.name, *by, *names])
            members[cell[axis.name]] = curves, cell
    order, found = columns.keys(names), []
    for lines in filter(None, groups.values()):
        drawn = [_line(lines[key], axis, number, names) for key in order if key in lines]
        found.append((titled(drawn[0].cell, by), drawn))
    if not any(np.isfinite(line.middle).any() for _, lines in found for line in lines):
        raise nothing(curve_set, number)
    return found


def _line(members, axis, number, names):
    members = {level: members[level] for level in axis.levels if level in members}
    curves = [part for part, _ in members.values()]
    bands = np.array([number.band(part) for part in curves], float).reshape(-1, 3).T
    cell = next(iter(members.values()))[1]
    return Line(label(cell, names) if names else "", cell, curves, np.array([axis.at[k] for k in members], float), *bands)


def nothing(curve_set, number):
    """The error where there is no number to be drawn."""
    if not any(map(number.held, curve_set)):
        return RequestError(f"--quantity: {number.quantity or 'gradient'} is not known of any of these networks")
    hint = "a rate takes two layers, and signals that are neither zero nor inf" if number.rate else "try other layers"
    return RequestError(f"--at: no network has a finite number {said(number)}; {hint}")


def twice(cell, names):
    """The error where several networks have one place in a picture."""
    return RequestError(f"plot: there are several networks with {', '.join(f'{n}={cell[n]}' for n in names)}; see --select")


def _panel(ax, lines, looks, axis, number, theory):
    from matplotlib.patheffects import Normal, Stroke

    notes = []
    for line in lines:
        shown, style = np.isfinite(line.middle), looks.of(line)
        place = line.at + _beside(lines, line, axis)
        look = style if len(line.at) > MARKED else {"marker": "o", "ms": 3.5} | style
        ax.plot(place[shown], line.middle[shown], label=line.label, lw=looks.width, **look)
        for edge in (line.low, line.high):
            inside = shown & np.isfinite(edge)
            ax.update_datalim(np.column_stack([place[inside], edge[inside]]))
        notes += [(line, note) for note in _notes(line, axis)]
        for kind, look in THEORY_STYLES.items() if theory else ():
            predicted = np.array([number.predicted(curves, kind) for curves in line.curves])
            known = np.isfinite(predicted)
            if known.any():
                effects = [Stroke(linewidth=look["lw"] + CASING, foreground="white", alpha=0.8), Normal()]
                look = look | {"color": darker(style["color"]), "path_effects": effects}
                ax.plot(place[known], predicted[known], zorder=4, **look)
    ax.set_title("\n".join(looks.notes(notes)), loc="right", fontsize=8, color="0.35")
    ax.grid(alpha=0.25, lw=0.6)
    if number.rate:
        ax.axhline(0, color="0.4", lw=0.8, zorder=1)


def _beside(lines, line, axis):
    """How far from its steps a line of names is drawn: lines beside one another."""
    if axis.numeric or len(lines) < 2:
        return 0.0
    return HALF_STEP * (2 * lines.index(line) / (len(lines) - 1) - 1)


def _notes(line, axis):
    """What the axis cannot show."""
    values = {place: level for level, place in axis.at.items()}
    for what, found in (("exactly zero", line.middle == -math.inf), ("inf or NaN", line.middle == math.inf)):
        where = np.flatnonzero(found)
        if len(where):
            first, last = (values[line.at[k]] for k in where[[0, -1]])
            several = f"from {first} to {last}" if len(where) == where[-1] - where[0] + 1 else f"at {len(where)} values"
            yield f"{what} {f'at {first}' if len(where) == 1 else several}"


def _heights(canvas, number, what):
    """One vertical axis for all panels, that of everything drawn."""
    axes = canvas.axes
    low, high = (f(ends) for f, ends in zip((min, max), zip(*(ax.get_ylim() for ax in axes), strict=True), strict=True))
    for ax in axes:
        upright(ax, _vertical(number), low, high)
        ax.set_ylabel(canvas.upwards(what, scale_words(number)))


def _vertical(number):
    """The Scale of such numbers; that of rates has no decades to be written out."""
    return RATES if number.rate else number.scale


def _bands(ax, lines, looks, axis):
    bottom, top = ax.get_ylim()
    for line in lines:
        shown = np.isfinite(line.middle)
        low, high = (np.clip(edge, bottom, top) for edge in (line.low, line.high))
        place = line.at + _beside(lines, line, axis)
        if axis.scale == STEPS and not axis.numeric:
            ax.vlines(place[shown], low[shown], high[shown], color=looks.of(line)["color"], alpha=max(looks.band, 0.5), lw=1.2)
        else:
            ax.fill_between(place, low, high, where=shown, color=looks.of(line)["color"], alpha=looks.band, lw=0)
    ax.set_ylim(bottom, top)
