"""Single networks as thin lines behind the curves of all, where their samples were kept."""

import numpy as np

from ..errors import RequestError, whole_number
from ..statistics.quantities import QUANTITIES
from .lines import NAMED

MOST = 50  # of a panel, unless told; and no fewer than
LEAST = 5  # of a line
KEPT = "no single networks were kept; see keep_samples"
WIDTH, OPACITY = 0.5, 0.4


def checked(samples):
    """How many of a line are asked for: a whole number, or None where they are as many as there is room for."""
    return None if samples is None else whole_number("--samples", samples, 0)


def singles(panels, quantity, samples):
    """How many networks of each line of the panels, lists of lines, are drawn: as `checked` gives `samples`.

    Raises RequestError where they are asked for and there are none.
    """
    kept = any(_kept(line) is not None for lines in panels for line in lines)
    if samples and not kept:
        log = QUANTITIES[panels[0][0].quantity].log
        raise RequestError(f"--samples: {KEPT if log else f'of {quantity} no single networks are kept'}")
    most = max(map(len, panels))
    if samples is not None or not kept:
        return samples if kept else 0
    return max(MOST // most, LEAST) if most <= NAMED else 0


def _kept(line):
    """Natural logs, (replicas, layers); None where there are none."""
    logs = line.curves.variables.get(f"{line.quantity}_log") if QUANTITIES[line.quantity].log else None
    return logs if logs is None or line.place is None else logs[..., line.place]


def draw(ax, line, colour, count):
    """Draw the first `count` networks of a line; a network that is zero or not finite has a gap there."""
    from matplotlib.collections import LineCollection

    if not count or (logs := _kept(line)) is None:
        return
    values, layers = np.array(logs[:count]) * line.scale.factor, line.curves.layers
    values[~np.isfinite(values)] = np.nan
    curves = [np.column_stack([layers, one]) for one in values]
    ax.add_collection(LineCollection(curves, colors=[colour], lw=WIDTH, alpha=OPACITY, zorder=1.5), autolim=False)
    ax.update_datalim(np.concatenate([one[np.isfinite(one[:, 1])] for one in curves]))


def words(panels, count):
    """What the title says of them; "" where there are none."""
    found = [line.curves.run["replicas"] for lines in panels for line in lines if _kept(line) is not None] if count else []
    if not found:
        return ""
    if all(count >= replicas for replicas in found):
        return "thin lines: every network"
    return f"thin lines: the first {count} networks{' of each' if len(found) > 1 else ''}"
