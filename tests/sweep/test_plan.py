import h5py
import pytest

import gradsim
from gradsim import RequestError, sweep


def pairs(plan):
    return [cell.network_and_run() for cell in plan.cells]


def test_the_classic_sweep():
    plan = sweep.read_plan("classic")
    assert len(plan) == len(plan.cells) == 32 and list(plan.axes) == ["activation", "init"]
    network, run = plan.cells[0].network_and_run()
    assert (network.activation, network.init, network.depth, run["replicas"]) == ("sigmoid", "zeros", 100, 500)
    assert set(network.widths) == {128}


def test_the_sweep_of_blocks():
    """Six networks that differ in nothing but their blocks, and have as many linear maps."""
    plan = sweep.read_plan("blocks")
    networks = [network for network, _ in pairs(plan)]
    assert [(len(network.linear_maps), network.depth, set(network.widths)) for network in networks] == [(1000, 1000, {64})] * 6
    assert len(set(networks)) == 6 and [network.has_stream for network in networks] == [False, True, True, True, True, False]
    assert {(network.activation, network.init, network.weight_gain) for network in networks} == {("relu", "he_normal", 1.0)}
    assert {(run["inputs"], run["replicas"]) for _, run in pairs(plan)} == {(32, 50)}


def test_tables_of_cells_are_grids_that_share_what_is_outside(tmp_path):
    grid = tmp_path / "grid.toml"
    grid.write_text(
        'width = 4\ndepth = 3\nseed = [1, 2]\n[[cells]]\nactivation = ["tanh", "gelu"]\n'
        '[[cells]]\nblock = "residual"\nblock-depth = 1\nseed = 7\n'
    )
    plan = sweep.read_plan(str(grid))
    found = [(network.activation, run["seed"], network.has_stream) for network, run in pairs(plan)]
    both = [("tanh", 1, False), ("gelu", 1, False), ("tanh", 2, False), ("gelu", 2, False)]
    assert found == [*both, ("relu", 7, True)]
    assert plan.request == {
        "width": [4],
        "depth": [3],
        "seed": [1, 2],
        "cells": [{"activation": ["tanh", "gelu"]}, {"block": ["residual"], "block_depth": [1], "seed": [7]}],
    }
    result = sweep.run({**plan.request, "replicas": 2})
    result.save(tmp_path / "grid.h5")
    assert gradsim.open(tmp_path / "grid.h5").request == result.request == plan.request | {"replicas": [2]}


@pytest.mark.parametrize(
    "cells", [[], "plain", [3], {"width": 3}, [{"widht": 3}], [{"cells": []}], [{"width": 3}, {"depth": []}]]
)
def test_refusals_of_tables_of_cells(cells):
    with pytest.raises(RequestError, match=r"^sweep: "):
        sweep.read_plan({"depth": 2, "cells": cells})


def test_too_many_cells_in_tables():
    with pytest.raises(RequestError, match=r"^sweep: 2 tables of cells are 100,001 cells"):
        sweep.read_plan({"width": 3, "depth": 2, "cells": [{"seed": list(range(100_000))}, {"seed": 1}]})


def test_any_option_may_be_a_list():
    plan = sweep.read_plan({"width": [4, [3, 5]], "seed": [1, 2], "depth": 2, "bias_std": 0.5})
    assert [(n.widths, r["seed"]) for n, r in pairs(plan)] == [
        ((4, 4), 1),
        ((4, 4), 2),
        ((3, 5), 1),
        ((3, 5), 2),
    ]


def test_cells_are_what_simulate_gives_and_progress_ends_at_one():
    seen = []
    plan = {"activation": ["relu", "tanh"], "width": 3, "depth": 2, "replicas": 6}
    result = sweep.run(plan, progress=lambda share, cells: seen.append((share, cells)))
    alone = gradsim.simulate(gradsim.mlp(width=3, depth=2, activation="tanh"), 6)
    assert result[1]["gradient_log_mean"].tobytes() == alone["gradient_log_mean"].tobytes()
    assert seen[-1] == (1.0, 2) and seen == sorted(seen)


def test_a_shared_stream_gives_common_random_numbers():
    plan = {"weight_gain": [1.0, 2.0], "activation": "linear", "width": 3, "depth": 4, "replicas": 5, "stream": "s"}
    one, two = sweep.run(plan)
    shift = two["gradient_log_mean"][1] - one["gradient_log_mean"][1]
    assert shift == pytest.approx(3 * 2 * 0.6931471805599453, rel=1e-6)


@pytest.mark.parametrize("plan", [{"widht": 3}, {"width": 0}, {"bias-std": 1, "bias_std": 2}, "no/such.toml"])
def test_refusals(plan):
    with pytest.raises(RequestError):
        sweep.read_plan(plan)


