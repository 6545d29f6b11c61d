"""Loops over units become those of a team, or are refused."""

import ast
import inspect
import textwrap

import numpy as np
import pytest

from gradsim.cuda.loops import NotShared, shared
from gradsim.cuda.twins import PICKED
from gradsim.kernels import vectors
from gradsim.kernels.steps import batch_loops, loss, rows

TEAM = 4


def run(source, *arguments):
    """What each thread of a team returns, and the arguments after: threads take turns, and meet at every exchange."""
    tree, changed = shared(textwrap.dedent(source))
    assert changed
    results, exchanged = [None] * TEAM, []
    for _ in range(8):  # each pass knows one exchange more
        for thread in range(TEAM):
            place = iter(range(1000))

            def exchange(value, how, place=place, thread=thread):
                number = next(place)
                if number == len(exchanged):
                    exchanged.append({})
                if isinstance(exchanged[number], dict):
                    exchanged[number][thread] = value
                    if len(exchanged[number]) < TEAM:
                        raise StopIteration
                    exchanged[number] = how(exchanged[number].values())
                    raise StopIteration
                return exchanged[number]

            scope = {
                "np": np,
                "TEAM": TEAM,
                "int32": int,
                "SUM_TILE": 2048,
                "zero_like": lambda value: value - value,
                "first_unit": lambda start, thread=thread: start + (thread - start) % TEAM,
                "team_sum": lambda value, exchange=exchange: exchange(value, sum),
                "team_most": lambda value, exchange=exchange: exchange(value, max),
            }
            exec(compile(tree, "shared", "exec"), scope)
            try:
                results[thread] = scope["f"](*arguments)
            except (StopIteration, RuntimeError):
                continue
    return results


V = np.array([3.0, -1.0, 4.0, 1.0, -5.0, 9.0, 2.0])


def test_sums_and_maxima_are_those_of_all():
    source = """
    def f(v, n):
        total, top = 10.0, 0.0
        for start in range(0, n, SUM_TILE):
            part = 0.0
            for k in range(min(SUM_TILE, n - start)):
                i = start + k
                gap = v[i] - 1.0
                part += gap * gap
                top = max(top, v[i])
            total += part
        return total, top
    """
    assert run(source, V, 7) == [(10.0 + ((V - 1) ** 2).sum(), 9.0)] * TEAM


def test_what_was_there_before_is_added_once():
    source = """
    def f(v, n):
        total = 10.0
        for i in range(2, n):
            total += v[i]
        return total
    """
    assert run(source, V, 7) == [10.0 + V[2:].sum()] * TEAM


@pytest.mark.parametrize("bad, expected", [(-5.0, -7.0), (77.0, 9.0)])
def test_a_unit_that_ends_the_function_ends_it_for_all(bad, expected):
    source = """
    def f(v, bad, n):
        top = 0.0
        for i in range(n):
            if v[i] == bad:
                return -7.0
            top = max(top, v[i])
        return top
    """
    assert run(source, V, bad, 7) == [expected] * TEAM


@pytest.mark.parametrize(
    "body",
    [
        "total *= v[i]",
        "total -= v[i]",
        "total += v[i]; total = max(total, v[i])",
        "break",
        "if v[i] > 0: return 1\nelse: total += v[i]",
        "for i in range(n): total += v[i]",
        "v[:n] = 0.0",
        "v[i] = v[i - 1]",
        "v[i + 1] = 0.0",
        "v[0] = total",
        "v[n - 1] += v[i]",
    ],
)
def test_what_is_not_understood_is_refused(body):
    source = "def f(v, n):\n total = 0.0\n for i in range(n):\n" + textwrap.indent(body, "  ") + "\n return total"
    with pytest.raises(NotShared):
        shared(source)


def test_what_the_last_unit_leaves_behind_is_refused():
    with pytest.raises(NotShared, match="left behind"):
        shared("def f(v, n):\n for i in range(n):\n  last = v[i]\n  v[i] = 2.0 * last\n return last")


def test_what_is_picked_must_be_there():
    with pytest.raises(NotShared, match="does not read"):
        shared("def f(v):\n return v[1]", ("v[0]",))


@pytest.mark.parametrize("name", PICKED)
def test_every_function_that_picks_a_unit_does(name):
    module = next(module for module in (vectors, rows, batch_loops, loss) if hasattr(module, name))
    source = textwrap.dedent(inspect.getsource(getattr(getattr(module, name), "py_func", getattr(module, name))))
    tree, changed = shared(source, PICKED[name])
    assert changed and "picked_unit" in ast.unparse(tree)
