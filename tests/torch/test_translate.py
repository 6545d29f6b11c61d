"""Models of PyTorch as networks of gradsim, which agree in law with what was observed of them."""

import numpy as np
import pytest
from scipy.stats import ks_2samp

import gradsim
from gradsim import Activation, BatchNorm, Dropout, LayerNorm, Linear, Repeat, RequestError, Residual, RMSNorm

torch = pytest.importorskip("torch", reason="PyTorch is not installed: pip install 'gradsim[torch]'")
nn, F = torch.nn, torch.nn.functional

FALSE_ALARM = 1e-3  # of all tests of law here together, by Bonferroni; seeds are fixed


def chain():
    return nn.Sequential(*(part for _ in range(5) for part in (nn.Linear(24, 24), nn.Tanh())), nn.Linear(24, 4))


class Block(nn.Module):
    def __init__(self):
        super().__init__()
        self.norm, self.first, self.second = nn.LayerNorm(16), nn.Linear(16, 32), nn.Linear(32, 16)
        self.act, self.scale = nn.GELU(), nn.Parameter(torch.tensor(0.5))

    def forward(self, x):
        return x + self.scale * self.second(self.act(self.first(self.norm(x))))


class PreNorm(nn.Module):
    def __init__(self):
        super().__init__()
        self.stem, self.blocks = nn.Linear(12, 16), nn.ModuleList([Block() for _ in range(4)])
        self.norm, self.head = nn.LayerNorm(16), nn.Linear(16, 5)
        for module in self.modules():
            if isinstance(module, nn.Linear):
                nn.init.xavier_normal_(module.weight)
                nn.init.zeros_(module.bias)

    def forward(self, x):
        x = self.stem(x)
        for block in self.blocks:
            x = block(x)
        return self.head(self.norm(x))


@pytest.mark.parametrize("make, width", [(chain, 24), (PreNorm, 12)])
def test_both_ways_agree_in_law(make, width):
    """Kolmogorov and Smirnov of single networks' logs; under the null law each test alarms at its share of FALSE_ALARM."""
    seen = gradsim.torch.observe(make, lambda: torch.randn(2, width), replicas=100, keep_samples=True)
    network = gradsim.torch.translate(make())
    made = gradsim.simulate(network, replicas=300, inputs=2, keep_samples=True)
    assert (seen.blocks.depth, seen.blocks.widths.tolist()) == (made.blocks.depth, made.blocks.widths.tolist())
    assert seen.network.has_stream == made.network.has_stream
    names = ["preactivation", "gradient", "weight_gradient", "bias_gradient", "preactivation_max"]
    names += ["stream", "stream_gradient"] if seen.network.has_stream else ["activation"]
    found = []
    for name in names:
        ours, theirs = (curves.blocks.last(name, curves[f"{name}_log"], 1) for curves in (made, seen))
        there = np.isfinite(theirs[0]) & np.isfinite(ours[0])
        assert there.sum() >= seen.blocks.depth
        found += [ks_2samp(ours[:, layer], theirs[:, layer]).pvalue for layer in np.flatnonzero(there)[[0, 2, -1]]]
    found += [ks_2samp(made[f"{name}_log"], seen[f"{name}_log"]).pvalue for name in ("loss", "input_gradient")]
    assert min(found) > FALSE_ALARM / 2 / len(found)
    pairs = made["correlation_mean"].ndim == 2
    z = [
        (a["correlation_mean"] - b["correlation_mean"])
        / np.hypot(np.sqrt(a["correlation_variance"] / 300), np.sqrt(b["correlation_variance"] / 100))
        for a, b in ((_last(made, pairs), _last(seen, pairs)),)
    ]
    assert np.nanmax(np.abs(z)) < 4.5


def _last(curves, placed):
    names = ("correlation_mean", "correlation_variance")
    return {name: curves.blocks.last("correlation", curves[name]) for name in names}


def test_networks_are_those_that_are_meant():
    law = {"init": "xavier_normal", "bias": "zeros"}
    branch = [LayerNorm(), Linear(32, **law), Activation("gelu"), Linear(16, **law)]
    blocks = [Linear(16, **law), Repeat(Residual(branch, 0.5), 4)]
    expected = gradsim.network(blocks, 12, readout=[LayerNorm(), Linear(5, **law)])
    assert gradsim.torch.translate(PreNorm()) == expected
    plain = gradsim.mlp(width=24, depth=5, activation="tanh", init="torch_default", outputs=4)
    assert gradsim.torch.translate(chain()) == plain
    stated = gradsim.torch.translate(chain(), init="he_normal", gain=1.2, bias="normal(0.1)")
    assert stated == gradsim.mlp(
        width=24, depth=5, activation="tanh", init="he_normal", weight_gain=1.2, bias="normal(0.1)", outputs=4
    )


