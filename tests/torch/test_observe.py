"""Models of PyTorch as `gradsim.torch.observe` sees them: layers, places, numbers, files, and what it refuses."""

import math
import re
from pathlib import Path

import matplotlib
import numpy as np
import pytest

import gradsim
from gradsim import RequestError

torch = pytest.importorskip("torch", reason="PyTorch is not installed: pip install 'gradsim[torch]'")
nn = torch.nn
GUIDE = Path(__file__).parents[2] / "docs" / "torch.md"


def chain():
    return nn.Sequential(*(part for _ in range(4) for part in (nn.Linear(16, 16), nn.Tanh())), nn.Linear(16, 3))


class Block(nn.Module):
    """Norm, attention and two maps, each behind the one norm, which is so called twice."""

    def __init__(self):
        super().__init__()
        self.norm, self.attention = nn.LayerNorm(8), nn.MultiheadAttention(8, 2, batch_first=True)
        self.mlp = nn.Sequential(nn.Linear(8, 12), nn.ReLU(inplace=True), nn.Dropout(0.1), nn.Linear(12, 8, bias=False))

    def forward(self, x):
        y = self.norm(x)
        x = x + self.attention(y, y, y)[0]
        return x + self.mlp(self.norm(x))


class Transformer(nn.Module):
    def __init__(self):
        super().__init__()
        self.tokens, self.blocks = nn.Embedding(20, 8), nn.ModuleList([Block() for _ in range(3)])
        self.norm, self.head = nn.LayerNorm(8), nn.Linear(8, 20)

    def forward(self, tokens):
        x = self.tokens(tokens)
        for block in self.blocks:
            x = block(x)
        return self.head(self.norm(x))


class Recurrent(nn.Module):
    """A cell that is called once a step, and a convolution before."""

    def __init__(self):
        super().__init__()
        self.into, self.cell = nn.Conv1d(2, 5, 3, padding=1), nn.GRUCell(5, 6)

    def forward(self, x):
        x, state = self.into(x), torch.zeros(len(x), 6)
        for step in range(x.shape[2]):
            state = self.cell(x[:, :, step], state)
        return state


def tokens():
    return torch.randint(20, (4, 5))


@pytest.fixture(scope="module")
def transformer():
    return gradsim.torch.observe(Transformer, tokens, replicas=6, keep_samples=True)


def square(tensor):
    return math.log(float(tensor.detach().double().square().mean()))


def cosine(tensor):
    """The mean over all pairs of rows."""
    units = nn.functional.normalize(tensor.detach(), dim=1)
    gram = units @ units.T
    return float((gram.sum() - gram.trace()) / (len(gram) * (len(gram) - 1)))


def test_numbers_are_those_of_autograd():
    x, made, outputs = torch.randn(3, 16), [], []

    def make():
        made.append(chain())
        return made[-1]

    curves = gradsim.torch.observe(make, x, replicas=1, loss=lambda y: y.square().sum())
    value = x
    made[0].zero_grad()
    for module in made[0]:
        module._forward_hooks.clear()
        value = module(value)
        value.retain_grad()
        outputs.append(value)
    value.square().sum().backward()
    for layer, (output, module) in enumerate(zip(outputs[::2], made[0][::2], strict=True), 1):
        found = {"preactivation": output, "gradient": output.grad, "preactivation_max": output.abs().max()}
        found |= {"weight_gradient": module.weight.grad, "bias_gradient": module.bias.grad}
        for name, tensor in found.items():
            assert curves[f"{name}_log_mean"][layer] == pytest.approx(square(tensor), abs=1e-5)
        assert curves["correlation_mean"][layer] == pytest.approx(cosine(output), abs=1e-5)
        assert curves["gradient_correlation_mean"][layer] == pytest.approx(cosine(output.grad), abs=1e-5)
    for layer, output in enumerate(outputs[1::2], 1):
        variance = output.detach().var(dim=1, unbiased=False).mean()
        assert curves["activation_unit_variance_mean"][layer] == pytest.approx(float(variance), abs=1e-5)
        assert curves["activation_mean_mean"][layer] == pytest.approx(float(output.detach().mean()), abs=1e-5)
    assert curves["activation_log_mean"][0] == pytest.approx(square(x), abs=1e-5)
    assert curves["loss_log_mean"] == pytest.approx(2 * math.log(float(value.detach().square().sum())), abs=1e-5)
    assert curves["loss_gradient_log_mean"] == pytest.approx(square(value.grad), abs=1e-5)


