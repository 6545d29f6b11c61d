"""An Advice for people: its sentence, the table of alternatives, what is left unfixed, and pictures before and after."""

import base64
import html
import io
import math

from rich.console import Console
from rich.table import Table
from rich.text import Text

from ..errors import RequestError
from ..results.cells import of_network
from ..results.sentence import percent
from ..show.cards import LINES
from ..show.fitting import lay
from ..show.style import matplotlib_figure
from ..show.table import WIDTH, wide
from ..theory.fixed_points import half_stable_points
from ..theory.lengths import length_map
from .candidates import bias_size
from .checks import SAFE_DECADES, SAFE_SPREAD
from .criteria import CRITERIA, ROOM

NOTE = (
    "theory: decades (powers of ten) that the gradient gains on its way back, at infinite width. gradient, drift: decades\n"
    "between the largest and the smallest layer's median root mean square, of the gradient and of the signal. spread: decades\n"
    "between the ends of the middle 90 % of networks at layer 1. above, below: decades that 95 % of networks have left to the\n"
    "largest and to the smallest normal {type}. idle: share of dead or saturated units in the worst layer. moved: change of\n"
    "the correlation between two inputs on their way. points: all of them together, fewer are better (docs/advise.md)."
)
SIZE = (11.0, 4.6)  # inches of the picture
NAME = 48  # characters of a name in the table
ALIKE = 0.9  # correlation by which inputs come out alike, and share of units that are idle, of which it is said


def sentence(advice):
    """What to do, and why."""
    new, old = advice.recommended, advice.in_use
    if new is None:
        return "Nothing is recommended: nothing was simulated, which would take longer than --seconds allows."
    if new is old and new.holds:
        return f"Keep what is in use, {_what(new)}: {_figures(advice, new)}; nothing that was tried is better by a point."
    if new is old:
        return f"Nothing that was tried is better than what is in use, {_what(new)}, where {_figures(advice, new)}."
    words = f"Use {_what(new)} instead of {_what(old)}: {_figures(advice, new)}; in use, {_figures(advice, old)}"
    reason = _reason(advice) if new.holds else ""
    return f"{words}{f'. {reason}' if reason else ''}."


def _reason(advice):
    """Why that and not what is in use, in words; "" where the figures say it."""
    new, old, network = advice.recommended, advice.in_use, advice.network
    if new.alters:
        best = next((scheme for scheme in advice.schemes if not scheme.alters and scheme.figures), old)
        return (
            f"No initialization of the same blocks that was tried holds: with the best, {_what(best)}, {_figures(advice, best)}"
        )
    if not network.plain:
        return ""
    bias, activation = bias_size(new.network), network.activation
    if bias and _unsteady(activation) > bias_size(network):
        return (
            f"Below biases of standard deviation {_unsteady(activation):.3g} the edge of chaos of {activation} is not stable: "
            f"networks leave it, some vanish and some explode, whatever their gain; with normal({bias:.3g}) it is stable"
        )
    return "The gain is the one at which the median gradient keeps its scale" if "balanced" in new.name else ""


def _unsteady(activation):
    """The standard deviation of biases below which the edge of chaos is not stable; 0 where it is with any."""
    points = [] if length_map(activation).homogeneous else half_stable_points(activation)
    return max((point.bias_std for point in points), default=0.0)


def _what(scheme):
    """The network in words: what is drawn, and in which blocks where these are other ones."""
    words = of_network(scheme.network)
    drawn = f"{words['init']}, gain {words['weight_gain']:.6g}, biases {words['bias']}"
    scale = f", branches times {words['residual_scale']}" if words.get("residual_scale") else ""
    return f"{words['block']} blocks of {drawn}{scale}" if scheme.alters else drawn


def _figures(advice, scheme):
    """What matters most of a scheme, in words."""
    if scheme.checked is None:
        return "not checked, which would take longer than --seconds allows, infinite width says " + (
            "nothing" if math.isnan(scheme.predicted) else f"{_decades(scheme.predicted)} decades of the gradient"
        )
    if math.isinf(scheme.figures["gradient"]):
        return "the gradient is zero in half of the networks or more"
    gradient, spread = (CRITERIA[name].told(scheme.figures[name]) for name in ("gradient", "spread"))
    words = f"the median gradient strays {gradient} decades, networks lie {spread} decades apart"
    outside = 1 - scheme.checked.inside(advice.precision)
    return words + (f", {percent(outside)} of them leave {advice.precision}" if outside > 0 else "")


def worse(advice):
    """Sentences on where what is recommended is worse than what is in use."""
    new, old, kind = advice.recommended, advice.in_use, advice.precision
    for name in advice.worse:
        criterion = CRITERIA[name]
        words = criterion.words.format(type=kind)
        yield f"{words}: {criterion.told(new.figures[name])} instead of {criterion.told(old.figures[name])}"


