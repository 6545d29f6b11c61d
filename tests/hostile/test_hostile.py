"""Hostile inputs, every one of every family: none shows a traceback, hangs, or leaves anything behind."""

import pytest

from . import (
    blocks,
    command_lines,
    functions,
    grids,
    input_files,
    outputs,
    parts,
    processes,
    python_calls,
    result_damage,
    result_files,
)
from .truths import listing, problems, without_draws
from .workshop import Workshop

FAMILIES = {
    "command_lines": command_lines.INPUTS,
    "blocks": blocks.INPUTS,
    "grids": grids.INPUTS,
    "input_files": input_files.INPUTS,
    "result_files": [*result_files.INPUTS, *result_damage.INPUTS],
    "outputs": outputs.INPUTS,
    "functions": functions.INPUTS,
    "python_calls": python_calls.INPUTS,
    "parts": parts.INPUTS,
}
LEAST = {
    "command_lines": 120,
    "blocks": 200,
    "grids": 80,
    "input_files": 80,
    "result_files": 80,
    "outputs": 50,
    "functions": 20,
    "python_calls": 60,
    "parts": 90,
}


@pytest.fixture(scope="session")
def workshop():
    found = Workshop()
    try:
        result_files.make(found)
        parts.make(found)
        yield found
    finally:
        found.close()


@pytest.mark.parametrize(
    "given", [pytest.param(i, id=f"{family}-{k}-{i.name}") for family, inputs in FAMILIES.items() for k, i in enumerate(inputs)]
)
def test_one_line_or_what_is_right(given, workshop, tmp_path):
    if given.prepare is not None:
        given.prepare(tmp_path)
    found = []
    try:
        for what, truth in given.calls:
            before = listing(tmp_path)
            outcome = workshop.run(tmp_path, **what, **given.settings)
            after = listing(tmp_path)
            if "sweep" in str(what):
                before, after = (without_draws(found, outcome.err or "") for found in (before, after))
            found += problems(truth, outcome, before, after, tmp_path, workshop.leftovers())
    finally:
        if given.finish is not None:
            given.finish(tmp_path)
    assert not found, "\n".join(found)


@pytest.mark.parametrize("process", [pytest.param(p, id=f"processes-{p.name}") for p in processes.PROCESSES])
def test_a_process_ends_well(process, workshop, tmp_path):
    folder = tmp_path / "here"
    folder.mkdir()
    process.check(folder, workshop.environment)
    assert workshop.leftovers() == []


def test_there_are_at_least_400():
    """Inputs, each counted once, not assertions; every family as many as it should have."""
    counts = {family: len({(i.name, i.truth, i.source, i.arguments) for i in inputs}) for family, inputs in FAMILIES.items()}
    counts["processes"] = len(processes.PROCESSES)
    print(f"{sum(counts.values()):,} hostile inputs: {', '.join(f'{name} {count}' for name, count in counts.items())}")
    assert sum(counts.values()) >= 400
    assert all(counts[family] >= least for family, least in LEAST.items())