def test_a_chain_has_layers_and_no_places():
    curves = gradsim.torch.observe(chain, lambda: torch.randn(2, 16), replicas=8)
    assert curves.places == () and curves.layers[-1] == 5 and curves.blocks.depth == 4 and not curves.network.has_stream
    assert curves.blocks.widths.tolist() == [16, 16, 16, 16, 16, 3]
    assert curves.network.modules == ("", "0", "2", "4", "6", "8")
    assert np.isnan(curves["activation_log_mean"][5]) and np.isfinite(curves["activation_log_mean"][:5]).all()


def test_blocks_are_layers_and_places_are_paths(transformer):
    inside = ("norm", "attention", "norm#2", "mlp.0", "mlp.1", "mlp.3")
    assert transformer.places == ("input", *inside, "head", "tokens")  # the last norm's path is that of the blocks' own
    assert transformer.network.modules == ("tokens", "blocks.0", "blocks.1", "blocks.2", "norm")
    assert transformer.network.paths[2, "mlp.3"] == "blocks.1.mlp.3" and transformer.gradient == "stream_gradient"
    defined = {name: transformer.blocks.defined(name).sum() for name in ("gradient", "bias_gradient", "norm_gain_gradient")}
    assert defined == {"gradient": 11, "bias_gradient": 7, "norm_gain_gradient": 7}  # no bias: 3 of blocks, and the tokens'
    assert np.isfinite(transformer["stream_gradient_log_mean"][:4]).all() and np.isnan(transformer["stream_log_mean"][4])
    assert (transformer["input_gradient_zero_count"], transformer["activation_log_mean"][0, 0]) == (6, 0)  # whole numbers go in
    assert "dead_fraction_mean" not in transformer.variables


def test_modules_called_several_times_are_told_apart():
    curves = gradsim.torch.observe(Recurrent, torch.randn(3, 2, 4), replicas=5)
    assert curves.network.modules == ("", "into", "cell", "cell#2", "cell#3", "cell#4")
    assert curves.blocks.widths.tolist() == [8, 20, 6, 6, 6, 6]
    weights, gradients = curves["weight_gradient_log_mean"], curves["gradient_log_mean"]
    assert len(set(weights[2:].tolist())) == 1 and len(set(gradients[2:].tolist())) == 4  # weights are one, gradients are not


def test_results_repeat_and_leave_no_trace():
    before, threads = torch.random.get_rng_state(), torch.get_num_threads()
    first = gradsim.torch.observe(chain, lambda: torch.randn(2, 16), replicas=5, keep_samples=True)
    assert torch.equal(torch.random.get_rng_state(), before) and torch.get_num_threads() == threads
    torch.manual_seed(7)
    second = gradsim.torch.observe(chain, lambda: torch.randn(2, 16), replicas=3, keep_samples=True)
    np.testing.assert_array_equal(first["gradient_log"][:3], second["gradient_log"])
    other = gradsim.torch.observe(chain, lambda: torch.randn(2, 16), replicas=3, seed=1, keep_samples=True)
    assert len(set(first["loss_log"])) == 5 and not np.any(second["loss_log"] == other["loss_log"])


def test_curves_keep_pictures_tables_and_files(transformer, tmp_path):
    transformer.save(tmp_path / "a.h5")
    opened = gradsim.open(tmp_path / "a.h5")[0]
    assert opened.network == transformer.network and opened.run == transformer.run and not opened.cut
    assert set(opened.variables) == set(transformer.variables)
    for name in transformer.variables:
        np.testing.assert_array_equal(opened[name], transformer[name])
    assert "Transformer's own" in opened.table() and "skip connections" not in opened.table()
    assert opened.verdict.word in ("stable", "exploding", "vanishing")
    h5py = pytest.importorskip("h5py")
    with h5py.File(tmp_path / "a.h5") as file:
        assert file["layer_module"].asstr()[0].tolist() == list(transformer.network.modules)
        assert file["place"].asstr()[:].tolist() == list(transformer.places)
    for quantity in (None, "weight_gradient"):
        assert opened.plot(quantity=quantity).axes[0].lines


