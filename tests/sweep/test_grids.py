"""What may stand in a sweep file beside single axes: docs/sweeps.md."""

import json
import re
import tomllib
from pathlib import Path

import pytest

from gradsim import RequestError, sweep

SMALL = {"width": 4, "depth": 2}


def where(plan):
    return [tuple(cell.coordinates.values()) for cell in plan.cells]


def refused(source, said):
    with pytest.raises(RequestError) as error:
        sweep.read_plan(source)
    assert said in str(error.value) and "\n" not in str(error.value)


def test_zipped_options_vary_together():
    plan = sweep.read_plan(
        SMALL
        | {
            "seed": [1, 2],
            "zip": [{"activation": ["relu", "tanh"], "weight_gain": [1, 1.25]}, {"inputs": [1, 2], "outputs": [3, 4]}],
        }
    )
    assert list(plan.axes) == ["seed", "activation", "weight_gain", "inputs", "outputs"]
    pairs = [("relu", 1.0), ("tanh", 1.25)]
    assert where(plan) == [(seed, *pair, *ends) for seed in (1, 2) for pair in pairs for ends in ((1, 3), (2, 4))]
    assert plan.request["zip"][0] == {"activation": ["relu", "tanh"], "weight_gain": [1.0, 1.25]}


def test_ranges_and_lists_of_widths_may_be_zipped():
    plan = sweep.read_plan({"zip": [{"width": [[3, 5], 4], "depth": [2, 3], "weight_gain": {"from": 1, "to": 2, "points": 2}}]})
    assert [(network.widths, network.weight_gain) for network, _ in (cell.network_and_run() for cell in plan.cells)] == [
        ((3, 5), 1.0),
        ((4, 4, 4), 2.0),
    ]


@pytest.mark.parametrize(
    ("zipped", "said"),
    [
        ([{"seed": [1, 2], "inputs": [1, 2, 3]}], "here are 2 values of seed, 3 values of inputs"),
        ([{"seed": [1, 2]}], "zips two options or more"),
        ([{}], "here are nothing"),
        ({"seed": [1, 2], "inputs": [1, 2]}, "write [[zip]]"),
        (3, "write [[zip]]"),
        ([{"sead": [1], "inputs": [1]}], "did you mean seed"),
        ([{"width": [1, 2], "inputs": [1, 2]}], "'width' is given twice"),
        ([{"seed": [1, 2], "inputs": [1, 2]}, {"seed": [1, 2], "loss": ["mse", "probe"]}], "'seed' is given twice"),
        ([{"seed": [], "inputs": []}], "is an empty list"),
    ],
)
def test_what_cannot_be_zipped(zipped, said):
    refused(SMALL | {"zip": zipped}, said)


def test_tables_of_cells_have_zips_of_their_own():
    plan = sweep.read_plan(
        {"depth": 2, "zip": [{"seed": [1, 2], "inputs": [3, 4]}]}
        | {"cells": [{"width": 4}, {"zip": [{"width": [5, 6], "weight_gain": [1.5, 2]}]}]}
    )
    assert list(plan.axes) == ["width", "seed", "inputs", "weight_gain"]
    assert [(c["width"], c["seed"], c["weight_gain"]) for c in (cell.coordinates for cell in plan.cells)] == [
        (4, 1, 1.0),
        (4, 2, 1.0),
        (5, 1, 1.5),
        (6, 1, 2.0),
        (5, 2, 1.5),
        (6, 2, 2.0),
    ]
    refused(
        {"zip": [{"seed": [1, 2], "width": [3, 4]}], "cells": [{"width": 4}]},
        "'width' stands in a table of cells, and is zipped",
    )


