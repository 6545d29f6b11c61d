"""Theory in words and tables, for the command line."""

import math

import numpy as np
from rich.table import Table
from rich.text import Text

from ..cells import describe, varying
from ..quantities import THEORIES
from ..errors import RequestError
from ..report import wide
from ..verdict import DECADES
from .comparison import disagreements, measured_exits, predicted_exits, predictions
from .summary import decades

SOURCES = {"exact": "the exact law", "mean field": "mean field"}
WORDS = {"mean_field": "mean field", "exact": "exact law"}
NOTE = (
    "measured and predicted: log10 of the root mean square (a correlation as it is), the mean over networks that are not\n"
    "zero, with its standard error. z: the difference over that error. An exact law leaves |z| below 4 but once in 16,000;\n"
    "mean field is the limit of infinite width and is off by about depth/width in the natural log of the mean square."
)
MOST_ROWS = 12  # of the table of layers


def show(curve_set, file=None):
    """Print the z-scores of a CurveSet with theory, and where float types are left."""
    console = wide(file)
    console.print("\n[bold]Theory against measurement[/bold]" if console.is_terminal else "\nTheory against measurement")
    console.print(disagreement_table(curve_set))
    for line in missing(curve_set):
        console.print(line, style="dim", soft_wrap=True)
    console.print(NOTE, style="dim", soft_wrap=True)
    if len(curve_set) == 1:
        table = exit_table(curve_set[0])
        if table is not None:
            console.print()
            console.print(table)


def disagreement_table(curve_set):
    """A rich Table: a row a network, theory and quantity."""
    names = varying(curve_set)
    result = Table(box=None, pad_edge=False, header_style="bold")
    for name in (*names, "theory", "quantity", "layer"):
        result.add_column(name)
    for name in ("measured", "±", "predicted", "z"):
        result.add_column(name, justify="right")
    for curves in curve_set:
        cell = describe(curves)
        for row in disagreements(curves):
            factor = 1.0 if "correlation" in row.quantity else DECADES
            numbers = (row.measured * factor, row.standard_error * factor, row.predicted * factor)
            result.add_row(
                *(str(cell[name]) for name in names), WORDS[row.theory], row.quantity.replace("_", " "), str(row.layer),
                f"{numbers[0]:+.4f}", f"{numbers[1]:.4f}", f"{numbers[2]:+.4f}", f"{row.z:+.2f}",
            )  # fmt: skip
    return result


def missing(curve_set):
    """A line for every reason why a theory says nothing."""
    lines = {}
    for curves in curve_set:
        for theory, found in predictions(curves.network, curves.run).items():
            if isinstance(found, str):
                lines[f"{WORDS[theory]}: no prediction ({found})"] = None
        if curves.run.get("loss", "probe") != "probe":
            lines[f"gradients: no prediction with loss {curves.run['loss']}, whose gradient depends on the network's output"] = None
    return list(lines)


def exit_table(curves):
    """A rich Table of predicted and measured layers at which float types are left; None where theory says nothing."""
    try:
        predicted = predicted_exits(curves)
    except RequestError:
        return None
    result = Table(
        title=f"First layer out of range, predicted (from {SOURCES[predicted.source]}) / measured", title_justify="left", box=None, pad_edge=False,
        header_style="bold",
    )  # fmt: skip
    result.add_column("float type")
    for way in ("forward", "backward"):
        for event in ("overflow", "subnormal", "zero"):
            result.add_column(f"{way} {event}", justify="right")
    measured = measured_exits(curves)
    gradients = curves.run.get("loss", "probe") == "probe"
    for name in predicted.forward:
        cells = [f"{_layer(p)} / {_layer(m)}" for p, m in zip(predicted.forward[name], measured[0][name], strict=True)]
        cells += [
            f"{_layer(p) if gradients else '?'} / {_layer(m)}"
            for p, m in zip(predicted.backward[name], measured[1][name], strict=True)
        ]
        result.add_row(name, *cells)
    return result


def _layer(layer):
    return "–" if layer is None else str(layer)



def show_summary(found, file=None):
    """Print a Summary."""
    console = wide(file)
    for line in headline(found):
        console.print(line, soft_wrap=True)
    console.print()
    console.print(layer_table(found))
    reason = found.exact if isinstance(found.exact, str) else None
    if reason:
        console.print(f"no exact law at this width ({reason})", style="dim", soft_wrap=True)
    console.print(LAYER_NOTE + ("" if reason else EXACT_NOTE), style="dim", soft_wrap=True)
    console.print()
    for part in summary_exits(found):
        console.print(part, soft_wrap=True)
    console.print()
    for line in advice(found):
        console.print(line, soft_wrap=True)


EXIT_NOTE = (
    "overflow: the largest entry of a layer, from layer 1 on or from the last layer down; subnormal: the root mean square;\n"
    "zero: even the largest entry. – never."
)
LAYER_NOTE = (
    "h, x, gradient: log10 of root mean squares; chi_perp: what a layer multiplies the mean-square gradient by; chi_par: dq'/dq."
)
EXACT_NOTE = (
    "\nexact: mean of the log at this width, and its standard deviation between networks; dead: probability that the signal is zero."
)


