"""What theory says of one network, as lines and tables for the command line."""

import math

import numpy as np
from rich.table import Table
from rich.text import Text

from ..results.cells import of_network
from ..results.verdict import DECADES
from ..show.exit_table import EXIT_NOTE, exit_table, leaves_a_type, untrusted
from ..show.fitting import lay
from ..show.table import wide
from . import block_report
from .recommendation_report import advice

MOST_ROWS = 12  # of the table of layers
LAYER_NOTE = (
    "h, x, gradient: log10 of root mean squares; chi_perp: factor on mean-square gradients for equal widths; chi_par: dq'/dq."
)
EXACT_NOTE = (
    "\nexact: mean of the log at this width, its standard deviation between networks; dead: probability of a zero signal."
)
PHASE_WORDS = {
    "ordered": "gradients vanish",
    "critical": "gradients keep their scale",
    "chaotic": "gradients explode",
    "": "undecided",
}


def show(found, file=None):
    """Print a Summary."""
    console = wide(file)
    for number, section in enumerate(_chain(found) if found.chain else block_report.sections(found)):
        if number:
            console.print()
        for part in section:
            lay(console, part)
    for section in (summary_exits(found), edges(found) if found.chain else (), advice(found)):
        parts = list(section)
        if parts:
            console.print()
        for part in parts:
            lay(console, part)


def _chain(found):
    """Sections on a chain of layers: Tables and lines."""
    reason = found.exact if isinstance(found.exact, str) else None
    yield headline(found)
    why = [Text(f"no exact law at this width ({reason})", style="dim")] if reason else []
    yield [layer_table(found), *why, Text(LAYER_NOTE + ("" if reason else EXACT_NOTE), style="dim")]


def headline(found):
    """Lines on the network and on what it settles to."""
    network, f = found.network, found.fixed_point
    widths = f"width {max(network.widths)}" + ("" if len(set(network.widths)) == 1 else " at most")
    words = of_network(network)
    scheme = f"{words['init']}, gain {network.usual_gain:g}, biases {words['bias']}"
    yield f"{words['activation']}, {scheme}, {widths}, depth {network.depth}"
    yield f"sigma_w = {found.weight_std:.6g} (Var W = sigma_w^2 / fan_in), sigma_b = {found.bias_std:.6g}"
    for note in found.notes:
        yield f"note: {note}"
    yield ""
    yield "Infinite width and depth:"
    where = f"q* = {_figure(f.q_star)}, c* = {_figure(f.c_star)}" + (f"; {f.note}" if f.note else "")
    yield f"  fixed point   {where}" + ("; not stable" if math.isfinite(f.q_star) and not f.stable else "")
    if f.others:
        yield f"  other fixed points of the variance: {', '.join(_figure(q) for q in f.others)}"
    factors = f"chi_perp = {f.chi_perp:.6g}, chi_par = {f.chi_par:.6g}, chi at c* = {_figure(f.chi_c_star)}"
    yield f"  factors       {factors}: {f.phase}, {PHASE_WORDS[f.phase]}"
    yield f"  depth scales  xi_q = {_scale(f.xi_q)}, xi_c = {_scale(f.xi_c)}"


def _figure(value):
    return "undefined" if math.isnan(value) else "∞" if value == math.inf else f"{value:.6g}"


def _scale(layers):
    return (
        f"{_figure(layers)} layers"
        if layers >= 0
        else "undefined"
        if math.isnan(layers)
        else f"none (grows by e in {-layers:.3g} layers)"
    )


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
        row += [
            f"{math.exp(min(wide_.log_one_minus_correlation[layer], 1.0)):.3g}",
            *(f"{c[layer]:.5f}" for c in (wide_.chi_perp, wide_.chi_par)),
        ]
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
    """Rich Tables or lines on exits from float types, predicted and, where networks were simulated, measured."""
    predicted, asked = found.precision, found.recommendation.rows.get("as asked")
    measured = None if asked is None else asked.exits
    left = [predicted.forward, predicted.backward] + ([] if measured is None else list(measured))
    if not leaves_a_type(*left):
        yield _holding(found, 0 if measured is None else asked.replicas)
        return
    yield exit_table(predicted, measured)
    yield from untrusted(predicted)
    yield Text(EXIT_NOTE, style="dim")


def _holding(found, replicas):
    """A line for where no exit was found, by theory or in so many simulated networks."""
    unit, known = "block" if found.network.has_stream else "layer", all(found.precision.known)
    holds = f"Float types: every one holds every {unit}, forward and backward"
    simulated = f"in the median of {replicas} simulated networks"
    if known:
        return f"{holds} (from {found.precision.source_words}{f', and {simulated}' if replicas else ''})"
    if replicas:
        return f"{holds}, {simulated}; theory does not know all of them (see above)"
    return f"Float types: every one holds every {unit} that theory knows, which are not all (see above)"


def edges(found):
    """Lines on the edge of chaos."""
    critical, network = found.critical_point, found.network
    for branch in critical.branches:
        kept = "stable" if branch.stable else "not stable: a network leaves it, layer by layer"
        where = "at every variance" if math.isnan(branch.q_star) else f"at q* = {branch.q_star:.6g}"
        gain = f"gain {network.usual_gain * branch.weight_std / found.weight_std:.6g}, " if found.weight_std else ""
        yield f"Edge of chaos: {gain}sigma_w = {branch.weight_std:.6g}, {where}, {kept} (chi_par = {branch.chi_par:.6g})"
    if not critical.branches:
        yield f"Edge of chaos: {critical.note}"
