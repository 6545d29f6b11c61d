"""gradsim list: the tables of names."""

import click

from ..errors import unknown

TABLES = ("activations", "initializers")


@click.command("list")
@click.argument("what", metavar="activations|initializers")
def command(what):
    """List activations or initializers with their aliases."""
    if what not in TABLES:
        raise unknown("list", what, TABLES)
    from rich.console import Console
    from rich.table import Table

    table = Table("name", "aliases", "meaning", box=None, pad_edge=False)
    for name, aliases, meaning in _activations() if what == "activations" else _initializers():
        table.add_row(name, ", ".join(aliases), meaning)
    console = Console(highlight=False, markup=False)
    (console if console.is_terminal else Console(highlight=False, markup=False, width=150)).print(table)


def _activations():
    from ..model.activations import ACTIVATIONS

    for a in ACTIVATIONS:
        yield a.name if a.parameter is None else f"{a.name}(a)", a.aliases, a.summary


def _initializers():
    from ..model.initializers import INITIALIZERS

    for i in INITIALIZERS:
        yield i.form, i.aliases, i.summary
