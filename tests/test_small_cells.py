"""Networks one after another on one thread, as cells of a sweep are computed: what they share changes no bit of any of them."""

import multiprocessing
from concurrent.futures import ProcessPoolExecutor

import numpy as np
import pytest

from gradsim.kernels import layout
from gradsim.kernels.layout import PARAMETERS
from gradsim.kernels.steps.linear import BALANCED
from gradsim.kernels.workspace import padded_width
from gradsim.model.network import mlp, network
from gradsim.model.parts import Activation, LayerNorm, Linear, Residual, RMSNorm
from gradsim.program.columns import columns
from gradsim.program.engine import Layers
from gradsim.program.graph import LINEAR, LOSS, graph
from gradsim.program.program import _linear_step, lower
from gradsim.program.slots import assign_slots
from gradsim.program.steps import STEPS
from gradsim.simulation import chunks
from gradsim.simulation.chunks import Desk, folded_chunks
from gradsim.simulation.fit import network_and_run
from gradsim.simulation.simulate import simulate, simulate_here
from gradsim.statistics import quantiles
from gradsim.statistics.blocks import blocks_of
from tests.oracles.trees import TREES

SMALL = {"width": 6, "depth": 4, "replicas": 9}
CELLS = [
    *(SMALL | {"activation": "tanh", "weight_gain": gain, "bias_std": std} for gain in (0.5, 2.0) for std in (0.0, 0.3)),
    SMALL | {"activation": "relu", "weight_gain": 0.0},  # zeros all the way
    SMALL | {"activation": "relu"},
    SMALL | {"width": 2, "depth": 2, "activation": "tanh", "init": "rademacher(20)", "replicas": 64},  # sums that cancel
    SMALL | {"width": 2, "depth": 2, "activation": "tanh", "init": "rademacher(3)", "replicas": 64},
    SMALL | {"init": "orthogonal", "inputs": 3, "keep_samples": True},
    SMALL | {"init": "orthogonal", "weight_gain": 1e30, "inputs": 3},
    SMALL | {"arithmetic": "float32", "weight_gain": 1e9},
    SMALL | {"arithmetic": "float64", "weight_gain": 1e9},
    SMALL | {"block": "pre_norm", "inputs": 2},
    SMALL | {"block": "pre_norm", "inputs": 2, "residual_scale": 0.1},
    SMALL | {"depth": 300, "replicas": 600},  # several chunks
]


def test_a_desk_changes_no_bit():
    """Forward and back again, so that every cell comes behind others."""
    desk, expected = Desk(), []
    for cell in CELLS:
        made, run = network_and_run(cell)
        expected.append(simulate(made, **run))
    for k in (*range(len(CELLS)), *reversed(range(len(CELLS)))):
        found = simulate_here(*network_and_run(CELLS[k]), desk)
        assert found.run == expected[k].run and found.variables.keys() == expected[k].variables.keys()
        for name, array in found.variables.items():
            assert array.tobytes() == expected[k][name].tobytes(), (CELLS[k], name)


def test_the_cells_share_what_they_can():
    desk = Desk()
    places = []
    for cell in CELLS[:6]:
        simulate_here(*network_and_run(cell), desk)
        places.append(desk._place)
    assert places[0] is not places[1]  # biases are other numbers on the tape
    assert places[1] is not places[2] and places[0].layout == places[2].layout and places[1].layout == places[3].layout
    assert places[4] is not places[5]


def test_one_chunk_starts_no_thread(monkeypatch):
    def refuse(*arguments):
        raise AssertionError("a thread is started")

    monkeypatch.setattr(chunks, "ThreadPoolExecutor", refuse)
    monkeypatch.setattr(quantiles, "ThreadPoolExecutor", refuse)
    simulate(mlp(width=16, depth=10), 20, threads=None)
    simulate(mlp(width=16, depth=10), 2000, threads=1)


def test_replicas_from_one_on_are_the_rest():
    made, keep = mlp(width=5, depth=3), lambda records, unresolved: np.array(records)
    every = list(folded_chunks(made, keep, replicas=700))
    rest = list(folded_chunks(made, keep, len(every[0]), replicas=700))
    assert np.concatenate(rest).tobytes() == np.concatenate(every[1:]).tobytes()


def changed_in_numbers():
    """Pairs of networks of one form."""
    yield mlp(width=5, depth=9, activation="tanh"), mlp(width=5, depth=9, activation="relu", weight_gain=3.0, bias_std=1.0)
    yield (
        mlp(width=5, depth=9, block="pre_norm", residual_scale=0.5),
        mlp(width=5, depth=9, block="pre_norm", bias_std=1.0),
    )
    yield TREES["large epsilon"], TREES["epsilon zero"]