@pytest.mark.parametrize("options", [{"threads": 0}, {"threads": "2"}, {"threads": 1.5}, {"progress": 3}])
def test_what_a_run_of_a_sweep_refuses(options):
    with pytest.raises(RequestError, match=f"{next(iter(options))}: "):
        sweep.run({"width": 3, "depth": 2}, **options)


def test_samples_may_be_kept_in_a_sweep():
    (found,) = sweep.run({"width": 3, "depth": 2, "replicas": 4, "keep_samples": True})
    assert found["gradient_log"].shape == (4, 3) and found.run["keep_samples"] is True


def test_progress_is_the_share_of_the_work():
    """A cell counts for what it takes, and within it every network alike."""
    plan = sweep.read_plan({"depth": [30, 2], "width": 64, "replicas": [600, 30]})
    total, seen, done = sum(cell.work for cell in plan.cells), [], []
    sweep.run(plan, threads=1, progress=lambda share, cells: seen.append((cells, share)))
    for number, cell in enumerate(plan.cells):
        done.append(cell.work / total)
        assert max(share for cells, share in seen if cells == number) == pytest.approx(sum(done))
    assert 0 < seen[0][1] < done[0] and len(seen) > 5  # a cell of 600 networks is told of in parts


def test_the_grid_is_kept_with_the_curves(tmp_path):
    grid = {"activation": ["relu", "tanh"], "width": [[3, 4]], "replicas": 5}
    result = sweep.run(grid)
    assert result.request == {"activation": ["relu", "tanh"], "width": [[3, 4]], "replicas": [5]}
    result.save(tmp_path / "grid.h5")
    assert gradsim.open(tmp_path / "grid.h5").request == result.request == result[:1].request


LAYERS = [{"part": "Linear", "width": 4}, {"part": "Activation", "name": "tanh"}, {"part": "Linear", "width": 2}]


def test_layers_are_one_value_or_an_axis(tmp_path):
    grid = tmp_path / "grid.toml"
    grid.write_text(
        'layers = [{part = "Linear", width = 4}, {part = "Repeat", times = 3, parts = ['
        '{part = "Residual", scale = 0.5, parts = [{part = "RMSNorm"}, {part = "Linear"}, {part = "Dropout", p = 0.1}]}'
        "]}]\nseed = [1, 2]\n"
    )
    plan = sweep.read_plan(str(grid))
    (network, _), _ = pairs(plan)
    assert network.depth == 3 and network.stem == (gradsim.Linear(4),) and network.input_width == 4
    assert plan.request["seed"] == [1, 2] and plan.request["layers"][0][0] == {"part": "Linear", "width": 4}
    parts = [gradsim.Linear(4), gradsim.Activation("tanh")]
    plan = sweep.read_plan({"layers": [LAYERS, parts]})
    assert [network.outputs for network, _ in pairs(plan)] == [2, None]
    assert plan.request["layers"] == [LAYERS, LAYERS[:2]]
    with pytest.raises(RequestError, match=r"^depth: does not go with layers"):
        sweep.read_plan({"layers": LAYERS, "depth": [2, 3]})


def test_options_of_blocks_are_axes():
    plan = sweep.read_plan({"block": ["residual", "pre_norm"], "residual_scale": [1, "1/sqrt(depth)"], "width": 4, "depth": 4})
    scales = [network.blocks[0].parts[0].scale for network, _ in pairs(plan)]
    assert scales == [1.0, 0.5, 1.0, 0.5] and len({network for network, _ in pairs(plan)}) == 4


@pytest.mark.parametrize("block", ["resnet_v1", "resnet_v2"])
def test_batch_norm_needs_inputs(block):
    options = {"width": 4, "depth": 2, "block": block}
    with pytest.raises(RequestError, match=r"^inputs: batch norm takes means over the inputs"):
        sweep.read_plan(options)
    assert len(sweep.read_plan(options | {"inputs": 2}).cells) == 1


def test_curves_in_memory_know_their_cells(tmp_path):
    """As those of a file that a sweep wrote: axes are coordinates, cells have their identities."""
    plan = sweep.read_plan({"width": [3, 4], "depth": 2, "weight_gain": [1.0, 1.5], "replicas": 3})
    sweep.run(plan).save(tmp_path / "a.h5")
    sweep.run(plan, out=tmp_path / "b.h5")
    first, second = (gradsim.open(tmp_path / f"{name}.h5") for name in "ab")
    found = [{name: list(values) for name, values in curves.coordinates.items()} for curves in (first, second)]
    assert found == [plan.coordinates] * 2 and plan.coordinates["width"] == [3, 3, 4, 4]
    with h5py.File(tmp_path / "a.h5") as one, h5py.File(tmp_path / "b.h5") as other:
        assert one.attrs["axes"] == other.attrs["axes"]
        assert one["identity"][()].tolist() == other["identity"][()].tolist()
