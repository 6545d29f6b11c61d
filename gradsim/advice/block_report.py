"""What theory says of a network of blocks, as lines and a table for the command line."""

import math

import numpy as np
from rich.table import Table
from rich.text import Text

from ..model.families import FAMILIES
from ..results.cells import of_network
from ..results.sentence import times
from ..results.verdict import DECADES
from ..show.comparison import silent_lines
from ..statistics.quantities import QUANTITIES
from ..theory.exact_streams import ExactStream
from .summary import decades

MOST_ROWS = 12  # of the table
MOST_PLACES = 2  # linear maps in a block of which each has its columns
NOTE = (
    "log10 of root mean squares, by mean field: h is what a linear map gives, dL/dh its gradient, dL/dW that of its weights.\n"
    "--json has every quantity of every block and place."
)
EXACT_NOTE = "\nexact: mean of the log at this width, and its standard deviation between networks."


def sections(found):
    """Tables and lines, section by section."""
    yield headline(found)
    yield [*fate(found)]
    notes = [*silent_lines(found.mean_field.silences), *silent_lines(unruled(found), "not predicted")]
    if isinstance(found.exact, str):
        notes.append(f"no exact law at this width ({found.exact})")
    yield [block_table(found), *(Text(line, style="dim") for line in (*notes, _note(found)))]


def headline(found):
    """What the network is."""
    network, words = found.network, of_network(found.network)
    name = words["block"]
    blocks = "1 block" if network.depth == 1 else f"{network.depth} blocks"
    size = f"width {max(network.widths)}{'' if len(set(network.widths)) == 1 else ' at most'}, {blocks}"
    scheme = f"{words['activation']}, {words['init']}, gain {words['weight_gain']:g}, biases {words['bias']}"
    yield f"{'blocks of parts' if name == 'parts' else f'{name} blocks'}: {', '.join([*_traits(words), scheme, size])}"
    if name in FAMILIES:
        yield f"  {FAMILIES[name].summary}"
    if network.input_width != network.widths[0] or network.outputs is not None:
        yield f"  {network.input_width} inputs" + ("" if network.outputs is None else f", {network.outputs} outputs")


def _traits(words):
    """What tells blocks of a family from its usual ones."""
    if words.get("norm", "none") != "none":
        yield f"{words['norm']} norm"
    if words.get("block_depth"):
        yield f"{words['block_depth']} linear map{'' if words['block_depth'] == 1 else 's'} a branch"
    if words.get("residual_scale"):
        yield f"branches times {words['residual_scale']}"
    if words.get("dropout"):
        yield f"dropout {words['dropout']:g}"
    if words.get("final_norm"):
        yield f"{words['final_norm']} norm behind the last block"
    for name, what in (("first_init", "first map"), ("last_init", "last map"), ("last_gain", "gain of the last map")):
        if words.get(name):
            yield f"{what} {words[name]}"
    if words.get("last_activation"):
        yield f"last activation {words['last_activation']}"


def fate(found):
    """What becomes of signals and of the gradient at infinite width, in a line each."""
    stream, depth = found.network.has_stream, found.network.depth
    signal = _curve(found, "stream" if stream else "activation")
    grown, change = (signal[depth] - signal[0]) * DECADES, decades(found.mean_field)
    unit = "block" if stream else "layer"
    yield "Infinite width:" + (
        " theory does not know how deep networks end, see below" if math.isnan(grown) and math.isnan(change) else ""
    )
    if not math.isnan(grown):
        what = f"the stream behind block {depth} is" if stream else f"activations behind layer {depth} are"
        yield f"  forward    {what} {times(grown)} times as large as {'x_0' if stream else 'the input'}"
    if not math.isnan(change) and depth > 1:
        what = "the stream's gradient at block 1" if stream else "the gradient at layer 1"
        yield f"  backward   {what} is {times(change)} times that at {unit} {depth} ({_pace(change, depth, unit)})"


def _pace(change, depth, unit):
    a_step = change / (depth - 1)
    if abs(change) < 0.005:
        return "it keeps its scale"
    return f"{a_step:+.2g} decades a {unit} on average"


def unruled(found):
    """{quantity: why} of what is recorded in such a network and theory has no rule for at all."""
    said = {name.rsplit("_log_", 1)[0] for name in found.mean_field.variables if "_log_" in name}
    own = [name for name in found.blocks.rows if QUANTITIES[name].log and not name.endswith("_max") and name not in said]
    return dict.fromkeys(own, "theory has no rule for the parameters of norms")


def _curve(found, quantity):
    """Over layers: the log of the quantity's mean square, at the last of several places."""
    return found.blocks.last(quantity, found.curve(f"{quantity}_log_mean"))


def block_table(found):
    """A rich Table of some blocks: the stream and its gradient, and what belongs to the linear maps of a block."""
    columns = dict(_columns(found))
    table = Table(box=None, pad_edge=False, header_style="bold")
    for name in ("block" if found.network.has_stream else "layer", *columns):
        table.add_column(name, justify="right")
    last = len(found.blocks.widths) - 1
    for layer in np.unique(np.round(np.linspace(0, last, min(MOST_ROWS, last + 1))).astype(int)):
        table.add_row(str(layer), *(cells(layer) for cells in columns.values()))
    return table


def _columns(found):
    """Yield (head, function of a layer that gives a cell)."""
    wide, stream = found.mean_field, found.network.has_stream
    if stream:
        yield "stream", _decades(_curve(found, "stream"))
        yield from _alike(found, "stream_correlation_mean")
        yield "stream gradient", _decades(_curve(found, "stream_gradient"))
        if isinstance(found.exact, ExactStream) and "stream_log_mean" in found.exact:
            yield "exact stream", _decades(found.exact["stream_log_mean"])
            yield "±", _spread(found.exact["stream_log_variance"])
    for quantity, head in (("preactivation", "h"), ("activation", "x"), ("gradient", "dL/dh"), ("weight_gradient", "dL/dW")):
        if f"{quantity}_log_mean" not in wide or (stream and quantity == "activation"):
            continue
        for place, values in _places(found, quantity):
            yield f"{head} {place}".strip(), _decades(values)
    if not stream:
        yield from _alike(found, "correlation_mean")


def _alike(found, name):
    """The column of one minus a correlation, where there is one."""
    if name in found.mean_field:
        quantity = name.removesuffix("_mean")
        values = found.blocks.last(quantity, found.curve(name))
        yield "1 - correlation", lambda layer: _cell(1 - values[layer], ".3g")


def _places(found, quantity):
    """Yield (name, values over layers) of the linear maps that blocks have, or of the last one where they have many."""
    blocks, values = found.blocks, found.curve(f"{quantity}_log_mean")
    if values.ndim == 1:
        yield "", values
        return
    names = [k for k in np.flatnonzero(blocks.defined(quantity)[1:].any(axis=0)) if not blocks.places[k].startswith("skip")]
    if len(names) > MOST_PLACES:
        yield "of the last map", blocks.last(quantity, values)
        return
    for k in names:
        yield blocks.places[k] if len(names) > 1 else "", values[:, k]


def _decades(logs):
    return lambda layer: _cell(logs[layer] * DECADES, "+.3f") if layer < len(logs) else ""


def _spread(variances):
    return lambda layer: _cell(math.sqrt(variances[layer]) * DECADES, ".3f") if layer < len(variances) else ""


def _cell(value, form):
    return "" if math.isnan(value) else "zero" if value == -math.inf else "∞" if value == math.inf else format(value, form)


def _note(found):
    return NOTE + (EXACT_NOTE if isinstance(found.exact, ExactStream) else "")
