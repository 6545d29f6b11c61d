"""gradsim combine: the files of shards become one."""

import click

from ..telling import progress, tell
from .command import Command, FileName
from .terminal import printable


@click.command("combine", cls=Command)
@click.argument("parts", metavar="PARTS...", nargs=-1, required=True, type=FileName())
@click.option("--out", "-o", required=True, type=FileName(), metavar="PATH", help="The file of all their cells.")
@click.option("--partial", is_flag=True, help="Write the cells that are there, where others are missing.")
@click.option("--overwrite", is_flag=True, help="Replace an existing file.")
@click.pass_obj
def command(files, parts, out, partial, overwrite):
    """Put the files of a sweep's shards together, in any order: gradsim combine grid.*-of-3.h5 -o grid.h5.

    The output has the data of one process that computed all, to the bit. A cell may be in several files, if it is the same in
    them. See docs/machines.md.
    """
    from ..store.files import file_name
    from ..sweep.combine import Combination

    files.ask_results("--out", out, True, [file_name("combine", part) for part in parts])
    found = Combination(parts, out, partial, overwrite)
    for line in found.notes:
        tell(line)
    if found.is_there():
        click.echo(f"{printable(out)} has all of it already")
        return
    with progress(len(found), "cells") as update:
        found.write(update)
    files.add_written(out)
    click.echo(f"{len(found):,} cell{'s' * (len(found) != 1)} of {found.files:,} file{'s' * (found.files != 1)}")
    files.tell_written()
