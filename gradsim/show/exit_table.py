"""The table of exits from float types, and what is predicted of which arithmetic."""

from rich.table import Table
from rich.text import Text

from ..theory.float_ranges import Exit

EXIT_NOTE = (
    "overflow: the largest entry of a layer exceeds the type's largest number, from layer 1 on or from the last layer down;\n"
    "subnormal: the root mean square is below the smallest normal number; zero: even the largest entry is rounded to 0.\n"
    "– never. All are of a layer computed in real numbers and stored in the type. Where every layer is rounded, signals die\n"
    "about there too if they lose a fifth or more a layer; if less than a tenth, rounding holds them at the smallest subnormal."
)


def exit_table(predicted, measured=None):
    """A rich Table of a Precision, beside it (forward, backward) as measured, if any; "?" where theory does not know."""
    seen = "" if measured is None else " / measured"
    result = Table(
        title=f"First layer out of range, predicted (from {predicted.source_words}){seen}",
        title_justify="left",
        box=None,
        pad_edge=False,
        header_style="bold",
    )
    result.add_column("float type")
    for way in ("forward", "backward"):
        for event in Exit._fields:
            result.add_column(f"{way} {event}", justify="right")
    mark = "" if predicted.trusted else "~"
    for name in predicted.forward:
        cells = []
        for way, known in enumerate(predicted.known):
            exits = (predicted.forward, predicted.backward)[way][name]
            never = layer_word(None) if known else "?"
            words = [never if layer is None else f"{mark}{layer_word(layer)}" for layer in exits]
            if measured is not None:
                words = [f"{p} / {layer_word(m)}" for p, m in zip(words, measured[way][name], strict=True)]
            cells += words
        result.add_row(name, *cells)
    return result


def untrusted(predicted):
    """A line where infinite width is not to be trusted with the layer of an exit."""
    if not predicted.trusted and leaves_a_type(predicted.forward, predicted.backward):
        ratio = f"depth/width is {predicted.depth_over_width:.2g}"
        yield Text(
            f"~ {ratio}: mean field is of infinite width and off by a multiple of that; these layers are no more than a guess.",
            style="yellow",
        )


def leaves_a_type(*ways):
    """Whether any float type is left on one of the ways."""
    return any(layer is not None for way in ways for found in way.values() for layer in found)


def layer_word(layer):
    """A layer's number, a dash for none."""
    return "–" if layer is None else str(layer)