class Several(nn.Module):
    """Functions, methods, a projection beside a branch, and all norms."""

    def __init__(self):
        super().__init__()
        self.a, self.b, self.c, self.beside = nn.Linear(8, 12), nn.Linear(12, 12), nn.Linear(12, 6), nn.Linear(12, 6)
        self.batch, self.rms, self.drop = nn.BatchNorm1d(12), nn.RMSNorm(12, eps=1e-6), nn.Dropout(0.2)

    def forward(self, x):
        x = self.rms(self.drop(F.leaky_relu(self.batch(self.a(x.view(x.size(0), -1))), 0.2)))
        x = torch.add(x, self.b(x).relu(), alpha=0.5)
        return torch.sigmoid(self.beside(x) + self.c(F.elu(x)) / 2)


def test_functions_methods_and_projections_are_read():
    law = {"init": "torch_default"}
    parts = [
        Linear(12, **law),
        BatchNorm(),
        Activation("leaky_relu(0.2)"),
        Dropout(0.2),
        RMSNorm(1e-6),
        Residual([Linear(12, **law), Activation("relu")], 0.5),
        Residual([Activation("elu"), Linear(6, **law)], 0.5, skip=Linear(6, **law)),
        Activation("sigmoid"),
    ]
    assert gradsim.torch.translate(Several()) == gradsim.network(parts, 8)


@pytest.mark.parametrize(
    "module, name",
    [
        (nn.ReLU(inplace=True), "relu"),
        (nn.ReLU6(), "relu6"),
        (nn.GELU(), "gelu"),
        (nn.GELU("tanh"), "gelu_tanh"),
        (nn.SiLU(), "silu"),
        (nn.Mish(), "mish"),
        (nn.SELU(), "selu"),
        (nn.ELU(0.5), "elu(0.5)"),
        (nn.Softplus(), "softplus"),
        (nn.Softsign(), "softsign"),
        (nn.Hardswish(), "hard_swish"),
        (nn.Hardtanh(), "hard_tanh"),
        (nn.Hardsigmoid(), "hard_sigmoid"),
        (nn.PReLU(), "leaky_relu(0.25)"),
        (nn.Identity(), None),
    ],
)
def test_activations_are_known_by_their_values(module, name):
    made = gradsim.torch.translate(nn.Sequential(nn.Linear(20, 20), module, nn.Linear(20, 2)))
    assert [part.name for part in made.activations] == ([] if name is None else [name])


INITIALIZERS = {
    "xavier_uniform": nn.init.xavier_uniform_,
    "he_normal": nn.init.kaiming_normal_,
    "orthogonal": nn.init.orthogonal_,
    "normal(0,0.02)": lambda weight: nn.init.trunc_normal_(weight, std=0.02),
    "lecun_normal": lambda weight: nn.init.kaiming_normal_(weight, nonlinearity="linear"),
    "zeros": nn.init.zeros_,
}


@pytest.mark.parametrize("name", INITIALIZERS)
def test_initializers_are_known_by_their_law(name):
    torch.manual_seed(3)
    model = nn.Sequential(nn.Linear(48, 32), nn.ReLU(), nn.Linear(32, 80))
    for module in model[::2]:
        INITIALIZERS[name](module.weight)
    assert gradsim.torch.translate(model).init == name


class Twice(nn.Module):
    def __init__(self):
        super().__init__()
        self.map = nn.Linear(8, 8)

    def forward(self, x):
        return self.map(torch.tanh(self.map(x)))


class Slices(nn.Module):
    def __init__(self):
        super().__init__()
        self.map = nn.Linear(8, 8)

    def forward(self, x):
        return self.map(x[:, :8].detach())


class Branches(nn.Module):
    def __init__(self):
        super().__init__()
        self.map = nn.Linear(8, 8)

    def forward(self, x):
        return self.map(x) if x.sum() > 0 else x


def strange(weight):
    model = nn.Linear(8, 8)
    with torch.no_grad():
        model.weight.fill_(0.3).add_(torch.arange(8) * weight)
    return nn.Sequential(nn.Linear(8, 8), nn.Tanh(), model)


@pytest.mark.parametrize(
    "model, words",
    [
        (3, "translate: 3 is not a torch.nn.Module"),
        (nn.ReLU(), "ReLU calls no torch.nn.Linear"),
        (
            nn.Sequential(nn.Conv2d(1, 2, 3), nn.ReLU(), nn.MaxPool2d(2), nn.Flatten(), nn.Linear(8, 2)),
            r"no part for 0 \(Conv2d\), 2 \(MaxPool2d\); it has Linear, .*observe takes any model",
        ),
        (nn.Sequential(nn.Linear(8, 8), nn.Softmax(-1)), r"no part for 1 \(Softmax\)"),
        (nn.TransformerEncoderLayer(8, 2), "translate: torch.fx cannot trace|no part for .*MultiheadAttention"),
        (Twice(), r"map \(Linear, called 2 times with one matrix\)"),
        (Slices(), r"no part for getitem \(getitem\), detach \(detach\)"),
        (Branches(), "torch.fx cannot trace Branches: "),
        (strange(0.01), r"the weights of 2 \(8 x 8\) follow no law"),
    ],
)
def test_what_has_no_part_is_named(model, words):
    with pytest.raises(RequestError, match=words) as caught:
        gradsim.torch.translate(model)
    assert "\n" not in str(caught.value)