def unfixed(advice):
    """Yield what is wrong with the recommendation all the same."""
    scheme = advice.recommended
    if scheme is None:
        return
    found, network, kind = scheme.figures, scheme.network, advice.precision
    if not found["gradient"] <= SAFE_DECADES:
        yield f"the median gradient strays {CRITERIA['gradient'].told(found['gradient'])} decades"
    if not found["spread"] <= SAFE_SPREAD:
        wider = _wide_enough(found["spread"], max(network.widths))
        yield f"networks of this width and depth lie {CRITERIA['spread'].told(found['spread'])} decades apart{wider}"
    for way, end in (("above", "largest"), ("below", "smallest normal")):
        if found[way] < ROOM:
            yield f"{found[way]:.1f} decades are left to the {end} {kind}"
    if found["idle"] >= ALIKE:
        yield f"{100 * found['idle']:.0f} % of the units of a layer are dead or saturated"
    if found["moved"] >= ALIKE:
        moved = f"the correlation between two inputs changes by {found['moved']:.2f} on its way"
        yield f"{moved}: deep layers hardly tell how alike they were"


def _wide_enough(spread, width):
    """The spread is a multiple of sqrt(depth / width) where networks do not part."""
    if not math.isfinite(spread):
        return ""
    enough = math.ceil(width * (spread / SAFE_SPREAD) ** 2)
    return f"; it falls as one over the square root of the width, to {SAFE_SPREAD:g} at about {enough:,}"


def table(advice):
    """A rich Table: a row a scheme, the best first."""
    result = Table(title=_title(advice), title_justify="left", box=None, pad_edge=False, header_style="bold")
    result.add_column("", overflow="fold", max_width=NAME)
    result.add_column("", no_wrap=True)
    for name in ("gain", "theory", *(c.head for c in CRITERIA.values()), "points"):
        result.add_column(name, justify="right", no_wrap=True)
    for scheme in advice.schemes:
        result.add_row(*_row(advice, scheme), style="bold" if scheme is advice.recommended else None)
    return result


def _title(advice):
    best = advice.recommended
    what = "predicted, not checked" if best is None else f"checked by simulation, {best.checked.replicas} networks a row, about"
    return f"What could be drawn, the best first ({what})"


def _row(advice, scheme):
    yield scheme.name
    yield "recommended" if scheme is advice.recommended else "holds" if scheme.holds else ""
    yield f"{of_network(scheme.network)['weight_gain']:.5g}"
    yield _decades(scheme.predicted)
    yield from (criterion.told(scheme.figures.get(name, math.nan)) for name, criterion in CRITERIA.items())
    yield "–" if math.isinf(scheme.points) else f"{scheme.points:.2f}"


def _decades(value):
    return "?" if math.isnan(value) else f"{round(value, 2) + 0.0:+.2f}"


def parts(advice):
    """Yield rich Tables and lines."""
    network, activation = advice.network, of_network(advice.network)["activation"]
    size = f"width {max(network.widths)}, depth {network.depth}"
    yield f"{activation}, {_what(advice.in_use)}, {size}, {advice.precision}"
    yield ""
    yield sentence(advice)
    for title, lines in (("Worse than what is in use:", worse(advice)), ("Not fixed:", unfixed(advice))):
        found = list(lines)
        if found:
            yield title
            yield from (f"  {line}" for line in found)
    yield ""
    yield table(advice)
    yield Text(NOTE.format(type=advice.precision), style="dim")


def show(advice, file=None):
    """Print it."""
    console = wide(file)
    for part in parts(advice):
        lay(console, part)


def text(advice):
    """The same as plain text."""
    out = io.StringIO()
    show(advice, out)
    return out.getvalue()


def figure(advice):
    """A matplotlib Figure: gradient and signal, before and after. Raises RequestError where nothing was checked."""
    from ..curves import CurveSet
    from ..show.picture import figure as drawn

    if advice.recommended is None:
        raise RequestError("--out: nothing was simulated, so that there is nothing to draw (--seconds)")
    several = [advice.in_use] if advice.recommended is advice.in_use else [advice.in_use, advice.recommended]
    curves = CurveSet([scheme.checked.curves for scheme in several if scheme.checked is not None])
    result = matplotlib_figure()(figsize=SIZE, layout="constrained")
    for ax, quantity in zip(result.subplots(1, 2), (None, "preactivation"), strict=True):
        drawn(curves, quantity, panels=(), ax=ax)
    result.suptitle(f"Before: {_what(advice.in_use)}\nAfter: {_what(advice.recommended)}", x=0.01, ha="left", fontsize=11)
    return result


def card(advice):
    """HTML for notebooks, without scripts: the sentence, the table, the picture."""
    console = Console(width=WIDTH, highlight=False, soft_wrap=True, file=io.StringIO(), record=True, force_jupyter=False)
    for part in parts(advice):
        lay(console, part)
    return f"<div>{console.export_html(inline_styles=True, code_format=LINES)}{_picture(advice)}</div>"


def _picture(advice):
    try:
        content = figure(advice)._repr_png_()
    except RequestError as error:  # no matplotlib, or nothing was checked: the table is there
        return f"<p>no picture: {html.escape(str(error))}</p>"
    return f'<img alt="before and after" src="data:image/png;base64,{base64.b64encode(content).decode()}">'
