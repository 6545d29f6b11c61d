"""The phase diagram of an activation: theory's, the same by simulation, and their picture."""

import math

import numpy as np

from ..errors import RequestError, whole_number
from ..model.network import mlp
from ..model.request import checked
from ..results.verdict import DECADES
from ..simulation.simulate import simulate
from ..theory.fixed_points import critical_point, edge_of_chaos, phase_diagram
from ..theory.prediction import deviation

RANGE = (0.25, 2.5)  # of sigma_w, in units of the critical one without bias
MOST_POINTS = 1000
COLOURS = "RdBu_r"
UNDEFINED = "0.8"
FAR_UP = 1e9  # sigma_b: where an edge that has no end is cut for drawing
REACH = 0.75  # quantile of |decades| at which colours end


def axes(activation, points, weight_std=None, bias_std=None, option="--points"):
    """Two increasing arrays of standard deviations; `weight_std` and `bias_std` are (least, most), or None to choose.

    `option` is what errors call `points`. Raises RequestError.
    """
    points = whole_number(option, points, 2, MOST_POINTS)
    if weight_std is None:
        critical = critical_point(activation).weight_std
        weight_std = tuple(round(r * (critical if math.isfinite(critical) else 1.5), 2) for r in RANGE)
    ends = {"--weight-std": weight_std, "--bias-std": (0.0, 1.0) if bias_std is None else bias_std}
    ends = {name: tuple(deviation(name, end) for end in pair) for name, pair in ends.items()}
    for name, (least, most) in ends.items():
        if not least < most:
            raise RequestError(f"{name}: {least:g} is not below {most:g}")
    return tuple(np.linspace(*end, points) for end in ends.values())


def check_simulation(activation, *, width, depth, replicas, seed):
    """Raises RequestError for what `simulated` cannot do."""
    mlp(width=width, depth=whole_number("--depth", depth, 2), activation=activation)
    checked(replicas=replicas, seed=seed)


def simulated(activation, weight_std, bias_std, *, width=256, depth=60, replicas=20, seed=0, progress=None):
    """Decades of the root-mean-square gradient gained per 100 layers, by simulation: of shape (bias_std, weight_std).

    From the mean log gradient at the last hidden layer and half-way back, where the forward pass has settled.
    `progress(done)` is called after every point. Raises RequestError.
    """
    check_simulation(activation, width=width, depth=depth, replicas=replicas, seed=seed)
    result = np.full((len(bias_std), len(weight_std)), np.nan)
    for done, (row, column) in enumerate(np.ndindex(result.shape), start=1):
        init = f"normal(0,{float(weight_std[column]) / math.sqrt(width)!r})"
        network = mlp(width=width, depth=depth, activation=activation, init=init, bias_std=float(bias_std[row]))
        gradient = simulate(network, replicas, seed)["gradient_log_mean"]
        half = depth // 2
        result[row, column] = (gradient[half] - gradient[depth]) / (depth - half) * 100 * DECADES
        if progress is not None:
            progress(done)
    return result


def figure(diagram, measured=None):
    """A matplotlib Figure of a PhaseDiagram; `measured` is (weight_std, bias_std, decades) beside it, or None."""
    from ..show.style import matplotlib_figure

    panels = 1 if measured is None else 2
    result = matplotlib_figure()(figsize=(1.8 + 5.0 * panels, 4.6), layout="constrained")
    across = result.subplots(1, panels, squeeze=False, sharey=True)[0]
    theory = diagram.decades_per_100_layers
    reach = _reach(theory)
    image = _panel(across[0], diagram.weight_std, diagram.bias_std, theory, reach)
    across[0].set_title("mean-field theory", loc="left", weight="bold")
    if measured is not None:
        _panel(across[1], *measured, reach)
        across[1].set_title("simulation", loc="left", weight="bold")
    for ax in across:
        _edge(ax, diagram, theory)
        ax.set_xlabel("weights: sigma_w  (Var W = sigma_w² / fan_in)")
        ax.set_xlim(diagram.weight_std[0], diagram.weight_std[-1])
        ax.set_ylim(diagram.bias_std[0], diagram.bias_std[-1])
    across[0].set_ylabel("biases: sigma_b")
    bar = result.colorbar(image, ax=across, extend="both")
    bar.set_label("gradient, in decades per 100 layers\nvanishes  ←     →  explodes")
    result.suptitle(f"{diagram.activation}: what becomes of the gradient of deep networks")
    return result