@pytest.mark.parametrize(
    ("rules", "left"),
    [
        ([{"activation": "relu"}], [("tanh", 1.0), ("tanh", 2.0), ("tanh", 3.0)]),
        ([{"activation": "ReLU", "weight_gain": [1, 3]}], [("relu", 2.0), ("tanh", 1.0), ("tanh", 2.0), ("tanh", 3.0)]),
        ([{"weight_gain": {"from": 2}}], [("relu", 1.0), ("tanh", 1.0)]),
        (
            [{"weight_gain": {"from": 1.5, "to": 2}}, {"activation": "tanh", "weight_gain": 1}],
            [("relu", 1.0), ("relu", 3.0), ("tanh", 3.0)],
        ),
        ([{"weight_gain": {"to": 3}, "seed": 1}], [(a, g) for a in ("relu", "tanh") for g in (1.0, 2.0, 3.0)]),
        ([{"activation": "tanh", "seed": 0, "width": 4}], [("relu", 1.0), ("relu", 2.0), ("relu", 3.0)]),
    ],
)
def test_rules_leave_combinations_out(rules, left):
    plan = sweep.read_plan(SMALL | {"activation": ["relu", "tanh"], "weight_gain": [1, 2, 3], "exclude": rules})
    assert where(plan) == left and len(plan.excluded) == len(rules)
    counts = [sum(cell not in left for cell in [(a, g)]) for a in ("relu", "tanh") for g in (1.0, 2.0, 3.0)]
    assert sum(plan.excluded) == sum(counts)  # these rules do not overlap


def test_what_a_rule_leaves_out_need_not_be_possible():
    """A scale goes with residual blocks only: the grid has both, and a rule for the rest."""
    grid = SMALL | {"block": ["plain", "residual"], "residual_scale": [0.5, 1.0]}
    refused(grid, 'residual_scale: 0.5 does not go with block="plain"')
    assert len(sweep.read_plan(grid | {"exclude": [{"block": "plain"}]})) == 2


def test_rules_speak_of_zipped_options_and_of_every_table_of_cells():
    plan = sweep.read_plan(
        SMALL
        | {"cells": [{"zip": [{"seed": [1, 2, 3], "inputs": [1, 2, 3]}]}, {"seed": [3, 4]}], "exclude": [{"seed": [2, 3]}]}
    )
    assert where(plan) == [(1, 1), (4, 1)] and plan.excluded == (3,)


@pytest.mark.parametrize(
    ("rules", "said"),
    [
        ([{}], "a rule is empty"),
        ([{"sead": 1}], "exclude: unknown name 'sead'; did you mean seed?"),
        ({"seed": 1}, "write [[exclude]]"),
        ([{"seed": {}}], "has from, to, or both"),
        ([{"seed": {"from": 1, "points": 3}}], "an excluded range: unknown name 'points'"),
        ([{"seed": {"from": 2, "to": 1}}], "from a number up to another"),
        ([{"seed": {"from": "a"}}], "seed: from of a range: 'a' is not a finite number"),
        ([{"seed": []}], "an excluded list is empty"),
        ([{"activation": "tahn"}], "activation: unknown name 'tahn'; did you mean tanh?"),
        ([{"last_init": "zero"}], "last_init: unknown name 'zero'"),
        ([{"width": "a"}], "width: 'a' is not"),
        ([{"depth": {"from": 1}}, {"depth": 2}], "every combination is excluded"),
    ],
)
def test_what_is_no_rule(rules, said):
    refused(SMALL | {"exclude": rules}, said)


def test_defaults_stand_behind_everything_else():
    plan = sweep.read_plan(
        {
            "width": 4,
            "defaults": {"width": 9, "bias-std": 0.5, "seed": 7, "depth": [2, 3]},
            "zip": [{"seed": [1, 2], "inputs": [1, 2]}],
        }
        | {"cells": [{"bias_std": 0.25}, {}]}
    )
    assert {network.widths[0] for network, _ in (cell.network_and_run() for cell in plan.cells)} == {4}
    assert where(plan) == [(std, depth, *pair) for std in (0.25, 0.5) for depth in (2, 3) for pair in ((1, 1), (2, 2))]
    refused({"defaults": 3}, "write [defaults]")
    refused({"defaults": {"widht": 3}}, "did you mean width")


