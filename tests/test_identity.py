"""One network has one identity, one text and one set of bits, however it was spelled; two networks never share them."""

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import gradsim
from gradsim.model.activations import ACTIVATIONS, canonical_activation
from gradsim.model.activations.digest import digest
from gradsim.model.initializers import BIASES, INITIALIZERS, canonical_bias, canonical_init
from gradsim.model.schemes import shortest
from gradsim.results.cells import describe

GOLDEN = Path(__file__).parent / "store/golden/schema_1.h5"
BLANKS = st.sampled_from(["", " ", "  ", "\t"])


@st.composite
def number_texts(draw, number):
    """One of the many texts of a float."""
    texts = [
        repr(number),
        shortest(number),
        f"{number:.17g}",
        f"{number:.17e}",
        f"+{number!r}" if number >= 0 else repr(number),
    ]
    if 0 < number < 1:
        texts.append(f"{number:.20f}".lstrip("0") if float(f"{number:.20f}") == number else repr(number))
    if number == 0:
        texts += ["-0", "-0.0", "0.", ".0", "0e5"]
    return draw(st.sampled_from(texts))


@st.composite
def spellings(draw, names, arguments, defaults):
    """A text of a scheme: an alias, any case, blanks, PyTorch's underscore, defaults written or not, any form of number."""
    name = "".join(draw(st.sampled_from([c.lower(), c.upper()])) for c in draw(st.sampled_from(names)))
    name += draw(st.sampled_from(["", "_"]))
    arguments = list(arguments)
    for default in reversed(defaults):
        if not arguments or arguments[-1] != default or not draw(st.booleans()):
            break
        arguments.pop()
    parts = [a if isinstance(a, str) else draw(number_texts(a)) for a in arguments]
    parts = [draw(BLANKS) + part + draw(BLANKS) for part in parts]
    inside = f"{draw(BLANKS)}({','.join(parts)})" if parts or draw(st.booleans()) else ""
    return draw(BLANKS) + name + inside + draw(BLANKS)


NUMBERS = st.one_of(
    st.sampled_from([0.0, 0.25, 1.0, 2.0, 1e-6, 1e30, 0.1, 1 / 3, 1e16, 123456.0]), st.floats(1e-30, 1e30, allow_nan=False)
)


@st.composite
def schemes(draw, entry, values):
    """Two spellings of one initializer."""
    words = {"fan": "fan_out", "mode": "fan_avg", "law": "uniform"}
    arguments = tuple(words.get(a) or draw(values.filter(bool) if a == "scale" else values) for a in entry.arguments)
    if entry.name == "trunc_normal":  # cuts on both sides of the mean
        arguments = draw(st.tuples(st.floats(-5, 5), st.floats(0.1, 5), st.floats(-20, -5.1), st.floats(5.1, 20)))
    required = len(entry.arguments) - len(entry.defaults)
    left_out = draw(st.integers(0, len(entry.defaults)))
    kept = len(arguments) - left_out
    arguments = (*arguments[:kept], *entry.defaults[kept - required :])
    names = (entry.name, *entry.aliases)
    return draw(spellings(names, arguments, entry.defaults)), draw(spellings(names, arguments, entry.defaults))


@pytest.mark.parametrize("entry", INITIALIZERS, ids=lambda entry: entry.name)
def test_spellings_of_an_initializer_are_one_text(entry):
    @given(schemes(entry, NUMBERS))
    def check(pair):
        one, two = map(canonical_init, pair)
        assert one == two == canonical_init(one)
        assert one == one.strip().lower() and " " not in one

    check()


@pytest.mark.parametrize("entry", ACTIVATIONS, ids=lambda entry: entry.name)
def test_spellings_of_an_activation_are_one_text(entry):
    @given(st.data())
    def check(data):
        default = () if entry.parameter is None else (entry.parameter,)
        arguments = () if entry.parameter is None else (data.draw(st.one_of(st.just(entry.parameter), NUMBERS)),)
        names = (entry.name, *entry.aliases)
        one, two = (canonical_activation(data.draw(spellings(names, arguments, default))) for _ in range(2))
        assert one == two == canonical_activation(one)
        assert one.split("(")[0] == entry.name and ("(" in one) == (arguments != default)

    check()


@pytest.mark.parametrize("name", BIASES)
def test_spellings_of_a_bias_are_one_text(name):
    @given(st.data())
    def check(data):
        arguments = sorted(data.draw(NUMBERS) for _ in range(BIASES[name]))
        one, two = (canonical_bias(data.draw(spellings((name,), arguments, ()))) for _ in range(2))
        assert one == two == canonical_bias(one)

    check()


@given(NUMBERS)
def test_the_shortest_text_is_the_same_float(number):
    assert float(shortest(number)) == number and len(shortest(number)) <= len(repr(number))


