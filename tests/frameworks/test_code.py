"""Code to paste is run: what it draws has gradsim's laws, and with gradsim's matrices it computes gradsim's numbers.

PyTorch, Keras and Flax are each tried where they are installed, and said to be skipped where not.
"""

import importlib.util
import math
import os
import re
import warnings

import numpy as np
import pytest
from scipy.stats import ks_2samp

import gradsim
from gradsim import Activation, BatchNorm, LayerNorm, Linear, Repeat, Residual, RMSNorm, reference
from gradsim.cli import code as command
from gradsim.cli import main
from gradsim.frameworks import FRAMEWORKS, code_for, draws, flax, keras, torch
from gradsim.kernels.activations import ACTIVATIONS
from gradsim.model.initializers import INITIALIZERS, bias_law, weight_law

RARE = 1e-6  # of one comparison
SIGMAS = 5.0
DRAWN = (  # (init, gain, bias); the ones of which a matrix is looked at as a whole come last
    ("he_normal", 1.0, "zeros"),
    ("he_normal(fan_out,0.2)", 1.3, "constant(0.5)"),
    ("he_uniform", -0.7, "normal(0.3)"),
    ("xavier_normal", 1.0, "uniform(-0.1,0.2)"),
    ("xavier_uniform", 2.0, "fan_in_uniform"),
    ("xavier_truncated_normal", 0.5, "zeros"),
    ("torch_default", 1.0, None),
    ("keras_default", 1.1, None),
    ("lecun_truncated_normal", 1.0, "zeros"),
    ("variance_scaling(1.5,fan_avg,uniform)", 1.0, "zeros"),
    ("variance_scaling(0.7737413035499232)", 1.0, "zeros"),
    ("normal(0.1,0.02)", 2.0, "zeros"),
    ("uniform(-1,3)", -2.0, "zeros"),
    ("truncated_normal(0.5,0.2)", 1.0, "zeros"),
    ("corrected_truncated_normal(0,0.1)", 1.0, "zeros"),
    ("rademacher(0.5)", 3.0, "zeros"),
    ("trunc_normal(0.1,0.2,-0.3,0.2)", -1.5, "zeros"),
    ("sparse(7,2)", 1.5, "zeros"),
    ("sparse_columns(0.75,2)", 1.5, "zeros"),
    ("orthogonal(1.2)", 1.1, "zeros"),
    ("identity(2)", 0.5, "zeros"),
    ("constant(0.1)", 2.0, "zeros"),
)
WHOLE = ("orthogonal", "identity", "constant", "sparse")
EVERY_ACTIVATION = [part for entry in ACTIVATIONS for part in (Linear(6, "lecun_normal"), Activation(entry.name))]
COMPUTED = {
    "every activation": gradsim.network(EVERY_ACTIVATION, input_width=5),
    "parameters": gradsim.network([Linear(5), Activation("elu(0.3)"), Linear(5), Activation("leaky_relu(0.2)")], 4),
    "norms": gradsim.network(
        [Repeat([Linear(6), LayerNorm(1e-3), Activation("tanh"), RMSNorm(1e-2), Linear(5), BatchNorm(1e-4)], 2)], 4
    ),
    "residuals": gradsim.network(
        [
            Linear(6),
            Repeat([Residual([LayerNorm(), Linear(3), Activation("gelu"), Residual([Linear(3)], 0.3), Linear(6)], -0.5)], 3),
            Residual([Linear(4), Activation("relu")], 2.0, Linear(4)),
            Linear(2),
        ],
        3,
    ),
    "widths": gradsim.mlp(width=[4, 4, 4, 7, 7, 3], input_width=2, outputs=5, activation="silu"),
    "plain": gradsim.mlp(width=5, depth=4, block="deepnorm", final_norm=True, outputs=2, bias_std=0.5),
}
NETWORKS = {
    init: gradsim.mlp(width=[60, 50], input_width=70, init=init, weight_gain=gain, bias=bias) for init, gain, bias in DRAWN
}


class Torch:
    def __init__(self, code):
        self.lib, names = pytest.importorskip("torch"), {}
        self.lib.manual_seed(1)
        exec(code, names)
        self.model = names["make_model"]()
        self.linears = [module for module in self.model.modules() if isinstance(module, self.lib.nn.Linear)]

    def drawn(self):
        return [tuple(p.detach().numpy() for p in (linear.weight, linear.bias)) for linear in self.linears]

    def computed(self, pairs, inputs):
        self.model.double()
        with self.lib.no_grad():
            for linear, pair in zip(self.linears, pairs, strict=True):
                for parameter, values in zip((linear.weight, linear.bias), pair, strict=True):
                    parameter.copy_(self.lib.from_numpy(np.array(values)))
            return self.model(self.lib.from_numpy(inputs)).numpy(), 1e-9