def headline(found):
    """Lines on the network and on what it settles to."""
    network, f = found.network, found.fixed_point
    widths = f"width {max(network.widths)}" + ("" if len(set(network.widths)) == 1 else " at most")
    yield f"{network.activation}, {network.init}, gain {network.weight_gain:g}, biases {network.bias}, {widths}, depth {network.depth}"
    yield f"sigma_w = {found.weight_std:.6g} (Var W = sigma_w^2 / fan_in), sigma_b = {found.bias_std:.6g}"
    for note in found.notes:
        yield f"note: {note}"
    yield ""
    yield "Infinite width and depth:"
    where = f"q* = {_figure(f.q_star)}, c* = {_figure(f.c_star)}" + (f"; {f.note}" if f.note else "")
    yield f"  fixed point   {where}" + ("; not stable" if math.isfinite(f.q_star) and not f.stable else "")
    if f.others:
        yield f"  other fixed points of the variance: {', '.join(_figure(q) for q in f.others)}"
    yield f"  factors       chi_perp = {f.chi_perp:.6g}, chi_par = {f.chi_par:.6g}, chi at c* = {_figure(f.chi_c_star)}: {f.phase}, {PHASE_WORDS[f.phase]}"
    yield f"  depth scales  xi_q = {_scale(f.xi_q)}, xi_c = {_scale(f.xi_c)}"


PHASE_WORDS = {
    "ordered": "gradients vanish", "critical": "gradients keep their scale", "chaotic": "gradients explode", "": "undecided",
}  # fmt: skip


def _figure(value):
    return "undefined" if math.isnan(value) else "∞" if value == math.inf else f"{value:.6g}"


def _scale(layers):
    return f"{_figure(layers)} layers" if layers >= 0 else "undefined" if math.isnan(layers) else f"none (grows by e in {-layers:.3g} layers)"


def layer_table(found):
    """A rich Table of some layers."""
    wide_, exact = found.mean_field, found.exact
    table = Table(box=None, pad_edge=False, header_style="bold")
    names = ["layer", "h", "x", "1 - correlation", "chi_perp", "chi_par", "gradient"]
    lawful = not isinstance(exact, str)
    names += ["exact x", "±", "exact gradient", "±", "dead"] if lawful else []
    for name in names:
        table.add_column(name, justify="right")
    last = wide_.layers[-1]
    for layer in np.unique(np.round(np.linspace(0, last, min(MOST_ROWS, last + 1))).astype(int)):
        row = [str(layer), *(_decade(wide_[f"{q}_log_mean"][layer]) for q in ("preactivation", "activation"))]
        row += [f"{math.exp(min(wide_.log_one_minus_correlation[layer], 1.0)):.3g}", *(f"{c[layer]:.5f}" for c in (wide_.chi_perp, wide_.chi_par))]
        row.append(_decade(wide_["gradient_log_mean"][layer]))
        if lawful:
            for quantity in ("activation", "gradient"):
                row.append(_decade(exact[f"{quantity}_log_mean"][layer]))
                row.append(f"{math.sqrt(exact[f'{quantity}_log_variance'][layer]) * DECADES:.3f}")
            row.append(f"{exact.death_probability[layer]:.3g}")
        table.add_row(*("" if "nan" in cell else cell for cell in row))
    return table


def _decade(log):
    return f"{log * DECADES:+.3f}"


def summary_exits(found):
    """Rich Tables or lines on predicted exits from float types."""
    if not any(layer for way in (found.precision.forward, found.precision.backward) for e in way.values() for layer in e):
        yield f"Float types: every one holds every layer, forward and backward (from {SOURCES[found.precision.source]})"
        return
    table = Table(
        title=f"First layer out of range, predicted (from {SOURCES[found.precision.source]})", title_justify="left", box=None,
        pad_edge=False, header_style="bold",
    )  # fmt: skip
    table.add_column("float type")
    for way in ("forward", "backward"):
        for event in ("overflow", "subnormal", "zero"):
            table.add_column(f"{way} {event}", justify="right")
    for name in found.precision.forward:
        table.add_row(name, *(_layer(k) for exits in (found.precision.forward, found.precision.backward) for k in exits[name]))
    yield table
    yield Text(EXIT_NOTE, style="dim")


def advice(found):
    """Lines on the critical gain and on what other gains would change."""
    critical, network = found.critical_point, found.network
    for branch in critical.branches:
        kept = "stable" if branch.stable else "not stable: a network leaves it, layer by layer"
        where = "at every variance" if math.isnan(branch.q_star) else f"at q* = {branch.q_star:.6g}"
        gain = f"gain {network.weight_gain * branch.weight_std / found.weight_std:.6g}, " if found.weight_std else ""
        yield f"Edge of chaos: {gain}sigma_w = {branch.weight_std:.6g}, {where}, {kept} (chi_par = {branch.chi_par:.6g})"
    if not critical.branches:
        yield f"Edge of chaos: {critical.note}"
    if found.weight_std and not any(p.name == "balanced" for p in found.proposals):
        yield "Balanced gain: no gain makes the gradient at layer 1 equal to that at the last hidden layer"
    yield f"Gradient from the last hidden layer back to layer 1, infinite width: {_change(found.mean_field)} with gain {network.weight_gain:.6g}"
    for proposal in found.proposals:
        yield f"  {_change(proposal.mean_field)} with gain {proposal.gain:.6g} ({PROPOSALS[proposal.name]})"
        for way in ("forward", "backward"):
            before, after = (getattr(p, way) for p in (found.precision, proposal.precision))
            for name in before:
                if before[name] != after[name]:
                    yield f"    {name} {way}: {_events(after[name])} instead of {_events(before[name])}"


def _change(prediction):
    change = decades(prediction)
    return "exactly zero" if math.isnan(change) else f"{0.0 if abs(change) < 1e-6 else change:+.3g} decades"


PROPOSALS = {"edge of chaos": "the edge of chaos", "balanced": "balanced over this depth"}


def _events(exit):
    words = [f"{event} at layer {layer}" for event, layer in exit._asdict().items() if layer is not None]
    return ", ".join(words) or "in range at every layer"
