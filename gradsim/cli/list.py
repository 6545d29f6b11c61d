"""gradsim list: the tables of names."""

import click

from .command import Command, Named

NARROW = 100  # columns of a terminal: in fewer, aliases stand behind the meaning
TABLES = ("activations", "initializers", "blocks", "presets", "quantities")


@click.command("list", cls=Command)
@click.argument("what", type=Named(TABLES, option="list"))
def command(what):
    """List activations or initializers with their aliases, blocks with their papers, presets with the version that they are of,
    or quantities that are recorded.
    """
    from rich.console import Console
    from rich.table import Table

    rows = list(
        {
            "activations": _activations,
            "initializers": _initializers,
            "blocks": _blocks,
            "presets": _presets,
            "quantities": _quantities,
        }[what]()
    )
    console = Console(highlight=False, markup=False)
    console = console if console.is_terminal else Console(highlight=False, markup=False, width=150)
    several = console.width >= NARROW and any(aliases for _, aliases, _ in rows)
    table = Table(box=None, pad_edge=False)
    for head in ("name", "aliases", "meaning") if several else ("name", "meaning"):
        table.add_column(head, overflow="fold", max_width=None if several or head == "meaning" else console.width // 2)
    for name, aliases, meaning in rows:
        also = ", ".join(aliases)
        table.add_row(name, also, meaning) if several else table.add_row(name, f"{meaning} ({also})" if also else meaning)
    console.print(table)


def _activations():
    from ..model import libraries
    from ..model.activations import ACTIVATIONS

    for a in ACTIVATIONS:
        yield a.name if a.parameter is None else f"{a.name}(a)", a.aliases, a.summary
    yield from libraries.rows(libraries.ACTIVATIONS)


def _initializers():
    from ..model import libraries
    from ..model.initializers import INITIALIZERS

    for i in INITIALIZERS:
        yield i.form, i.aliases, i.summary
    yield from libraries.rows(libraries.INITIALIZERS)


def _blocks():
    from ..model.families import FAMILIES

    for name, family in FAMILIES.items():
        yield name, (), family.summary


def _presets():
    from ..model.presets import presets

    for p in presets():
        yield p.name, (), f"{p.meaning}{f'; waits for {p.waits_for}' if p.waits_for else ''} ({p.source})"


def _quantities():
    from ..statistics.quantities import QUANTITIES

    for name, quantity in QUANTITIES.items():
        yield name, (), quantity.meaning
