"""gradsim list: the tables of names."""

import click

from .command import Command, Named

TABLES = ("activations", "initializers", "blocks", "quantities")


@click.command("list", cls=Command)
@click.argument("what", type=Named(TABLES, option="list"))
def command(what):
    """List activations or initializers with their aliases, blocks with their papers, or quantities that are recorded."""
    from rich.console import Console
    from rich.table import Table

    rows = list(
        {"activations": _activations, "initializers": _initializers, "blocks": _blocks, "quantities": _quantities}[what]()
    )
    renamed = any(aliases for _, aliases, _ in rows)
    table = Table("name", *(["aliases"] if renamed else []), "meaning", box=None, pad_edge=False)
    for name, aliases, meaning in rows:
        table.add_row(name, *([", ".join(aliases)] if renamed else []), meaning)
    console = Console(highlight=False, markup=False)
    (console if console.is_terminal else Console(highlight=False, markup=False, width=150)).print(table)


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


def _quantities():
    from ..statistics.quantities import QUANTITIES

    for name, quantity in QUANTITIES.items():
        yield name, (), quantity.meaning
