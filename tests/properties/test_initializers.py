"""Every named initializer has the mean, variance, bounds and kurtosis that it claims, for any fans, gain and seed.

Null law: each statistic of N independent numbers is normal around its claim with the standard error computed from the
law's own moments. |z| < 7 has probability 2.6e-12 of a false alarm a statistic; under 5,000 statistics a run, with a
factor 9 for the skewness of fourth powers at N = 40,000, raise one in 2e7 runs. Sparse and orthogonal matrices have dependent
entries: their structure is certain, and what is left of them independent has a distribution function, or is binomial (1e-9 a
run, with PyTorch's). Seeds are fixed too.
"""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from gradsim.model.initializers import INITIALIZERS, weight_law
from gradsim.model.streams import stream_key
from gradsim.reference import matrix_of

from .null_laws import LEAST, counted, follows

Z = 7.0
SIDE = 200  # 40,000 numbers an example
FANS = st.sampled_from([1, 2, 3, 8, 33, 100])
GAINS = st.floats(0.05, 20)
SEEDS = st.integers(0, 2**63)

# name: (kind, variance at gain 1), as the papers and frameworks state them
CLAIMS = {
    "xavier_normal": ("normal", lambda i, o: 2 / (i + o)),
    "xavier_uniform": ("uniform", lambda i, o: 2 / (i + o)),
    "glorot_normal": ("normal", lambda i, o: 2 / (i + o)),
    "glorot_uniform": ("uniform", lambda i, o: 2 / (i + o)),
    "he_normal": ("normal", lambda i, o: 2 / i),
    "he_uniform": ("uniform", lambda i, o: 2 / i),
    "kaiming_normal": ("normal", lambda i, o: 2 / i),
    "kaiming_uniform": ("uniform", lambda i, o: 2 / i),
    "lecun_normal": ("normal", lambda i, o: 1 / i),
    "lecun_uniform": ("uniform", lambda i, o: 1 / i),
    "xavier_truncated_normal": ("truncated_normal", lambda i, o: 2 / (i + o)),
    "glorot_truncated_normal": ("truncated_normal", lambda i, o: 2 / (i + o)),
    "he_truncated_normal": ("truncated_normal", lambda i, o: 2 / i),
    "kaiming_truncated_normal": ("truncated_normal", lambda i, o: 2 / i),
    "lecun_truncated_normal": ("truncated_normal", lambda i, o: 1 / i),
    "truncated_normal(0,1)": ("truncated_normal", lambda i, o: 0.8796256610342398**2),
    "corrected_truncated_normal(0,1)": ("truncated_normal", lambda i, o: 1.0),
    "he_normal(fan_out)": ("normal", lambda i, o: 2 / o),
    "he_normal(fan_in,0.3)": ("normal", lambda i, o: 2 / (1.09 * i)),
    "he_truncated_normal(fan_out,1)": ("truncated_normal", lambda i, o: 1 / o),
    "kaiming_uniform(fan_in,0.5)": ("uniform", lambda i, o: 2 / (1.25 * i)),
    "kaiming_uniform(fan_in,2.23606797749979)": ("uniform", lambda i, o: 1 / (3 * i)),  # slope sqrt(5): PyTorch's own
    "rademacher": ("rademacher", lambda i, o: 1.0),
    "rademacher(0.3)": ("rademacher", lambda i, o: 0.09),
    "torch_default": ("uniform", lambda i, o: 1 / (3 * i)),
    "keras_default": ("uniform", lambda i, o: 2 / (i + o)),
    "fan_in_uniform": ("uniform", lambda i, o: 1 / (3 * i)),
    "variance_scaling(3,fan_avg,untruncated_normal)": ("normal", lambda i, o: 6 / (i + o)),
    "variance_scaling(0.7,fan_out)": ("truncated_normal", lambda i, o: 0.7 / o),
    "variance_scaling(1.5,fan_in,uniform)": ("uniform", lambda i, o: 1.5 / i),
}
OTHERS = {"normal", "uniform", "constant", "zeros", "ones", "identity", "eye", "orthogonal"}  # tested one by one, as are
OTHERS |= {"sparse", "sparse_columns", "trunc_normal"}
CUT = stats.truncnorm(-2, 2)
# kind: E u^4, E u^6, E u^8 and the largest |u| of the standardised law
MOMENTS = {
    "normal": (3.0, 15.0, 105.0, math.inf),
    "uniform": (9 / 5, 27 / 7, 9.0, math.sqrt(3)),
    "truncated_normal": (*(CUT.moment(k) / CUT.std() ** k for k in (4, 6, 8)), 2 / CUT.std()),
    "rademacher": (1.0, 1.0, 1.0, 1.0),
}


