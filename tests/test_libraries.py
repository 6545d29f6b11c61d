"""Arguments by name, and names of other libraries: each is the scheme that it means there."""

import re

import pytest

import gradsim
from gradsim.cli import main
from gradsim.errors import RequestError
from gradsim.model import libraries
from gradsim.model.activations import canonical_activation
from gradsim.model.initializers import canonical_bias, canonical_init, weight_law

INITIALIZERS = {
    # by name
    "normal(std=0.02)": "normal(0,0.02)",
    "normal(mean=0, std=0.02)": "normal(0,0.02)",
    "normal(std=.5, mean=-1)": "normal(-1,0.5)",
    "Normal_(1, std = 2)": "normal(1,2)",
    "truncated_normal(stddev=0.02)": "truncated_normal(0,0.02)",
    "uniform(min=-1,max=2)": "uniform(-1,2)",
    "uniform_(a=-1,b=2)": "uniform(-1,2)",
    "constant(value=0.1)": "constant(0.1)",
    "constant_(val=0.1)": "constant(0.1)",
    "he_normal(mode=fan_out)": "he_normal(fan_out)",
    "he_normal(fan='fan_out')": "he_normal(fan_out)",
    "he_uniform(slope=0.3)": "he_uniform(fan_in,0.3)",
    "kaiming_uniform(a=2.5)": "he_uniform(fan_in,2.5)",
    "orthogonal(gain=1.4)": "orthogonal(1.4)",
    "sparse(k=3)": "sparse(3)",
    "sparse(std=0.5,k=3)": "sparse(3,0.5)",
    "rademacher(c=1)": "rademacher",
    # variance scaling
    "variance_scaling": "lecun_truncated_normal",
    "variance_scaling(2)": "he_truncated_normal",
    "variance_scaling(2,fan_out,untruncated_normal)": "he_normal(fan_out)",
    "variance_scaling(1,fan_avg,uniform)": "xavier_uniform",
    "variance_scaling(distribution=untruncated_normal)": "lecun_normal",
    "variance_scaling(mode=fan_out)": "variance_scaling(1,fan_out)",
    "variance_scaling(2,fan_avg)": "variance_scaling(2,fan_avg)",
    "VarianceScaling(scale=1.5, mode='fan_avg', distribution='uniform')": "variance_scaling(1.5,fan_avg,uniform)",
    # Keras and JAX
    "HeNormal": "he_truncated_normal",
    "HeNormal()": "he_truncated_normal",
    "keras.he_normal": "he_truncated_normal",
    "keras.initializers.HeNormal": "he_truncated_normal",
    "tf.keras.initializers.GlorotNormal()": "xavier_truncated_normal",
    "LecunNormal": "lecun_truncated_normal",
    "jax.nn.initializers.kaiming_normal": "he_truncated_normal",
    "GlorotUniform": "xavier_uniform",
    "HeUniform": "he_uniform",
    "keras.Orthogonal(gain=2)": "orthogonal(2)",
    "RandomNormal": "normal(0,0.05)",
    "RandomNormal(stddev=0.1)": "normal(0,0.1)",
    "keras.RandomUniform(minval=-1,maxval=1)": "uniform(-1,1)",
    "TruncatedNormal": "truncated_normal(0,0.05)",
    "jax.normal": "normal(0,0.01)",
    "jax.uniform(0.5)": "uniform(0,0.5)",
    # ours stay
    "he_normal": "he_normal",
    "glorot_normal": "xavier_normal",
    # PyTorch
    "torch.nn.init.kaiming_normal_(mode=fan_out, nonlinearity=relu)": "he_normal(fan_out)",
    "kaiming_normal_(a=0.2, nonlinearity='leaky_relu')": "he_normal(fan_in,0.2)",
    "kaiming_normal_(a=0.2, nonlinearity=relu)": "he_normal",
    "kaiming_uniform_(nonlinearity=linear)": "lecun_uniform",
    "nn.init.kaiming_normal_(0.5,fan_out)": "he_normal(fan_out,0.5)",
    "xavier_uniform_(gain=1)": "xavier_uniform",
    "torch.xavier_normal_(2)": "variance_scaling(4,fan_avg,untruncated_normal)",
    "torch.normal_": "normal(0,1)",
    "trunc_normal_": "truncated_normal(0,1)",
    "trunc_normal_(std=0.02)": "normal(0,0.02)",
    "trunc_normal_(mean=1, std=0.5, a=0, b=2)": "truncated_normal(1,0.5)",
    "torch.nn.init.trunc_normal_(0., 0.02, -0.04, 0.04)": "truncated_normal(0,0.02)",
    "trunc_normal_(std=0.5)": "trunc_normal(0,0.5,-2,2)",
    "nn.init.trunc_normal_(b=3)": "trunc_normal(0,1,-2,3)",
    "torch.sparse_(0.1)": "sparse_columns(0.1,0.01)",
    "nn.init.sparse_(sparsity=0.25, std=1)": "sparse_columns(0.25)",
}
ACTIVATIONS = {
    "leaky_relu(negative_slope=0.2)": "leaky_relu(0.2)",
    "LeakyReLU(0.2)": "leaky_relu(0.2)",
    "LeakyReLU(alpha=0.2)": "leaky_relu(0.2)",
    "torch.nn.LeakyReLU()": "leaky_relu",
    "nn.LeakyReLU": "leaky_relu",
    "keras.layers.LeakyReLU": "leaky_relu(0.3)",
    "keras.activations.leaky_relu": "leaky_relu(0.2)",
    "elu(alpha=0.5)": "elu(0.5)",
    "ELU": "elu",
    "GELU": "gelu",
    "nn.GELU(approximate='tanh')": "gelu_tanh",
    "gelu(approximate=True)": "gelu_tanh",
    "jax.nn.gelu": "gelu_tanh",
    "SiLU": "silu",
    "nn.SiLU()": "silu",
    "torch.nn.functional.hardtanh": "hard_tanh",
    "keras.activations.hard_silu": "hard_swish",
    "nn.Identity": "linear",
}
REFUSED = [
    (canonical_init, "normal(mean=0)", "should be written normal(mean, std)"),
    (canonical_init, "normal(0)", "should be written normal(mean, std)"),
    (canonical_init, "normal(sdt=1)", "there is no argument 'sdt'"),
    (canonical_init, "normal(std=1, 0)", "arguments by name come last"),
    (canonical_init, "normal(0, mean=1)", "mean is given twice"),
    (canonical_init, "normal(std=one)", "not a number"),
    (canonical_init, "he_normal(mode=fan_avg)", "'fan_avg' is no fan: fan_in or fan_out"),
    (
        canonical_init,
        "variance_scaling(1,fan_in,normal)",
        "'normal' is no law: truncated_normal or untruncated_normal or uniform",
    ),
    (canonical_init, "variance_scaling(0)", "needs scale > 0"),
    (canonical_init, "orthogonal(gain=nan)", "not finite"),
    (canonical_init, "keras.he_nromal", "unknown name 'he_nromal'; did you mean he_normal?"),
    (canonical_init, "numpy.normal(0,1)", "unknown name"),
    (
        canonical_init,
        "trunc_normal_(std=0.02,a=1)",
        "nothing of a normal is left between cuts at 50 and 100 standard deviations",
    ),
    (canonical_init, "trunc_normal_(std=0)", "needs std > 0 and a < b"),
    (canonical_init, "trunc_normal_(0,1,2,1)", "needs std > 0 and a < b"),
    (canonical_init, "kaiming_normal_(nonlinearity=gelu)", "'gelu' is no nonlinearity: leaky_relu or relu or linear"),
    (canonical_init, "torch.sparse_", "should be written torch.sparse(sparsity, std=0.01)"),
    (canonical_init, "torch.dirac_", "it is made for convolutions"),
    (canonical_activation, "LeakyReLU", "PyTorch has 0.01 (torch.LeakyReLU) and Keras 0.3"),
    (canonical_activation, "relu(slope=1)", "should be written relu; there is no argument 'slope'"),
    (canonical_activation, "nn.PReLU", "there is no prelu: at initialization it is leaky_relu(0.25)"),
    (canonical_activation, "gelu(approximate=rough)", "'rough' is no approximate"),
    (canonical_bias, "normal(mean=0,std=1)", "there is no argument 'mean'"),
    (canonical_bias, "uniform(min=1)", "should be written uniform(min,max)"),
]


