"""Which gain to use, as lines and a table for the command line."""

import math

from rich.table import Table
from rich.text import Text

from ..model.spelling import told_gain
from .checks import SAFE_DECADES, SAFE_SPREAD
from .recommendation import idle_gain
from .summary import BALANCE, DEEPEST_BALANCE, decades

TYPES = ("float16", "bfloat16", "float32")
NAMES = {"as asked": "as asked", "edge of chaos": "edge of chaos", "balanced": "median balanced"}
NOTE = (
    "decades: powers of ten of the root-mean-square gradient from the {last} back to {first}: the median of the\n"
    "networks, their middle 90 %, and how far its ends lie apart (spread). float columns: share of networks that stay inside\n"
    "the type at every layer, forward / backward. infinite width: what theory says there, of no network in particular."
)


def advice(found):
    """Rich Tables and lines on a Summary's recommendation."""
    recommended = found.recommendation
    if recommended.rows:
        yield check_table(found)
        yield Text(NOTE.format(**_ends(found.network)), style="dim")
        yield ""
        yield from _answer(recommended)
        yield from _remedies(recommended)
    else:
        yield f"No gain is recommended: {recommended.reason} (--seconds)"
        yield from _unchecked(found)


def _ends(network):
    """Where gradients are compared, in words."""
    if network.has_stream:
        return {"last": "stream's last block", "first": "block 1"}
    return {"last": "last hidden layer", "first": "layer 1"}


def check_table(found):
    """A rich Table: a row a gain that was simulated, and what infinite width says of it."""
    rows = found.recommendation.rows
    replicas = rows["as asked"].replicas
    table = Table(
        title=f"Checked by simulation, {replicas} networks of this width a row",
        title_justify="left",
        box=None,
        pad_edge=False,
        header_style="bold",
    )
    table.add_column("", no_wrap=True)
    for name in ("gain", "decades", "middle 90 %", "spread", *TYPES, "infinite width"):
        table.add_column(name, justify="right", no_wrap=True)
    predicted = {"as asked": found.mean_field} | {p.name: p.mean_field for p in found.proposals}
    for name, row in rows.items():
        table.add_row(
            NAMES.get(name, name) + (", safe" if row.safe else ""),
            f"{told_gain(row.network):.6g}",
            _decades(row.decades),
            f"{_decades(row.low)} to {_decades(row.high)}",
            _spread(row.spread),
            *(f"{_share(row.forward[t])} / {_share(row.backward[t])}" for t in TYPES),
            _predicted(predicted[name]),
        )
    return table


def _answer(recommended):
    row, asked = recommended.found, recommended.rows["as asked"]
    limits = f"median within {SAFE_DECADES:g} decade, middle 90 % within {SAFE_SPREAD:g}"
    network, reason = recommended.network, recommended.reason
    if row is None and reason and idle_gain(network):
        yield f"No gain is safe ({limits}): {_told(asked)}. No other was looked for: {reason}."
    elif row is None and reason:
        yield f"No gain is recommended: {reason}."
    elif row is None and "balanced" in recommended.rows:
        at = recommended.rows["balanced"]
        yield (
            f"No gain is safe ({limits}): where the median keeps its scale, at gain {told_gain(at.network):.6g}, the middle "
            f"90 % of networks lie {_spread(at.spread)} decades apart."
        )
    elif row is None:
        yield f"No gain is safe ({limits}): none was found at which the median keeps its scale."
    else:
        kept = "as it is" if row is asked else f"instead of {told_gain(asked.network):.6g}"
        yield f"Recommended: gain {told_gain(row.network):.6g}, {kept} ({limits}): {_told(row)}."
        if idle_gain(network):
            yield f"No other gain was looked for: {reason}."


def _told(row):
    held = [name for name in TYPES if row.inside(name) == 1]
    lost = [f"{_share(1 - row.inside(name))} of networks leave {name}" for name in TYPES if row.inside(name) < 1]
    words = ([f"all stay inside {', '.join(held)}"] if held else []) + lost
    return f"median {_decades(row.decades)}, spread {_spread(row.spread)}; {', '.join(words)}"


def _remedies(recommended):
    if not recommended.remedies:
        return
    helps = [r for r in recommended.remedies if r.helps]
    what = "it" if idle_gain(recommended.network) else "a gain"
    yield "What helps, checked in the same way:" if helps else f"Nothing that was tried makes {what} safe:"
    for remedy in recommended.remedies:
        row = remedy.checked
        if row is None:
            yield f"  {remedy.words}: not tried, it takes too long here"
        else:
            word = "helps" if remedy.helps else "does not help" if helps else "no"
            yield f"  {remedy.words}, gain {told_gain(row.network):.6g}: {word}; {_told(row)}"


def _unchecked(found):
    """What infinite width says where nothing was simulated."""
    network = found.network
    yield "Infinite width says of the gradient from the {last} back to {first}, unchecked:".format(**_ends(network))
    yield f"  {_change(found.mean_field)} with gain {told_gain(network):.6g} (as asked)"
    for proposal in found.proposals:
        yield f"  {_change(proposal.mean_field)} with gain {proposal.gain:.6g} ({proposal.name})"
    if network.depth > DEEPEST_BALANCE:
        yield f"  a balanced gain was not looked for beyond depth {DEEPEST_BALANCE:,}"
    elif idle_gain(network):
        yield f"  no balanced gain was looked for: {idle_gain(network)}"
    elif found.weight_std and network.depth > 1 and not any(p.name == "balanced" for p in found.proposals):
        yield "  no balanced gain was found with sigma_w from {:g} to {:g}".format(*BALANCE)


def _predicted(prediction):
    """Decades in words; "?" where theory does not know."""
    return "?" if _silent(prediction) else _decades(decades(prediction))


def _silent(prediction):
    return ("stream_gradient" if prediction.network.has_stream else "gradient") in prediction.silences


def _change(prediction):
    if _silent(prediction):
        return "unknown"
    change = decades(prediction)
    return "exactly zero" if math.isinf(change) or math.isnan(change) else f"{_decades(change)} decades"


def _decades(value):
    if math.isnan(value):
        return "zero"
    if math.isinf(value):
        return "zero" if value < 0 else "∞"
    return f"{0.0 if abs(value) < 0.005 else value:+.{2 if abs(value) < 10 else 1}f}"


def _spread(value):
    return "–" if math.isnan(value) else "∞" if math.isinf(value) else f"{value:.2g}"


def _share(value):
    """In percent: 100 and 0 are of all and of none."""
    percent = 100 * value
    return f"{percent:.0f} %" if percent in (0, 100) or 1 <= percent <= 99 else "> 99 %" if percent > 99 else "< 1 %"
