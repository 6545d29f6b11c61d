"""gradsim list: the tables of names."""

import click

from .command import Command, Named

TABLES = ("activations", "initializers", "blocks")


@click.command("list", cls=Command)
@click.argument("what", type=Named(TABLES, option="list"))
def command(what):
    """List activations or initializers with their aliases, or blocks with their papers."""
    from rich.console import Console
    from rich.table import Table

    table = Table("name", "aliases", "meaning", box=None, pad_edge=False)
    rows = {"activations": _activations, "initializers": _initializers, "blocks": _blocks}[what]()
    for name, aliases, meaning in rows:
        table.add_row(name, ", ".join(aliases), meaning)
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
