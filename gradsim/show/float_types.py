"""Where float types end, as lines in a picture of sizes: what is beyond them overflows, or is no normal number any more."""

from ..results.exits import REPORTED_PRECISIONS
from ..results.verdict import DECADES
from ..statistics.precision import PRECISIONS, log_square_limits

TYPES = (*REPORTED_PRECISIONS, "float64")
ONE = 0.01  # decades between limits that are one line
LOOK = {"colors": "0.45", "lw": 0.8, "linestyles": (0, (1, 2)), "zorder": 1}

BEHIND = {"fc": "white", "ec": "none", "alpha": 0.7, "pad": 0.5}


def limits():
    """[(decades, words)] of the smallest normal and of the largest numbers of TYPES."""
    result = []
    for words, logs in zip(("smallest normal", "largest"), log_square_limits(), strict=True):
        found = {name: float(logs[PRECISIONS.index(name)]) * DECADES for name in TYPES}
        for decades in dict.fromkeys(found.values()):
            same = [name for name in found if abs(found[name] - decades) < ONE]
            if decades == found[same[0]]:
                result.append((decades, f"{words} {', '.join(same)}"))
    return result


def draw(ax):
    """Draw those that are between the ends of the vertical axis, which is of decades."""
    from matplotlib.collections import LineCollection

    low, high = ax.get_ylim()
    for decades, words in limits():
        if low < decades < high:
            across = ax.get_yaxis_transform()
            ax.add_collection(LineCollection([[(0, decades), (1, decades)]], transform=across, **LOOK), autolim=False)
            place = {"va": "bottom" if decades > 0 else "top", "ha": "right", "transform": across}
            ax.text(0.99, decades, words, fontsize=6.5, color="0.4", bbox=BEHIND, zorder=1, **place)
