"""Presets side by side: a row each, what it draws and what becomes of signals and gradients."""

from rich.table import Table
from rich.text import Text

from ..results.exits import REPORTED_PRECISIONS
from .fitting import lay
from .table import STYLES, WAYS, exit_entries, number, remarks, wide

NOTE = (
    "sigma_w: root of fan_in Var W, of the blocks from the second on (–: there is not one). forward: powers of ten that the\n"
    "median network's root-mean-square preactivation gains from the first block to the last; backward: that its gradient\n"
    "gains on its way back; spread: between the 5 % and the 95 % quantile of networks, of the gradient at block 1. float\n"
    "types: the layer from which half of the networks have left them, forward and backward, ↑ above the largest number, ↓\n"
    "below the smallest normal one; in brackets where sums of squares do."
)


def show(curve_set, presets, file=None):
    """Print the table of the CurveSet of these Presets, a network each; and a sentence a preset."""
    console = wide(file)
    lay(console, table(curve_set, presets))
    console.print()
    for preset, curves in zip(presets, curve_set, strict=True):
        lay(console, f"{preset.name}: {curves.verdict.sentence}")
    console.print()
    for line in (*remarks(curve_set), NOTE):
        lay(console, Text(line, style="dim"))


def table(curve_set, presets):
    """A rich Table, a row a preset."""
    result = Table(box=None, pad_edge=False, header_style="bold")
    result.add_column("preset", no_wrap=True)
    for head in ("weights", "biases"):
        result.add_column(head, overflow="fold")
    ways = [f"{name}\n{way}" for name in REPORTED_PRECISIONS for way in WAYS]
    for head in ("sigma_w", "forward", "backward", "spread", "verdict", *ways):
        result.add_column(head, justify="right", no_wrap=True)
    for preset, curves in zip(presets, curve_set, strict=True):
        laws = [linear for _, linear in curves.network.distinct_maps]
        weights, biases = (
            ", ".join(dict.fromkeys(texts)) for texts in ([law.init for law in laws], [law.bias for law in laws])
        )
        verdict, along = curves.verdict, curves.decades("preactivation").reshape(len(curves.layers), -1)[:, -1]
        result.add_row(
            preset.name,
            weights,
            biases,
            number(curves.network.weight_std, ".4g"),
            number(float(along[-1] - along[1]), "+.3g"),
            number(verdict.decades, "+.3g"),
            number(verdict.spread_decades, ".2g"),
            Text(verdict.word, STYLES.get(verdict.word, "magenta")),
            *(entry for name in REPORTED_PRECISIONS for entry in exit_entries(curves, name)),
        )
    return result
