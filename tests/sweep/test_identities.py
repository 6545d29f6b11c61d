"""What a cell is called by: all that decides its numbers, and nothing else."""

import hashlib
import json

import numpy as np
import pytest

import gradsim
from gradsim import RequestError, sweep
from gradsim.model.options import OPTIONS
from gradsim.program.engine import Layers
from gradsim.program.program import lower, nanoseconds
from gradsim.simulation import settled
from gradsim.simulation.fit import network_and_run
from gradsim.simulation.footprint import chunk_size

SMALL = {"width": 4, "depth": 2, "replicas": 3}


def one(**options):
    (cell,) = sweep.read_plan(SMALL | options).cells
    return cell


def test_it_is_the_digest_of_canonical_json():
    cell = one(seed=5, inputs=2)
    network, run = cell.network_and_run()
    text = {
        "format": 1,
        "network": json.loads(network.to_json()),
        "run": {name: run[name] for name in run if name not in ("threads", "engine", "histograms")},
        "settled": {
            "chunk": 256,
            "engine": [["dense", 2]],
            "quantiles": "exact",
            "probabilities": [0.01, 0.05, 0.25, 0.5, 0.75, 0.95, 0.99],
        },
    }
    canonical = json.dumps(text, sort_keys=True, separators=(",", ":"))
    assert cell.identity == hashlib.sha256(canonical.encode()).hexdigest()


def test_it_stays_what_it_is():
    """Results are found by it: it changes with its format, and with nothing else."""
    assert one().identity.startswith("5845dd75f3e54845") and one(seed=1).identity.startswith("654d87b389006b3f")
    assert one(block="pre_norm", outputs=3).identity.startswith("c843e696cbe96f66")


CHANGES = {
    "seed": 1,
    "stream": "s",
    "inputs": 2,
    "loss": "mse",
    "replicas": 4,
    "keep_samples": True,
    "histograms": 2,
    "arithmetic": "float32",
    "engine": "dense",
    "weight_gain": 1.5,
    "bias_std": 0.5,
    "activation": "tanh",
    "input_file": np.eye(4),
}


@pytest.mark.parametrize("name", CHANGES)
def test_what_decides_numbers_is_in_it(name):
    assert one(**{name: CHANGES[name]}).identity != one().identity