def test_one_network_has_one_set_of_bits_whatever_its_spelling():
    """He and leaky ReLU with blanks, aliases, defaults and forms of numbers: one JSON, one text in the file, equal bits."""
    plain = gradsim.mlp(width=4, depth=3, activation="leaky_relu(0.25)", init="he_normal", bias_std=1)
    reference = gradsim.simulate(plain, 20, seed=7)

    @given(
        spellings(("leaky_relu", "lrelu"), (0.25,), (0.01,)),
        spellings(("he_normal", "kaiming_normal"), ("fan_in", 0.0), ("fan_in", 0.0)),
        spellings(("normal",), (1.0,), ()),
    )
    def check(activation, init, bias):
        network = gradsim.mlp(width=4, depth=3, activation=activation, init=init, bias=bias)
        assert network == plain and network.to_json() == plain.to_json()
        found = gradsim.simulate(network, 20, seed=7)
        assert describe(found) == describe(reference)
        for name, values in reference.variables.items():
            assert found[name].tobytes() == values.tobytes()

    check()


@pytest.mark.parametrize(
    "options, text",
    [
        ({}, '"activation":"relu","bias":"zeros","bias_std":0.0,"format":1,"init":"he_normal"'),
        ({"bias_std": 1.0}, '"bias":"normal(1.0)","bias_std":1.0'),
        ({"bias_std": 1e-5}, '"bias":"normal(1e-05)"'),
        ({"init": "normal(0,0.25)"}, '"init":"normal(0,0.25)"'),
        ({"init": "normal(0,1e-6)"}, '"init":"normal(0,1e-6)"'),
        ({"activation": "leaky_relu(0.2)"}, '"activation":"leaky_relu(0.2)"'),
        ({"init": "torch_default"}, '"bias":"fan_in_uniform"'),
        ({"init": "sparse(3)"}, '"init":"sparse(3)"'),
        ({"init": "he_normal(fan_out)"}, '"init":"he_normal(fan_out)"'),
    ],
)
def test_the_json_of_what_was_canonical_before_is_as_it_was(options, text):
    """Its bytes are the default random stream: a change here changes everybody's numbers."""
    found = gradsim.mlp(width=4, depth=2, **options).to_json()
    assert text in found and "digest" not in found


def test_the_whole_text_of_a_network():
    """Every byte of it, as the first version wrote it."""
    network = gradsim.mlp(width=[4, 5], input_width=3, outputs=2, activation="tanh", init="lecun_normal", bias_std=0.5)
    assert network.to_json() == (
        '{"activation":"tanh","bias":"normal(0.5)","bias_std":0.5,"format":1,"init":"lecun_normal","input_width":3,'
        '"outputs":2,"weight_gain":1.0,"widths":[4,5]}'
    )


def test_old_files_keep_their_meaning_and_show_one_name():
    stored = gradsim.open(GOLDEN)
    curves = stored[0]
    assert (curves.network.activation, curves.network.init) == ("ReLU", "kaiming_normal")
    assert '"activation":"ReLU"' in curves.network.to_json()
    again = gradsim.simulate(curves.network, 30, seed=1)
    np.testing.assert_allclose(again["gradient_log_mean"], curves["gradient_log_mean"], rtol=1e-4)  # to the CPU's rounding
    shown = [describe(c) for c in stored]
    assert [s["activation"] for s in shown] == ["relu", "tanh", "leaky_relu(0.2)", "linear", "relu"]
    assert [s["init"] for s in shown] == ["he_normal", "normal(0,0.25)", "orthogonal", "normal(0,1000)", "zeros"]
    assert shown[1]["bias"] == "normal(1.0)"


def _steep(factor):
    return lambda h: factor * h, lambda h: factor


def test_two_functions_of_one_name_are_two_networks():
    """Equal identity gave gradient logs of -4.8 and +4.7 for one network."""
    networks, found = [], []
    for factor in (0.3, 3.0):
        gradsim.activation("two_faced", *_steep(factor))
        networks.append(gradsim.mlp(width=4, depth=4, activation="two_faced"))
        found.append(gradsim.simulate(networks[-1], 10))
    assert networks[0] != networks[1] and networks[0].to_json() != networks[1].to_json()
    assert found[0].network.activation == found[1].network.activation == "two_faced"
    with pytest.raises(gradsim.RequestError, match="was another function when this network was made"):
        gradsim.simulate(networks[0], 10)
    with pytest.raises(gradsim.RequestError, match="was another function"):
        gradsim.theory.mean_field(networks[0])
    gradsim.activation("two_faced", *_steep(0.3))
    again = gradsim.simulate(networks[0], 10)
    assert again["gradient_log_mean"].tobytes() == found[0]["gradient_log_mean"].tobytes()


