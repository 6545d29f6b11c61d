"""The kernels against the reference, step by step from the same tape.

Whole curves part ways in chaotic networks (float32 against float64), single steps never do.
"""

import numpy as np
import pytest

from gradsim import reference
from gradsim.model.activations import ACTIVATIONS
from gradsim.model.data import Samples
from gradsim.model.network import mlp
from gradsim.model.request import checked
from gradsim.model.streams import stream_key
from gradsim.program.program import lower
from gradsim.simulation.chunks import record_chunks
from tests.oracles.stepwise import check_steps
from tests.oracles.tapes import Tapes
from tests.oracles.trees import TREES

NETWORKS = [
    *(mlp(width=[6, 9, 5], activation=a.name, init="normal(0.1,0.5)", bias_std=0.4, input_width=7) for a in ACTIVATIONS),
    mlp(width=40, depth=4, activation="gelu", init="he_normal"),
    mlp(width=33, depth=3, activation="tanh", init="uniform(-1,2)", outputs=3),
    mlp(width=8, depth=2, activation="leaky_relu(0.3)", init="xavier_uniform", weight_gain=-2.5, bias_std=1.0),
    mlp(width=4, depth=3, activation="sigmoid", init="constant(0.5)", bias_std=0.2, outputs=1),
    mlp(width=300, depth=1, activation="erf", init="lecun_uniform"),
    mlp(width=9, depth=2, activation="relu", init="torch_default"),
    mlp(width=10, depth=2, activation="tanh", init="he_truncated_normal(fan_out)", bias="uniform(-1,0.5)"),
    mlp(width=[5, 7], activation="gelu", init="rademacher(0.4)", bias="constant(-0.3)"),
    mlp(width=1, depth=2, activation="tanh", init="fan_in_uniform"),
    mlp(width=[9, 6, 6, 14], activation="gelu", init="orthogonal", weight_gain=-1.7, bias_std=0.2, input_width=7),
    mlp(width=[1, 5, 1], activation="linear", init="orthogonal(2)"),
    mlp(width=[5, 9, 9], activation="tanh", init="identity(1.3)", bias_std=0.1, input_width=6),
    mlp(width=[6, 40, 7], activation="leaky_relu", init="sparse(3,0.7)"),
]
IDS = [f"{n.activation}-{n.init}" for n in NETWORKS]


def tapes(network, replica, inputs, engine="dense", **options):
    """What the interpreter leaves of one replica."""
    options = checked(inputs=inputs, engine=engine, **options)
    program = lower(
        network,
        inputs,
        options["input_correlation"],
        options["loss"],
        options["probe"],
        options["input_file"],
        options["target_file"],
        engine,
    )
    return Tapes(program, stream_key(0, network.to_json()), 1, replica)


def check(network, inputs, **options):
    found, drawn = tapes(network, 5, inputs, **options), reference.draw(network, 5, inputs, **options)
    tape, deltas = [v[0] for v in found.values], [d[0] for d in found.deltas]
    check_steps(network, drawn, tape, deltas, found.records[0], "input_file" in options)


@pytest.mark.parametrize("inputs", [1, 3])
@pytest.mark.parametrize("network", NETWORKS, ids=IDS)
def test_every_step_from_the_same_tape(network, inputs):
    check(network, inputs)


@pytest.mark.parametrize("loss", ["probe", "mse"])
@pytest.mark.parametrize("name, inputs", [(n, b) for n in TREES for b in (1, 2, 5) if b > TREES[n].has_batch_norm])
def test_every_step_of_blocks_from_the_same_tape(name, inputs, loss):
    check(TREES[name], inputs, loss=loss)


ROWS = Samples("rows", np.random.default_rng(4).normal(size=(9, 7)) * 10.0 ** np.arange(-4, 5)[:, None])
LABELS = Samples("labels", np.arange(9.0)[:, None] % 5)
TARGETS = Samples("targets", np.random.default_rng(5).normal(size=(9, 5)))


@pytest.mark.parametrize("inputs", [1, 4])
@pytest.mark.parametrize(
    "options",
    [
        {"input_correlation": 0.7},
        {"probe": "shared"},
        {"loss": "mse"},
        {"loss": "cross_entropy"},
        {"input_file": ROWS},
        {"input_file": ROWS, "loss": "mse", "target_file": TARGETS},
        {"input_file": ROWS, "loss": "cross_entropy", "target_file": LABELS},
    ],
    ids=lambda options: "-".join(options),
)
def test_inputs_and_losses_from_the_same_tape(options, inputs):
    check(mlp(width=[9, 6], activation="gelu", input_width=7, outputs=5, bias_std=0.3), inputs, **options)


def test_whole_records_of_a_shallow_network():
    network = mlp(width=12, depth=3, activation="gelu", bias_std=0.1)
    found = np.concatenate(list(record_chunks(network, replicas=4, inputs=2, engine="dense")))
    expected = [np.concatenate(list(reference.run(network, replica, inputs=2).values())) for replica in range(4)]
    np.testing.assert_allclose(found, expected, rtol=2e-4, atol=2e-4)
