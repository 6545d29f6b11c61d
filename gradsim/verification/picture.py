"""Pictures of a Report: the pooled z-scores, whole laws, scores layer by layer, and gaps to infinite width."""

import math

import numpy as np
from scipy import stats

from ..show.picture import save
from ..show.style import COLOURS, matplotlib_figure

COLUMNS = 4
FILES = {"scores": "z_scores.png", "law": "laws.png", "layers": "layers.png", "gaps": "limits.png"}


def figures(report):
    """Yields (name of the file, Figure) for what the Report has something for."""
    panels = [panel for result in report.results.values() for panel in result.panels]
    if report.overall is not None:
        yield FILES["scores"], _scores(report.overall)
    for kind, draw in (("law", _law), ("layers", _layers), ("gaps", _gaps)):
        chosen = [panel for panel in panels if panel[1] == kind]
        if chosen:
            yield FILES[kind], _grid(chosen, draw)


def pictures(report, folder, overwrite=False):
    """Write the pictures that the Report has something for into `folder`; returns their paths. Raises RequestError."""
    written = []
    for name, figure in figures(report):
        save(figure, folder / name, overwrite)
        written.append(folder / name)
    return written


def _scores(overall):
    figure = matplotlib_figure()(figsize=(10, 4.2), layout="constrained")
    left, right = figure.subplots(1, 2)
    z = np.sort(overall.z)
    reach = _reach(z)
    x = np.linspace(-reach, reach, 400)
    bins = np.linspace(-reach, reach, 8 * reach + 1)
    left.hist(z, bins=bins, density=True, color=COLOURS[0], alpha=0.5, label=f"{z.size} z-scores")
    left.plot(x, stats.norm.pdf(x), color="black", lw=1.2, label="standard normal")
    left.set_xlabel("z")
    left.set_ylabel("density")
    left.legend(frameon=False)
    expected = stats.norm.ppf((np.arange(z.size) + 0.5) / z.size)
    right.plot(expected, z, ".", ms=3, color=COLOURS[0])
    right.plot(x, x, color="black", lw=1)
    # a point's rank has a beta law: 99 % band of each point
    ranks = np.arange(1, z.size + 1)
    for q in (0.005, 0.995):
        right.plot(expected, stats.norm.ppf(stats.beta.ppf(q, ranks, z.size + 1 - ranks)), color="0.6", lw=0.8)
    right.set_xlabel("quantile of the standard normal")
    right.set_ylabel("quantile of z (grey: 99 % of points lie between)")
    figure.suptitle(
        f"All exact checks together: p of mean {overall.mean_p:.2g}, variance {overall.variance_p:.2g}, law {overall.law_p:.2g}"
    )
    return figure


def _reach(z):
    """A whole number that every finite z is below, 5 at least."""
    finite = np.abs(z[np.isfinite(z)])
    return max(5, math.ceil(finite.max())) if finite.size else 5


def _grid(panels, draw):
    columns = min(COLUMNS, len(panels))
    rows = math.ceil(len(panels) / columns)
    figure = matplotlib_figure()(figsize=(4.2 * columns, 3.1 * rows), layout="constrained")
    axes = figure.subplots(rows, columns, squeeze=False).ravel()
    for ax, (title, _, arrays) in zip(axes, panels, strict=False):
        draw(ax, *arrays)
        ax.set_title(title, fontsize=8)
    for ax in axes[len(panels) :]:
        ax.set_visible(False)
    return figure


def _law(ax, found, law):
    found = np.sort(found)
    x = np.linspace(found[0], found[-1], 300)
    ax.plot(found, (np.arange(found.size) + 0.5) / found.size, color=COLOURS[0], lw=3, alpha=0.5, label="networks")
    ax.plot(x, law.cdf(x), color="black", lw=1, label="exact law")
    ax.set_xlabel("log of the ratio of mean squares")
    ax.set_ylabel("P(≤)")
    ax.legend(frameon=False, fontsize=7)


def _layers(ax, z):
    ax.axhspan(-2, 2, color="0.9")
    ax.plot(np.arange(1, z.size + 1), z, ".", ms=4, color=COLOURS[0])
    reach = _reach(z)
    ax.set_ylim(-reach, reach)
    ax.set_xlabel("layer (those whose law is not one point)")
    ax.set_ylabel("z (grey: ±2)")


def _gaps(ax, widths, lines):
    for k, (name, gaps, errors) in enumerate(lines):
        ax.errorbar(1 / widths, gaps, 2 * errors, marker="o", ms=3, color=COLOURS[k], label=name.replace("_", " "), capsize=2)
    ax.axhline(0, color="black", lw=0.8)
    ax.set_xlim(0, None)
    ax.set_xticks([0, *1 / widths], ["∞", *(str(n) for n in widths)])
    ax.set_xlabel("width (scale: 1 / width)")
    ax.set_ylabel("simulation - theory (±2 errors)")
    ax.legend(frameon=False, fontsize=7)