def test_it_lies_in_one_file_with_networks_of_gradsim(tmp_path):
    seen = gradsim.torch.observe(chain, torch.randn(2, 16), replicas=3)
    both = gradsim.CurveSet([seen, gradsim.simulate(gradsim.mlp(width=8, depth=2), replicas=3, inputs=2)])
    both.save(tmp_path / "both.h5")
    opened = gradsim.open(tmp_path / "both.h5")
    assert opened.column("width").tolist() == [16, 8] and opened[0].network == seen.network
    assert not opened[1].network.modules and "tanh" in opened.table() and "relu" in opened.table()


def test_theory_and_simulation_need_networks_of_gradsim(transformer):
    assert set(transformer.with_theory().variables) == set(transformer.variables)
    with pytest.raises(RequestError, match="options: a model of another library was observed"):
        _ = transformer.options
    with pytest.raises(RequestError, match="is not a Network"):
        gradsim.simulate(transformer.network)


class Fails(nn.Linear):
    def forward(self, x):
        raise ValueError("two\nlines")


class Gives(nn.Linear):
    def forward(self, x):
        super().forward(x)
        return "words"


ONE = chain()


@pytest.mark.parametrize(
    "make, inputs, options, words",
    [
        (chain(), torch.ones(2, 16), {}, "make_model: the Sequential is a model, not a function"),
        (3, torch.ones(2, 16), {}, "make_model: 3 is not a function"),
        (lambda: 1 / 0, torch.ones(2, 16), {}, "make_model: it fails: ZeroDivisionError: division by zero"),
        (lambda: 3, torch.ones(2, 16), {}, "make_model: it gives 3, not a torch.nn.Module"),
        (lambda: ONE, torch.ones(2, 16), {}, "make_model: it gives the same model every time"),
        (nn.ReLU, torch.ones(2, 16), {}, "make_model: ReLU has no parameters"),
        (lambda: Fails(2, 2), torch.ones(2, 2), {}, "fails on inputs of shape .2, 2.: ValueError: two lines"),
        (chain, torch.ones(2, 7), {}, "fails on inputs of shape .2, 7.: RuntimeError: .*cannot be multiplied"),
        (chain, (torch.ones(2, 16), 3), {}, "make_model: the model fails on inputs .*positional"),
        (lambda: Gives(2, 2), torch.ones(2, 2), {}, "make_model: the model gives no tensor of floats, but 'words'"),
        (lambda: nn.LayerNorm(4), torch.ones(2, 4), {}, "no module with weights of its own was called"),
        (chain, 3, {}, "inputs: 3 is not a tensor"),
        (chain, (), {}, "inputs: there is no tensor"),
        (chain, lambda: 1 / 0, {}, "inputs: the function that makes them fails: ZeroDivisionError"),
        (chain, torch.ones(2, 16), {"loss": "mse"}, 'loss: .mse. is neither "probe" nor a function'),
        (chain, torch.ones(2, 16), {"loss": lambda y: y}, "loss: .* is not a tensor with one number"),
        (chain, torch.ones(2, 16), {"loss": lambda y: y.detach().sum()}, "loss: no gradient goes back"),
        (chain, torch.ones(2, 16), {"loss": lambda y: y.nothing}, "loss: it fails on what the model gives: AttributeError"),
        (chain, torch.ones(2, 16), {"replicas": 0}, "replicas: 0 is not a whole number"),
        (lambda: nn.Linear(16, int(torch.randint(1, 9, ()))), torch.ones(2, 16), {}, "one replica is another network"),
    ],
)
def test_what_cannot_be_is_one_line(make, inputs, options, words):
    with pytest.raises(RequestError, match=words) as caught:
        gradsim.torch.observe(make, inputs, **{"replicas": 4} | options)
    assert "\n" not in str(caught.value)


def test_a_number_that_is_too_small_for_its_square_is_seen():
    def tiny():
        model = chain()
        with torch.no_grad():
            model[0].weight.mul_(1e-30)
            model[0].bias.zero_()
        return model

    curves = gradsim.torch.observe(tiny, torch.ones(2, 16), replicas=2)
    assert -150 < curves["preactivation_log_mean"][1] < -130 and curves["preactivation_zero_count"][1] == 0


def test_the_guide_runs(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    matplotlib.use("agg")
    blocks = re.findall(r"```python\n(.*?)```", GUIDE.read_text(encoding="utf-8"), re.S)
    assert blocks
    for block in blocks:
        exec(block, {})