def _reach(decades):
    finite = np.abs(decades[np.isfinite(decades)])
    return max(float(np.quantile(finite, REACH)) if finite.size else 1.0, 1e-3)


def _panel(ax, weight_std, bias_std, decades, reach):
    held = np.clip(decades, -10 * reach, 10 * reach)  # infinite where signals are exactly zero
    if np.isnan(decades).any():
        ax.plot([], [], "s", color=UNDEFINED, ms=8, label="undecided, or no gradient")
    image = ax.pcolormesh(weight_std, bias_std, held, cmap=COLOURS, vmin=-reach, vmax=reach, shading="nearest", rasterized=True)
    ax.set_facecolor(UNDEFINED)
    return image


def edge_outside(diagram):
    """In words, where the edge of chaos is if no part of it is inside the axes; "" where some is."""
    weight_std, bias_std, _ = edge_of_chaos(diagram.activation)
    if not weight_std.size:
        return "no edge of chaos"
    if _crosses(diagram, weight_std, np.minimum(bias_std, FAR_UP)):
        return ""
    here = (bias_std >= diagram.bias_std[0]) & (bias_std <= diagram.bias_std[-1])
    if not here.any():
        return f"edge of chaos outside: it begins at sigma_b = {bias_std.min():.4g}"
    return f"edge of chaos outside: sigma_w from {weight_std[here].min():.4g} to {weight_std[here].max():.4g}"


def _crosses(diagram, weight_std, bias_std):
    """Whether a line of (weight_std, bias_std), broken at NaN, goes through the axes."""
    from matplotlib.path import Path
    from matplotlib.transforms import Bbox

    box = Bbox([[diagram.weight_std[0], diagram.bias_std[0]], [diagram.weight_std[-1], diagram.bias_std[-1]]])
    points = np.column_stack([weight_std, bias_std])
    pieces = np.split(points, np.flatnonzero(np.isnan(bias_std)))
    pieces = [piece[~np.isnan(piece[:, 1])] for piece in pieces]
    return any(Path(piece).intersects_bbox(box, filled=False) for piece in pieces if len(piece) > 1)


def _edge(ax, diagram, decades):
    """The edge of chaos, where networks leave vanishing for exploding gradients without it, and names where there is room."""
    weight_std, bias_std, stable = edge_of_chaos(diagram.activation)
    bias_std = np.minimum(bias_std, FAR_UP)
    for kind, style, label in ((stable, "-", "edge of chaos, chi_perp = 1"), (~stable, "--", "the same, not stable")):
        line = np.where(kind, bias_std, np.nan)
        if _crosses(diagram, weight_std, line):
            ax.plot(weight_std, line, color="black", ls=style, lw=1.6, label=label)
    outside = edge_outside(diagram)
    if outside:
        ax.plot([], [], " ", label=outside)
    held = np.ma.masked_invalid(np.clip(decades, -1.0, 1.0))
    if not stable.all() and held.min() < 0 < held.max():
        ax.contour(diagram.weight_std, diagram.bias_std, held, levels=[0.0], colors="black", linestyles=":", linewidths=1.6)
        ax.plot([], [], color="black", ls=":", lw=1.6, label="inputs of mean square 1 part here")
    if ax.get_legend_handles_labels()[0]:
        ax.legend(loc="upper left", fontsize=8, framealpha=0.8)
    for sign, name in ((-1, "ordered"), (1, "chaotic")):
        inside = sign * held > 0
        if inside.mean() > 0.05:
            row, column = (round(np.mean(places)) for places in np.nonzero(inside))
            if inside[row, column]:
                ax.text(
                    diagram.weight_std[column],
                    diagram.bias_std[row],
                    name,
                    ha="center",
                    va="center",
                    fontsize=11,
                    bbox={"boxstyle": "round", "facecolor": "white", "edgecolor": "none", "alpha": 0.75},
                )


def comparison(diagram, measured):
    """Median and largest |simulation - theory| in decades per 100 layers over the cells that both hold, and their number.

    `measured` as in `figure`; theory is computed anew on its grid.
    """
    weight_std, bias_std, decades = measured
    theory = phase_diagram(diagram.activation, weight_std=weight_std, bias_std=bias_std).decades_per_100_layers
    gap = np.abs(decades - theory)
    gap = gap[np.isfinite(gap)]
    return (float(np.median(gap)), float(gap.max()), gap.size) if gap.size else (math.nan, math.nan, 0)