def test_a_request_is_plain_and_reads_as_the_same_plan(tmp_path):
    path = tmp_path / "grid.toml"
    path.write_text(
        "weight_gain = {from = 0.5, to = 2, points = 4}\nwidth = [4, [3, 5]]\n[defaults]\ndepth = 2\n[[zip]]\nseed = [1, 2]\n"
        'activation = ["ReLU", "leaky_relu(0.20)"]\n[[exclude]]\nseed = 1\nweight_gain = {from = 1.5}\n'
        "[[cells]]\nbias_std = 0.5\n[[cells]]\nbias_std = 2\nwidth = 16\n"
    )
    plan = sweep.read_plan(path)
    again = sweep.read_plan(json.loads(json.dumps(plan.request)))
    assert plan.identities == again.identities and plan.request == again.request and plan.axes == again.axes
    assert plan.axes["activation"] == ("relu", "leaky_relu(0.2)") and plan.axes["width"] == (4, [3, 5], 16)
    assert len(plan) == 3 * (2 + 4)


def test_equal_cells_are_one():
    """Tables of cells may overlap, and a network may be spelled in two ways: what is the same is computed once."""
    overlapping = sweep.read_plan(SMALL | {"cells": [{"weight_gain": [1, 1.5, 2]}, {"weight_gain": [1.5, 1.75, 2]}]})
    assert where(overlapping) == [(1.0,), (1.5,), (2.0,), (1.75,)] and overlapping.repeated == 2
    spelled = sweep.read_plan({"width": [4, [4, 4]], "depth": 2, "activation": ["relu", "ReLU"], "seed": [1, 2]})
    assert where(spelled) == [(4, 1), (4, 2)] and spelled.repeated == 6


def test_what_the_guide_shows():
    text = (Path(__file__).parents[2] / "docs" / "sweeps.md").read_text(encoding="utf-8")
    first, zipped, counted, rules, tables = map(tomllib.loads, re.findall(r"```toml\n(.*?)```", text, re.S))
    assert len(sweep.read_plan(first)) == 2 * 31 * 3 and len(sweep.read_plan(zipped)) == 2 * 3
    assert len(sweep.read_plan(tables)) == 6 + 11 - 2
    assert [cell.counted for cell in sweep.read_plan(counted).cells] == 2 * [100] + 8 * [0]
    gains, blocks = {"activation": ["relu", "tanh"], "weight_gain": [1, 1.5, 2]}, {"block": ["plain", "residual"]}
    with_rules = sweep.read_plan(rules | {"width": 4, "depth": 2, "cells": [gains, blocks | {"residual_scale": [0.5, 1]}]})
    assert with_rules.excluded == (2, 2) and len(with_rules) == 4 + 2


def test_other_replicas_for_every_cell():
    grid = SMALL | {"seed": [1, 2], "replicas": 5, "cells": [{"inputs": 2, "replicas": 7}, {"inputs": 3}]}
    plan = sweep.read_plan(grid)
    more = plan.with_replicas(9)
    assert [cell.replicas for cell in plan.cells] == [7, 7, 5, 5] and [cell.replicas for cell in more.cells] == [9] * 4
    assert [cell.ensemble for cell in more.cells] == [cell.ensemble for cell in plan.cells]
    assert not set(more.identities) & set(plan.identities)
    assert sweep.read_plan(more.request).identities == more.identities
    assert plan.axes == more.axes | {"replicas": (7, 5)}
    assert sweep.read_plan(SMALL).with_replicas(3).identities == sweep.read_plan(SMALL | {"replicas": 3}).identities
    for several in ({"replicas": [1, 2]}, {"zip": [{"replicas": [1, 2], "inputs": [1, 2]}]}):
        with pytest.raises(RequestError, match=r"^replicas: the sweep has several itself"):
            sweep.read_plan(SMALL | several).with_replicas(9)
    with pytest.raises(RequestError, match=r"^replicas: 0 is not a whole number"):
        plan.with_replicas(0)