TABLE = np.array([1.0, 2.0])


def _helper(h):
    return h * TABLE[1]


def _with_helper(h):
    return _helper(h) + 1.0


def _closed_over(value):
    def f(h):
        return h if h < value else h + value

    return f


def _described(*functions, kinks=(), values=((0.0, 1.0),)):
    return digest(functions, kinks, [np.array(v) for v in values])


def test_the_digest_sees_all_that_decides_the_values_and_nothing_else(monkeypatch):
    f, g = _closed_over(1.0), _closed_over(50.0)  # alike on the grid below 20, were it not for the constant
    assert _described(f) == _described(_closed_over(1.0)) != _described(g)
    assert _described(f, g) != _described(g, f)
    assert _described(f, kinks=(1.0,)) != _described(f)
    assert _described(f, values=[[1.0, 2.0]]) != _described(f, values=[[1.0, 2.001]])
    assert _described(f, values=[[1.0, 1e-17]]) == _described(f, values=[[1.0 + 1e-12, -3e-17]])  # another libm
    before = _described(_with_helper)
    monkeypatch.setitem(globals(), "TABLE", np.array([1.0, 2.5]))
    assert _described(_with_helper) != before


SCRIPT = """
import math
import gradsim
LIMITS = {"low", "high", "middle"}
class Settings:
    steep = 2.0
def f(h):
    s = 2.0
    return math.tanh(s * h) if len({"a", "b", "c"}) == 3 else 0.0
def df(h):
    return 2.0 / math.cosh(2.0 * h) ** 2
def even(n): return n == 0 or odd(n - 1)
def odd(n): return n != 0 and even(n - 1)
from gradsim.model.activations.digest import digest
import numpy as np
def g(h): return (h, LIMITS, Settings, even(2), object)
print(digest((f, df, g, np.sin, math.cos), (1.0,), [np.array([0.5])]))
"""


def test_the_digest_is_the_same_in_every_process():
    runs = [
        subprocess.run(
            [sys.executable, "-c", SCRIPT],
            capture_output=True,
            text=True,
            env={"PYTHONPATH": str(Path(gradsim.__file__).parents[1]), "PYTHONHASHSEED": seed, "PATH": ""},
        )
        for seed in ("1", "2")
    ]
    assert runs[0].stdout == runs[1].stdout and len(runs[0].stdout.strip()) == 32, runs[0].stderr


def test_a_file_holds_the_digest_and_an_old_one_has_none(tmp_path):
    gradsim.activation("kept", *_steep(0.5))
    curves = gradsim.simulate(gradsim.mlp(width=4, depth=2, activation="kept"), 5)
    curves.save(tmp_path / "a.h5")
    again = gradsim.open(tmp_path / "a.h5")[0].network
    assert again == curves.network and len(json.loads(again.to_json())["activation_digest"]) == 32
    assert gradsim.open(GOLDEN.with_name("schema_1_custom.h5"))[0].network.activation_digest is None


@pytest.mark.parametrize(
    "option, text, words",
    [
        ("activation", "swiglu", "a product of two projections"),
        ("activation", "GLU", "a product of two projections"),
        ("activation", "maxout", "several numbers"),
        ("activation", "softmax", "several numbers"),
        ("activation", "prelu", r"leaky_relu\(0.25\)"),
        ("activation", "celu", "celu with alpha 1 is elu"),
        ("activation", "sign", "derivative is zero almost everywhere"),
        ("activation", "rleu", "did you mean relu"),
        ("activation", "RELUU", "did you mean relu"),
        ("init", "variance_scaling(1.0,fan_avg,normal)", "'normal' is no law: truncated_normal or untruncated_normal"),
        ("init", "he_normal(fan_avg)", "'fan_avg' is no fan: fan_in or fan_out"),
        ("init", "kaiming_uniform(b=2.236)", r"should be written he_uniform\(\[fan\], \[slope\]\)"),
        ("init", "truncated_normal(0,0.02,-2,2)", r"PyTorch's trunc_normal\(mean, std, a, b\) cuts at a and b"),
        ("init", "trunc_normal_(0,0.02,1,2)", "nothing of a normal is left between cuts at 50 and 100 standard deviations"),
        ("init", ["he_normal"], "is not a text"),
        ("activation", None, "None is not a text"),
        ("bias", "normal", r"should be written normal\(std\)"),
        ("bias", 3, "3 is not a text"),
    ],
)
def test_names_that_mean_something_else_are_explained(option, text, words):
    with pytest.raises(gradsim.RequestError, match=words) as error:
        gradsim.mlp(width=4, depth=2, **{option: text})
    assert "\n" not in str(error.value)