def weights(scheme, fan_in, fan_out, gain, seed):
    """SIDE^2 weights of the law that a layer with these fans gets."""
    law = weight_law(scheme, fan_in, fan_out, gain)
    return matrix_of(law, stream_key(seed, scheme), 1, 0, SIDE, SIDE).ravel()


def check(numbers, kind, mean, variance):
    u = (numbers - mean) / math.sqrt(variance)
    fourth, sixth, eighth, bound = MOMENTS[kind]
    root = math.sqrt(u.size)
    for power, expected, variance in ((1, 0, 1), (2, 1, fourth - 1), (3, 0, sixth), (4, fourth, eighth - fourth**2)):
        assert abs((u**power).mean() - expected) < Z * math.sqrt(max(variance, 0)) / root + 1e-9
    assert abs(u).max() <= bound * (1 + 1e-6)
    if kind == "uniform":
        assert abs(u).max() > bound * (1 - 30 / u.size)  # (1 - 30/N)^N: missed with probability 1e-13


@pytest.mark.parametrize("scheme", CLAIMS)
@given(fan_in=FANS, fan_out=FANS, gain=GAINS, seed=SEEDS)
def test_named(scheme, fan_in, fan_out, gain, seed):
    kind, variance = CLAIMS[scheme]
    variance = gain**2 * variance(fan_in, fan_out)
    check(weights(scheme, fan_in, fan_out, gain, seed), kind, 0.0, variance)
    check_stated(weight_law(scheme, fan_in, fan_out, gain), 0.0, variance, MOMENTS[kind][0] - 3)


def check_stated(law, mean, variance, excess_kurtosis):
    """What a WeightLaw says of itself."""
    stated = (law.mean, law.variance, law.excess_kurtosis)
    assert stated == pytest.approx((mean, variance, excess_kurtosis), rel=1e-9, abs=1e-12, nan_ok=True)


def test_every_name_is_tested():
    names = {name for entry in INITIALIZERS for name in (entry.name, *entry.aliases)}
    assert names == OTHERS | {scheme.split("(")[0] for scheme in CLAIMS}


@given(mean=st.floats(-5, 5), std=st.floats(0.01, 10), gain=GAINS, seed=SEEDS)
def test_normal(mean, std, gain, seed):
    check(weights(f"normal({mean!r},{std!r})", 100, 100, gain, seed), "normal", gain * mean, (gain * std) ** 2)


@given(low=st.floats(-5, 5), length=st.floats(0.01, 10), gain=GAINS, seed=SEEDS)
def test_uniform(low, length, gain, seed):
    numbers = weights(f"uniform({low!r},{low + length!r})", 100, 100, gain, seed)
    check(numbers, "uniform", gain * (low + length / 2), (gain * length) ** 2 / 12)
    slack = 1e-6 * gain * (abs(low) + length)
    assert gain * low - slack <= numbers.min() and numbers.max() <= gain * (low + length) + slack


@given(c=st.floats(-5, 5), gain=GAINS, fan_in=FANS)
def test_constants(c, gain, fan_in):
    for scheme, value in ((f"constant({c!r})", c), ("zeros", 0.0), ("ones", 1.0)):
        assert np.all(weights(scheme, fan_in, 3, gain, 0) == gain * value)
        check_stated(weight_law(scheme, fan_in, 3, gain), gain * value, 0.0, math.nan)


SHAPES = st.sampled_from([(1, 1), (1, 2), (2, 1), (3, 3), (8, 3), (3, 33), (33, 2)])  # fan-in, fan-out