def test_forms_are_told_apart():
    for one, other in changed_in_numbers():
        assert one != other and one.form == other.form and hash(one.form) == hash(other.form)
    plain, tanh = [Linear(4), Activation("tanh")], Activation("tanh")
    others = [
        network(plain * 2, 4),
        network(plain * 3, 4),
        network(plain * 2, 3),
        network([*plain, Linear(5), tanh], 4),
        network([*plain, *plain, Linear(4)], 4),
        network([*plain, Linear(4)], 4),
        network([Linear(4), LayerNorm(), tanh] * 2, 4),
        network([Linear(4), RMSNorm(), tanh] * 2, 4),
        network([Residual(plain)] * 2, 4),
        network([Residual(plain, skip=Linear(4))] * 2, 4),
        network([Residual([*plain, Residual(plain)])] * 2, 4),
        network([*plain, Linear(4, init="orthogonal"), tanh], 4),  # blocks that are not equal: two parts where there was one
    ]
    assert len({made.form for made in others}) == len(others)


def test_a_form_from_another_process_is_the_same():
    """Types and texts have other hashes there."""
    made = mlp(width=5, depth=9, block="pre_norm", activation="tanh")
    assert made.form.has_stream  # so that it goes along
    with ProcessPoolExecutor(1, multiprocessing.get_context("spawn")) as pool:
        found = pool.submit(_sent, 5, 9).result()
    assert "form" in vars(found) and {found.form: 1}.get(made.form) == 1


def _sent(width, depth):
    made = mlp(width=width, depth=depth, block="pre_norm", activation="relu")
    assert made.form.has_stream
    return made


def assembled(made, inputs, engine):
    """The steps and parameters of a network, node by node."""
    nodes, layers, steps, parameters, offset = graph(made), Layers(made, engine, inputs), [], [], 0
    linear = zip(layers.laws, layers.operations, strict=True)
    slots, fresh, _ = assign_slots([node.sources for node in nodes])
    for k, node in enumerate(nodes):
        n_in, kept = nodes[node.sources[0]].width if node.sources else node.width, 0
        if node.kind == LINEAR:
            operation, variant, row, kept = _linear_step(node.part, *next(linear), inputs, n_in, node.width)
        elif node.kind in STEPS:
            operation, (variant, row) = STEPS[node.kind].operation, STEPS[node.kind].parameters(node.part)
            kept = STEPS[node.kind].kept(inputs, node.width)
        else:
            operation, variant, row = (layout.LOSS, 0, ()) if node.kind == LOSS else (layout.INPUT, 0, (0.0,))
        vector, (source, other) = inputs * padded_width(node.width), (*node.sources, -1, -1)[:2]
        first = [fresh[k][edge] if edge < len(fresh[k]) else True for edge in (0, 1)]
        aside = offset + vector if kept else offset
        steps.append(
            [
                operation,
                node.number,
                node.width,
                offset,
                variant,
                source,
                other,
                aside,
                slots[k],
                *first,
                node.place,
                node.stream,
            ]
        )
        parameters.append([*row, *[0.0] * (PARAMETERS - len(row))])
        offset += vector + kept
    return np.array(steps), np.array(parameters), offset


LINEAR_OPERATIONS = (layout.LINEAR_DENSE, layout.LINEAR_GAUSSIAN, layout.LINEAR_HAAR)


@pytest.mark.parametrize("engine", ["auto", "dense"])
@pytest.mark.parametrize("inputs", [1, 3])
def test_programs_of_a_form_are_those_of_their_nodes(inputs, engine):
    """Networks that share all but numbers come next to each other."""
    for made in (*TREES.values(), *(made for pair in changed_in_numbers() for made in pair)):
        program, (steps, parameters, size) = lower(made, inputs, engine=engine), assembled(made, inputs, engine)
        assert np.array_equal(program.steps, steps) and program.tape_size == size
        linear = np.isin(steps[:, layout.OPERATION], LINEAR_OPERATIONS)
        found = np.where(linear[:, None] & (np.arange(PARAMETERS) == BALANCED), 0.0, program.parameters)
        assert found.tobytes() == parameters.tobytes()
        expected = columns(graph(made), inputs)
        assert np.array_equal(program.columns.starts, expected.starts) and program.columns.size == expected.size


@pytest.mark.parametrize("name", TREES)
def test_all_quantities_are_spread_at_once(name):
    for inputs in (1, 2):
        blocks = blocks_of(TREES[name], inputs)
        values = np.random.default_rng(0).normal(size=(2, blocks.columns.size, 3))
        for spread in (blocks.logs, blocks.plain):
            found = spread(values)
            for quantity, start, stop, shape in spread.pieces:
                one = blocks.spread(quantity, values[:, blocks.rows[quantity].columns], 1)
                assert found[:, start:stop].reshape(2, *shape, 3).tobytes() == one.tobytes()
        assert {piece[0] for piece in (*blocks.logs.pieces, *blocks.plain.pieces)} == blocks.rows.keys()