def test_what_decides_no_number_is_not(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    rows = np.arange(8.0).reshape(2, 4)
    for name in ("a.npy", "b.npy"):
        np.save(name, rows)
    assert one(input_file="a.npy").identity == one(input_file="b.npy").identity == one(input_file=rows).identity
    assert one(activation="ReLU").identity == one(width=[4, 4]).identity == one().identity
    assert one(engine="matrix_free").identity == one().identity  # which is what auto comes to


def test_the_ensemble_is_the_same_for_more_networks_of_it():
    same = ("replicas", "keep_samples", "histograms")
    assert {one(**{name: CHANGES[name]}).ensemble for name in same} == {one(replicas=300).ensemble} == {one().ensemble}
    assert len({one(**{name: CHANGES[name]}).ensemble for name in CHANGES if name not in same}) == 10


def test_other_costs_are_another_identity(monkeypatch):
    """A later version may find another engine or chunk: then it does not go on with what this one began."""
    before = one(inputs=16)
    monkeypatch.setattr("gradsim.simulation.footprint.CHUNK_NANOSECONDS", 1e5)
    assert one(inputs=16).identity != before.identity and one(inputs=16).settled.chunk < before.settled.chunk


@pytest.mark.parametrize(
    "options", [{}, {"inputs": 64, "init": "orthogonal"}, {"block": "residual"}, {"arithmetic": "float64", "depth": 500}]
)
def test_what_is_settled_is_what_is_computed(options):
    cell = one(**options)
    network, run = cell.network_and_run()
    program = lower(network, run["inputs"], engine=run["engine"], arithmetic=run["arithmetic"])
    assert cell.settled.chunk == chunk_size(program.columns, program.linear_nanoseconds)
    layers = Layers(network, run["engine"], run["inputs"], run["arithmetic"])
    assert cell.settled.nanoseconds == nanoseconds(network, layers) >= program.linear_nanoseconds
    assert cell.settled.logs == program.columns.logs and sum(count for _, count in cell.settled.engine) == len(
        network.linear_maps
    )
    curves = gradsim.simulate(network, **run)
    assert cell.settled.quantiles.startswith(curves.quantile_method)
    assert list(cell.settled.probabilities) == curves.quantiles.tolist()


def test_runs_of_one_outline_are_settled_alike(monkeypatch):
    """Of 90 cells one or two are looked at in full; all are what they would be by themselves."""
    calls, of = [], settled.Settled.of
    monkeypatch.setattr(settled.Settled, "of", lambda *cell: calls.append(cell) or of(*cell))
    grid = SMALL | {
        "weight_gain": [0.0, 0.5, 1.5],
        "bias_std": [0, 0.1, 0.2],
        "seed": list(range(5)),
        "activation": ["relu", "tanh"],
    }
    plan = sweep.read_plan(grid)
    assert len(plan) == 90 and 1 < len(calls) <= 4
    for cell in plan.cells:
        network, run = network_and_run(cell.options)
        assert cell.network_and_run() == (network, run) and cell.settled == of(network, run)
        assert network.to_json() == cell.network_and_run()[0].to_json()


def test_outlines_tell_apart_what_is_settled_otherwise():
    options = [
        {"width": 5},
        {"depth": 3},
        {"inputs": 2},
        {"replicas": 4},
        {"init": "xavier_uniform"},
        {"init": "ones"},
        {"bias_std": 1},
    ]
    options += [
        {"engine": "dense"},
        {"arithmetic": "float32"},
        {"outputs": 2},
        {"norm": "layer"},
        {"dropout": 0.5},
        {"block": "residual"},
    ]
    options += [{"keep_samples": True}, {"input_width": 3}, {}]
    assert len({settled.outline(*network_and_run(SMALL | given)) for given in options}) == len(options)
    assert settled.outline(*network_and_run(SMALL | {"seed": 3, "activation": "tanh"})) == settled.outline(
        *network_and_run(SMALL)
    )


def test_every_cell_is_checked():
    """The last of a thousand is too much for a float64: its law, which depends on no outline."""
    grid = {"width": 3, "depth": 2, "init": "constant(1e8)", "weight_gain": [*range(1, 1000), 1e305]}
    with pytest.raises(RequestError, match=r"^weight_gain: 1e\+305 times "):
        sweep.read_plan(grid)


def test_cells_are_a_sequence_that_is_made_when_it_is_read():
    plan = sweep.read_plan(SMALL | {"seed": {"from": 0, "to": 9, "step": 1}})
    assert [cell.index for cell in plan.cells[2:4]] == [2, 3] and plan.cells[-1].coordinates == {"seed": 9}
    assert plan.cells[9].identity == plan.identities[9] and plan.networks == 30
    with pytest.raises(IndexError):
        plan.cells[10]
    assert OPTIONS.keys() >= plan.cells[0].options.keys() and plan.cells[0].options["seed"] == 0


def test_a_large_plan_is_not_quadratic():
    """Operations, not seconds: twice the cells are twice the calls."""
    import cProfile
    import pstats

    def calls(points):
        profile = cProfile.Profile()
        grid = SMALL | {"weight_gain": {"from": 0.5, "to": 2, "points": points}, "bias_std": {"from": 0, "to": 1, "points": 20}}
        profile.runcall(sweep.read_plan, grid)
        return pstats.Stats(profile).total_calls

    few, many, more = calls(5), calls(20), calls(35)
    assert more - many == pytest.approx(many - few, rel=0.05) and (many - few) / 300 < 400