def matrices(scheme, shape, gain, seed, count):
    """The whole matrices of a layer with this fan-in and fan-out."""
    law = weight_law(scheme, *shape, gain)
    return np.stack([matrix_of(law, stream_key(seed, scheme), 1, r, *shape[::-1]) for r in range(count)])


@given(shape=SHAPES, own=GAINS, gain=GAINS)
def test_identity(shape, own, gain):
    for scheme in (f"identity({own!r})", f"eye({own!r})"):
        assert np.allclose(matrices(scheme, shape, gain, 0, 1), gain * own * np.eye(*shape[::-1]), rtol=1e-15, atol=0)
    check_stated(weight_law(scheme, *shape, gain), 0.0, 0.0, math.nan)


@given(shape=SHAPES, own=GAINS, gain=GAINS, seed=SEEDS)
def test_orthogonal(shape, own, gain, seed):
    """The shorter side is orthonormal, so the mean square is certain; an entry is a coordinate of a point on the sphere.

    In n dimensions its square is Beta(1/2, (n - 1)/2), whose kurtosis is the one that is claimed, and its sign is a fair coin.
    """
    found, size, n = matrices(f"orthogonal({own!r})", shape, gain, seed, 300), own * gain, max(shape)
    short = found if shape[0] <= shape[1] else found.transpose(0, 2, 1)
    assert np.allclose(short.transpose(0, 2, 1) @ short, size**2 * np.eye(min(shape)), rtol=0, atol=1e-12 * size**2)
    entries, law = found[:, -1, -1] / size, stats.beta(0.5, (n - 1) / 2)
    assert counted((entries > 0).sum(), entries.size, 0.5)
    assert n == 1 or follows(entries**2, law.cdf)
    second, fourth = (law.moment(1), law.moment(2)) if n > 1 else (1.0, 1.0)
    check_stated(weight_law(f"orthogonal({own!r})", *shape, gain), 0.0, size**2 * second, fourth / second**2 - 3)


@given(fans=st.sampled_from([(1, 1), (8, 3), (8, 8), (33, 4)]), std=GAINS, gain=GAINS, seed=SEEDS)
def test_sparse(fans, std, gain, seed):
    """k of fan_in weights a unit, each set of places as likely as any other, normal: E w^2 = s^2 k/n and E w^4 = 3 s^4 k/n."""
    (fan_in, k), units = fans, 200
    law = weight_law(f"sparse({k},{std!r})", fan_in, units, gain)
    found = matrix_of(law, stream_key(seed, "sparse"), 1, 0, units, fan_in)
    assert np.all((found != 0).sum(axis=1) == k)
    assert counted((found != 0).sum(axis=0), units, k / fan_in)
    assert follows(found[found != 0] / (std * gain), stats.norm.cdf)
    second, fourth = (power * k / fan_in for power in ((std * gain) ** 2, 3 * (std * gain) ** 4))
    check_stated(law, 0.0, second, fourth / second**2 - 3)


@given(fans=st.sampled_from([(0.0, 1), (0.3, 8), (0.875, 8), (0.1, 33)]), std=GAINS, gain=GAINS, seed=SEEDS)
def test_sparse_columns(fans, std, gain, seed):
    """A share of zeros, rounded up, in each column; each set of places is as likely as any other, and so on as above."""
    (sparsity, fan_out), inputs = fans, 200
    law, k = weight_law(f"sparse_columns({sparsity},{std!r})", inputs, fan_out, gain), fan_out - math.ceil(sparsity * fan_out)
    found = matrix_of(law, stream_key(seed, "sparse"), 1, 0, fan_out, inputs)
    assert np.all((found != 0).sum(axis=0) == k)
    assert counted((found != 0).sum(axis=1), inputs, k / fan_out)
    assert follows(found[found != 0] / (std * gain), stats.norm.cdf)
    second, fourth = (power * k / fan_out for power in ((std * gain) ** 2, 3 * (std * gain) ** 4))
    check_stated(law, 0.0, second, fourth / second**2 - 3)