class Keras:
    def __init__(self, code):
        os.environ.setdefault("KERAS_BACKEND", "jax" if importlib.util.find_spec("jax") else "torch")
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            lib, names = pytest.importorskip("keras"), {}
            lib.utils.clear_session()
            lib.utils.set_random_seed(1)
            exec(code, names)
            self.model = names["make_model"]()
        dense = [layer for layer in self.model.layers if isinstance(layer, lib.layers.Dense)]
        self.linears = sorted(dense, key=lambda layer: int((re.findall(r"\d+", layer.name) or [0])[0]))

    def drawn(self):
        return [(np.asarray(layer.kernel).T, np.asarray(layer.bias)) for layer in self.linears]

    def computed(self, pairs, inputs):
        for layer, (weight, bias) in zip(self.linears, pairs, strict=True):
            layer.set_weights([np.array(weight).T, np.array(bias)])
        return np.asarray(self.model(inputs.astype(np.float32), training=True)), 3e-4


class Flax:
    def __init__(self, code):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            pytest.importorskip("flax")
            self.jax, names = pytest.importorskip("jax"), {}
            exec(code, names)
        self.model = names["make_model"]()
        self.width = int(re.search(r"linear\w*\((\d+), \d+\)\(x\)", code)[1])

    def _variables(self):
        return self.model.init({"params": self.jax.random.key(1), "dropout": self.jax.random.key(2)}, np.ones((2, self.width)))

    def drawn(self):
        found = self._variables()["params"]
        return [(np.asarray(found[n]["kernel"]).T, np.asarray(found[n]["bias"])) for n in self._names(found)]

    def _names(self, found):
        return sorted((n for n in found if n.startswith("Dense")), key=lambda n: int(n.partition("_")[2]))

    def computed(self, pairs, inputs):
        variables = self._variables()
        params = dict(variables["params"])
        for name, (weight, bias) in zip(self._names(params), pairs, strict=True):
            params[name] = {"kernel": np.array(weight, np.float32).T, "bias": np.array(bias, np.float32)}
        variables = {**variables, "params": params}
        with self.jax.default_matmul_precision("highest"):
            found, _ = self.model.apply(variables, inputs.astype(np.float32), mutable=["batch_stats"])
        return np.asarray(found), 3e-4


RUN = {"torch": Torch, "keras": Keras, "flax": Flax}


@pytest.mark.parametrize("init", NETWORKS)
@pytest.mark.parametrize("framework", RUN)
def test_what_is_drawn_has_the_laws(framework, init):
    network = NETWORKS[init]
    found, ours = RUN[framework](code_for(network, framework)).drawn(), reference.draw(network, 3)
    for (fan_in, part), (weight, bias), own, shift in zip(network.linear_maps, found, ours.weights, ours.biases, strict=True):
        assert weight.shape == (part.width, fan_in)
        same_law(weight, own, weight_law(part.init, fan_in, part.width, part.gain), init.startswith(WHOLE))
        same_law(bias, shift, bias_law(part.bias, fan_in), not np.ptp(shift))


def same_law(values, own, law, whole):
    """Mean, deviation, kurtosis and the whole distribution; of what is no collection of independent entries what it is."""
    values, own = np.asarray(values, float), np.asarray(own, float)
    if whole and law.kind == "orthogonal":
        for matrix in (values, own):
            small = matrix @ matrix.T if len(matrix) <= matrix.shape[1] else matrix.T @ matrix
            np.testing.assert_allclose(small, law.scale**2 * np.eye(len(small)), atol=1e-4)
    elif whole and law.kind in ("sparse", "sparse_columns"):
        along = 1 if law.kind == "sparse" else 0
        assert (np.count_nonzero(values, axis=along) == np.count_nonzero(own, axis=along)).all()
        assert np.ptp(np.count_nonzero(values, axis=1 - along)) > 0  # at random places
        assert ks_2samp(values[values != 0], own[own != 0]).pvalue > RARE
    elif whole:
        np.testing.assert_allclose(values, own, rtol=1e-6)
    else:
        assert ks_2samp(values.ravel(), own.ravel()).pvalue > RARE
        sd, n = math.sqrt(law.variance), values.size
        assert abs(values.mean() - law.mean) < SIGMAS * sd / math.sqrt(n)
        assert abs(values.std() / sd - 1) < SIGMAS * math.sqrt((law.excess_kurtosis + 2) / (4 * n)) + 1.5 / n
        fourth = np.mean((values - values.mean()) ** 4) / values.var() ** 2 - 3
        assert abs(fourth - law.excess_kurtosis) < SIGMAS * math.sqrt(24 / n)  # a normal's, the widest of them


