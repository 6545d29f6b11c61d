"""The picture of a training run: how far weights move, beside the gradient at initialization, with loss and accuracy."""

from textwrap import fill

import numpy as np

from ..show.style import COLOURS, matplotlib_figure
from .words import MOVED

SIZE = 12.6, 4.6  # inches
TITLE = 150  # characters a line
MOST_STEPS = 7  # curves of weight change
BAND = 0.25, 0.75  # quantiles


def figure(trained):
    """A matplotlib Figure of TrainingCurves. Raises RequestError without matplotlib."""
    found = matplotlib_figure()(figsize=SIZE, layout="constrained")
    has_accuracy = "accuracy_mean" in trained.variables
    ratios = (1.5, 1, 1) if has_accuracy else (1.5, 1)
    axes = found.subplots(1, len(ratios), width_ratios=ratios)
    _changes(axes[0], trained)
    _against_step(axes[1], trained, "loss", "loss")
    if has_accuracy:
        _against_step(axes[2], trained, "accuracy", "accuracy", label="trained on")
        if "held_out_accuracy_mean" in trained.variables:
            _against_step(axes[2], trained, "held_out_accuracy", "accuracy", COLOURS[1], "held out")
        axes[2].set_ylim(-0.02, 1.02)
        axes[2].legend(frameon=False, loc="lower right", fontsize="small")
    initial = f"At initialization: {trained.initial.verdict.sentence}"
    found.suptitle(f"{fill(trained.sentence, TITLE)}\n{fill(initial, TITLE)}", x=0.01, ha="left", fontsize=10)
    return found


def _shown(trained):
    """Rows of recorded steps behind the first update, at most MOST_STEPS of them."""
    rows = np.flatnonzero(trained.recorded > 0)
    picked = np.linspace(0, len(rows) - 1, min(MOST_STEPS, len(rows))).round().astype(int)
    return rows[np.unique(picked)]


def _changes(ax, trained):
    from matplotlib import colormaps

    layers, change, rows = trained.layers[1:], trained.median("weight_change")[:, 1:] / 2, _shown(trained)
    with np.errstate(over="ignore"):
        for k, row in enumerate(rows):
            rank = trained.correlation[row]
            words = "" if np.isnan(rank) else f"  (rank correlation {rank:.2f})"
            colour = colormaps["viridis"](0.9 * k / max(len(rows) - 1, 1))
            ax.plot(layers, np.exp(change[row]), color=colour, label=f"step {trained.recorded[row]:,}{words}")
        gradient = np.exp(trained.initial_gradient[1:] / 2)
    ax.plot(layers, gradient, color=COLOURS[5], linestyle=(0, (4, 2)), label="|dL/dW| / |W| at initialization")
    ax.axhline(MOVED, color="0.6", linewidth=0.8)
    ax.set_yscale("log")
    ax.set_xlabel("layer")
    ax.set_ylabel("|W − W₀| / |W₀| of the median network")
    ax.legend(frameon=False, fontsize="small")


def _against_step(ax, trained, quantity, words, colour=COLOURS[0], label=None):
    """The mean over networks, and a band of the middle half of them."""
    steps, quantiles = np.arange(trained.request["steps"] + 1), trained[f"{quantity}_quantile"]
    low, high = (quantiles[:, np.flatnonzero(trained.quantiles == q)[0]] for q in BAND)
    ax.fill_between(steps, *(np.where(np.isfinite(v), v, np.nan) for v in (low, high)), color=colour, alpha=0.2, linewidth=0)
    ax.plot(steps, trained[f"{quantity}_mean"], color=colour, linewidth=1, label=label)
    ax.set_xlabel("step")
    ax.set_ylabel(f"{words} (mean, middle half of the networks)")
