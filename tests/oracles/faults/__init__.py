"""Faults that the tests must find, by room of the package: edits that a tired hand could make. `planted` plants them."""

from typing import NamedTuple


class Fault(NamedTuple):
    """`text`, which stands once in the file `path` of gradsim/, becomes `instead`.

    Each of `checks` of `gradsim verify` must disagree, and each of `tests` (files or tests, as pytest names them) must fail.
    """

    path: str
    text: str
    instead: str
    checks: tuple = ()
    tests: tuple = ()


from . import command_line, durable, presets, properties, report, requests, shards, statistics, store, sweeps, theory, verdicts  # noqa: E402 - the rooms need what stands above

ROOMS = (store, statistics, command_line, requests, sweeps, durable, shards, verdicts, theory, properties, report, presets)
FAULTS = {
    f"{room.__name__.rpartition('.')[2].replace('_', ' ')}: {name}": fault
    for room in ROOMS
    for name, fault in room.FAULTS.items()
}