@given(mean=st.floats(-5, 5), std=st.floats(0.01, 10), low=st.floats(-3, 2), length=st.floats(0.5, 8), gain=GAINS, seed=SEEDS)
@settings(max_examples=20)
def test_trunc_normal(mean, std, low, length, gain, seed):
    a, b = mean + low * std, mean + (low + length) * std
    scheme = f"trunc_normal({mean!r},{std!r},{a!r},{b!r})"
    numbers, cut = weights(scheme, 100, 100, gain, seed), stats.truncnorm((a - mean) / std, (b - mean) / std)
    assert gain * a <= numbers.min() + 1e-9 and numbers.max() - 1e-9 <= gain * b
    assert follows((numbers / gain - mean) / std, cut.cdf)
    claims = gain * (mean + std * cut.mean()), (gain * std) ** 2 * cut.var(), cut.stats("k")
    law = weight_law(scheme, 100, 100, gain)
    assert (law.mean, law.variance, law.excess_kurtosis) == pytest.approx(claims, rel=1e-7, abs=1e-7)


# PyTorch's function, and from a gain g, a slope a and a fan: its arguments, the same thing here and its gain
TORCH = [
    ("xavier_normal_", lambda g, a, fan: ({"gain": g}, "xavier_normal", g)),
    ("xavier_uniform_", lambda g, a, fan: ({"gain": g}, "glorot_uniform", g)),
    ("kaiming_normal_", lambda g, a, fan: ({"a": a, "mode": fan}, f"kaiming_normal({fan},{a!r})", 1.0)),
    ("kaiming_uniform_", lambda g, a, fan: ({"a": a, "mode": fan}, f"he_uniform({fan},{a!r})", 1.0)),
    ("kaiming_normal_", lambda g, a, fan: ({"mode": fan, "nonlinearity": "relu"}, f"he_normal({fan})", 1.0)),
    ("kaiming_uniform_", lambda g, a, fan: ({"a": math.sqrt(5)}, "torch_default", 1.0)),
    ("normal_", lambda g, a, fan: ({"mean": a, "std": g}, f"normal({a!r},{g!r})", 1.0)),
    ("uniform_", lambda g, a, fan: ({"a": -g, "b": a}, f"uniform({-g!r},{a!r})", 1.0)),
    ("trunc_normal_", lambda g, a, fan: ({"std": g, "a": -2 * g, "b": 2 * g}, f"truncated_normal(0,{g!r})", 1.0)),
    (
        "trunc_normal_",
        lambda g, a, fan: (
            {"mean": a, "std": g, "a": a - g, "b": a + 3 * g},
            f"trunc_normal({a!r},{g!r},{a - g!r},{a + 3 * g!r})",
            1.0,
        ),
    ),
    ("sparse_", lambda g, a, fan: ({"sparsity": 0.3, "std": g}, f"sparse_columns(0.3,{g!r})", 1.0)),
    ("orthogonal_", lambda g, a, fan: ({"gain": g}, "orthogonal", g)),
]


@pytest.mark.parametrize("name, same", TORCH, ids=[name for name, _ in TORCH])
@given(
    shape=st.sampled_from([(2, 9), (9, 2), (6, 6)]),
    g=GAINS,
    a=st.floats(0, 2),
    fan=st.sampled_from(["fan_in", "fan_out"]),
    seed=SEEDS,
)
@settings(max_examples=10)
def test_pytorch_draws_the_same_law(name, same, shape, g, a, fan, seed):
    """One entry of each of 200 orthogonal matrices, and all of one that is ten times as large of the others."""
    torch = pytest.importorskip("torch", reason="PyTorch is not installed: its initializers are not compared")
    torch.manual_seed(seed % 2**63)
    arguments, scheme, gain = same(g, a, fan)
    count, shape = (200, shape) if scheme == "orthogonal" else (1, (10 * shape[0], 10 * shape[1]))
    draw, part = getattr(torch.nn.init, name), (slice(None), -1, 0) if count > 1 else ...
    theirs = np.stack([draw(torch.empty(shape[::-1], dtype=torch.float64), **arguments).numpy() for _ in range(count)])
    ours = matrices(scheme, shape, gain, seed, count)
    assert stats.ks_2samp(theirs[part].ravel(), ours[part].ravel()).pvalue >= LEAST