@pytest.mark.parametrize("text", INITIALIZERS)
def test_an_initializer_has_one_text(text):
    assert canonical_init(text) == INITIALIZERS[text] == canonical_init(INITIALIZERS[text])
    assert weight_law(text, 10, 30) == weight_law(INITIALIZERS[text], 10, 30)


@pytest.mark.parametrize("text", ACTIVATIONS)
def test_an_activation_has_one_text(text):
    assert canonical_activation(text) == ACTIVATIONS[text] == canonical_activation(ACTIVATIONS[text])


def test_biases_by_name():
    assert canonical_bias("normal(std=1)") == canonical_bias("normal(stddev=1)") == canonical_bias("normal(1)")
    assert canonical_bias("uniform(a=0,max=2)") == canonical_bias("uniform(0,2)")
    assert canonical_bias("constant(value=1)") == canonical_bias("constant(1)")


@pytest.mark.parametrize("canonical, text, words", REFUSED, ids=[text for _, text, _ in REFUSED])
def test_what_is_refused_is_one_line(canonical, text, words):
    with pytest.raises(RequestError, match=re.escape(words)) as error:
        canonical(text)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize("scale", [0.3, 1.0, 1.5, 2.0])
@pytest.mark.parametrize("law, kind", libraries.LAWS.items())
@pytest.mark.parametrize("mode, fan", [("fan_in", 10), ("fan_out", 30), ("fan_avg", 20)])
def test_variance_scaling_has_its_variance(scale, law, kind, mode, fan):
    found = weight_law(f"variance_scaling({scale},{mode},{law})", 10, 30)
    assert found.kind == kind and found.variance == pytest.approx(scale / fan, rel=1e-14)


