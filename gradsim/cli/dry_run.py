"""gradsim sweep --dry-run: what a sweep would be, in a few lines."""

import click

from .terminal import printable

SHOWN = 5  # cells at the beginning, and at the end
LISTED = 4  # values of an axis
UNITS = ((2**40, "TB"), (2**30, "GB"), (2**20, "MB"), (2**10, "kB"))


def show(plan, name, threads):
    """Prints the cells of a Plan, its size, and how long it would take on so many threads (None: all cores)."""
    from ..sweep.estimate import estimate

    shard = "" if len(plan) == plan.of_cells else f" of {plan.of_cells:,} (shard {plan.request['shard']})"
    click.echo(f"{printable(name)}: {len(plan):,} cell{'s' * (len(plan) != 1)}{shard}, {plan.networks:,} networks")
    for axis, values in plan.axes.items():
        click.echo(f"  {axis}: {_values(values)}")
    for rule, count in zip(plan.rules, plan.excluded, strict=True):
        click.echo(f"  left out where {printable(rule)}: {count:,}")
    if plan.repeated:
        click.echo(f"  the same network and run as another cell, computed once: {plan.repeated:,}")
    for line in _cells(plan):
        click.echo(line)
    found = estimate(plan, threads)
    cores = f"{found.threads:,} thread{'s' * (found.threads != 1)}"
    click.echo(f"time: about {duration(found.seconds)} on {cores} (by {found.measured} of its cells)")
    click.echo(f"file: about {size(found.file)}; while it is computed, parts of about {size(found.parts)}")
    click.echo(f"draws, for more networks later: about {size(found.draws)}")


def _values(values):
    several = f"{len(values):,} values, "
    if len(values) <= 2 * LISTED:
        return several + ", ".join(map(_value, values))
    if all(isinstance(value, int | float) for value in values):
        return f"{several}{_value(min(values))} to {_value(max(values))}"
    return f"{several}{', '.join(map(_value, values[:LISTED]))}, ..."


def _value(value):
    text = f"{value:g}" if isinstance(value, float) else "unset" if value is None else printable(value)
    return text if len(text) <= 40 else f"{text[:36]} ..."


def _cells(plan):
    """A line for each of the first and last cells: its number, its identity, and where it is."""
    numbers = range(len(plan))
    if len(plan) > 2 * SHOWN:
        numbers = [*range(SHOWN), None, *range(len(plan) - SHOWN, len(plan))]
    for number in numbers:
        if number is None:
            yield "  ..."
            continue
        cell = plan.cells[number]
        where = ", ".join(f"{name} {_value(value)}" for name, value in cell.coordinates.items())
        yield f"  {plan.numbers[number]:,}  {cell.identity[:12]}  {where}".rstrip()


def duration(seconds):
    """In words."""
    if seconds < 100:
        return f"{seconds:.2g} s"
    for length, unit in ((86_400, "days"), (3600, "hours")):
        if seconds >= 2 * length:
            return f"{seconds / length:.2g} {unit}"
    return f"{seconds / 60:.0f} minutes"


def size(count):
    """Bytes in words."""
    for unit, name in UNITS:
        if count >= unit:
            return f"{count / unit:.3g} {name}"
    return f"{count} bytes"