@pytest.mark.parametrize("name", COMPUTED)
@pytest.mark.parametrize("framework", RUN)
def test_what_is_computed_is_the_same(framework, name):
    network = COMPUTED[name]
    drawn = reference.draw(network, 0, inputs=4)
    expected = reference.forward(network, drawn)[-1]
    pairs = list(zip(drawn.weights, drawn.biases, strict=True))
    found, close = RUN[framework](code_for(network, framework)).computed(pairs, np.array(drawn.inputs, float))
    np.testing.assert_allclose(found, expected, rtol=close, atol=close * np.abs(expected).max())


@pytest.mark.parametrize("entry", INITIALIZERS, ids=lambda entry: entry.name)
def test_formulas_are_the_laws(entry):
    """Of every initializer, evaluated at fans: no framework is needed."""
    values = {"c": 0.5, "mean": 0.1, "std": 0.3, "min": -1, "max": 2, "k": 3, "gain": 2, "fan": "fan_out", "slope": 0.3}
    values |= {"a": -0.2, "b": 0.5, "sparsity": 0.3}
    values |= {"scale": 3, "mode": "fan_avg", "law": "uniform"}
    scheme = entry.name + (f"({','.join(str(values[name]) for name in entry.arguments)})" if entry.arguments else "")
    part, fans = Linear(5, scheme, -1.5), {"fan_in": 7, "fan_out": 5}
    draw, law = draws.weights(part), weight_law(scheme, 7, 5, -1.5)
    found = [eval(text, {"math": math} | fans) for text in draw.numbers]
    assert draw.kind == law.kind
    expected = {
        "uniform": [law.mean - abs(law.scale), law.mean + abs(law.scale)],
        "constant": [law.mean],
        "rademacher": [abs(law.scale)],
        "sparse": [round(law.density * 7), abs(law.scale)],
        "sparse_columns": [round(law.density * 5), abs(law.scale)],
        "cut_normal": [-0.15, 0.45, -0.75, 0.3],
        "identity": [law.scale],
        "orthogonal": [law.scale],
    }.get(law.kind, [law.mean, abs(law.scale)])
    assert found == pytest.approx(expected, rel=1e-14)


def test_every_activation_has_words():
    names = {entry.name for entry in ACTIVATIONS}
    assert all(table == names for table in (set(f.ACTIVATIONS) for f in (torch, keras, flax)))
    assert tuple(FRAMEWORKS) == command.FRAMEWORKS


def test_what_cannot_be_said_is_named():
    gradsim.activation("wave", math.sin, math.cos)
    own = gradsim.mlp(width=4, depth=2, activation="wave")
    for framework in FRAMEWORKS:
        text = code_for(own, framework)
        assert "# Not here: the activation wave is a function of yours" in text and re.search(r"wave\)|wave\(x\)", text)
    zero = code_for(gradsim.mlp(width=4, depth=2, block="rezero"), "torch")
    assert "ReZero" in zero and "ReZero" not in code_for(gradsim.mlp(width=4, depth=2, block="residual"), "torch")
    assert "running averages" in code_for(COMPUTED["norms"], "keras")


@pytest.mark.parametrize("framework", FRAMEWORKS)
def test_code_is_short_and_stands_by_itself(framework):
    text = code_for(gradsim.mlp(width=64, depth=1000, dropout=0.1, block="pre_norm", outputs=3), framework)
    assert len(text.splitlines()) < 60 and max(map(len, text.splitlines())) < 140 and "range(1000)" in text
    compile(text, framework, "exec")


def test_the_command_prints_it(capsys):
    options = {"width": 8, "depth": 3, "activation": "gelu"}
    arguments = [text for name, value in options.items() for text in (f"--{name}", str(value))]
    for more, network in (
        (["--preset", "flax_default"], gradsim.preset("flax_default").network(**options)),
        (["--init", "orthogonal", "--weight-gain", "1.1"], gradsim.mlp(**options, init="orthogonal", weight_gain=1.1)),
    ):
        with pytest.raises(SystemExit) as exit:
            main(["code", "--for", "keras", *arguments, *more])
        assert exit.value.code == 0 and capsys.readouterr().out == code_for(network, "keras")
    for wrong, words in ((["--for", "kears"], "did you mean keras?"), ([], "--for: give it one of torch, keras, flax")):
        with pytest.raises(SystemExit) as exit:
            main(["code", *wrong])
        assert exit.value.code == 2 and words in capsys.readouterr().err
    with pytest.raises(gradsim.RequestError, match="is not a Network"):
        code_for("relu", "torch")
    with pytest.raises(gradsim.RequestError, match="unknown name 'tensorflow'"):
        code_for(COMPUTED["plain"], "tensorflow")