def test_cuts_that_are_far_out_leave_the_variance_of_the_normal():
    from scipy import stats

    assert stats.truncnorm(-libraries.FAR, libraries.FAR).var() == pytest.approx(1.0, abs=2**-52)


def test_every_name_can_be_read_and_is_listed(capsys):
    for table, canonical in ((libraries.INITIALIZERS, canonical_init), (libraries.ACTIVATIONS, canonical_activation)):
        for name, spelling in table.items():
            for text in (name, *spelling.others):
                if None in spelling.defaults.values():
                    with pytest.raises(RequestError):
                        canonical(text)
                else:
                    assert canonical(text) == canonical(name) != text
    with pytest.raises(SystemExit):
        main(["list", "initializers"])
    assert all(name in printed for printed in [capsys.readouterr().out] for name in ("HeNormal", "torch.trunc_normal(mean=0"))


def test_networks_of_two_spellings_are_one():
    one = gradsim.mlp(
        width=3, depth=2, init="keras.he_normal", activation="nn.LeakyReLU", bias="normal(std=1)", last_init="HeUniform"
    )
    two = gradsim.mlp(
        width=3, depth=2, init="he_truncated_normal", activation="leaky_relu", bias="normal(1)", last_init="he_uniform"
    )
    assert one == two and one.to_json() == two.to_json()
    parts = [gradsim.Linear(3, "trunc_normal_(std=0.02)"), gradsim.Activation("SiLU")]
    assert gradsim.network(parts, 3) == gradsim.network([gradsim.Linear(3, "normal(0,0.02)"), gradsim.Activation("silu")], 3)
    plan = gradsim.sweep.read_plan({"width": 3, "depth": 2, "init": ["HeNormal", "he_truncated_normal", "normal(std=1)"]})
    assert len(plan) == 2 and list(plan.coordinates["init"]) == ["he_truncated_normal", "normal(0,1)"]
