"""From Python: simulate, what Curves hold, verdicts and pictures."""

import tracemalloc

import numba
import numpy as np
import pytest

import gradsim
from gradsim.curves import CurveSet
from gradsim.show.picture import figure


@pytest.fixture(scope="module")
def curves():
    return gradsim.simulate(gradsim.mlp(width=6, depth=5, activation="tanh"), 300, inputs=2, keep_samples=True)


def test_samples_agree_with_the_statistics(curves):
    logs = curves["gradient_log"][:, 1:]
    assert np.isnan(curves["gradient_log"][:, 0]).all()
    np.testing.assert_allclose(curves["gradient_log_mean"][1:], logs.mean(axis=0), rtol=1e-12)
    np.testing.assert_allclose(curves["gradient_log_variance"][1:], logs.var(axis=0, ddof=1), rtol=1e-10)
    np.testing.assert_allclose(curves.quantile("gradient", 0.5)[1:], np.median(logs, axis=0), rtol=1e-12)
    assert curves["loss_log"].shape == (300,) and curves["gradient_zero_count"][1:].tolist() == [0] * 5


def test_counts_are_those_of_the_samples():
    """Zeros and what is not finite are two things; of one input there are no pairs."""
    network = gradsim.mlp(width=3, depth=12, weight_gain=3e4)
    found = gradsim.simulate(network, 200, keep_samples=True, arithmetic="float32")
    seen = set()
    for name in ("activation", "gradient", "loss"):
        logs = found[f"{name}_log"]
        zero, broken = (logs == -np.inf).sum(axis=0), (np.isnan(logs) | (logs == np.inf)).sum(axis=0)
        inside = found[f"{name}_zero_count"] >= 0
        np.testing.assert_array_equal(found[f"{name}_zero_count"][inside], zero[inside])
        np.testing.assert_array_equal(found[f"{name}_nonfinite_count"][inside], broken[inside])
        seen |= {f"{name} zero"} if zero.any() else set()
        seen |= {f"{name} broken"} if broken.any() else set()
    assert {"activation zero", "activation broken", "gradient zero", "gradient broken"} <= seen
    assert not [name for name in found.variables if "correlation" in name]


def test_threads_do_not_change_a_bit(curves):
    before = numba.get_num_threads()
    one = gradsim.simulate(curves.network, 300, inputs=2, keep_samples=True, threads=1)
    assert numba.get_num_threads() == before
    assert all(one[name].tobytes() == curves[name].tobytes() for name in curves.variables)


def test_histograms_take_over_where_samples_do_not_fit(curves, monkeypatch):
    monkeypatch.setattr("gradsim.statistics.quantiles.SAMPLE_BYTES", 1000)
    rough = gradsim.simulate(curves.network, 300, inputs=2)
    assert rough.quantile_method == "histogram" and curves.quantile_method == "exact"
    found, ordered = rough["gradient_log_quantile"][1:], np.sort(curves["gradient_log"][:, 1:], axis=0)
    position, width = curves.quantiles * 299, 1 / 64  # of a bin: 4,096 of them for a range below 64
    assert np.all(found >= ordered[np.floor(position).astype(int)].T - width)
    assert np.all(found <= ordered[np.ceil(position).astype(int)].T + width)
    assert np.any(found != curves["gradient_log_quantile"][1:])


def test_memory_does_not_grow_with_the_number_of_replicas(monkeypatch):
    monkeypatch.setattr("gradsim.statistics.quantiles.SAMPLE_BYTES", 2**20)
    monkeypatch.setattr("gradsim.statistics.quantiles.HISTOGRAM_BYTES", 2**20)
    monkeypatch.setattr("gradsim.statistics.quantiles.WAITING_BYTES", 2**20)
    network, peaks = gradsim.mlp(width=2, depth=100), []
    for replicas in (1500, 6000):
        tracemalloc.start()
        gradsim.simulate(network, replicas, threads=1)  # how far ahead several run is up to chance
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
    assert peaks[1] < 1.05 * peaks[0]


VERDICTS = [
    ({"activation": "relu", "init": "zeros"}, "zero"),
    ({"activation": "tanh", "init": "zeros"}, "zero"),
    ({"activation": "tanh", "init": "constant(0.1)"}, "symmetric"),
    ({"activation": "tanh", "init": "normal(0,1)"}, "exploding"),
    ({"activation": "sigmoid", "init": "xavier_normal"}, "vanishing"),
    ({"activation": "relu", "init": "he_normal"}, "stable"),
]


@pytest.mark.parametrize("options, word", VERDICTS)
def test_verdicts(options, word):
    verdict = gradsim.simulate(gradsim.mlp(width=64, depth=20, **options), 50).verdict
    assert verdict.word == word
    assert {
        "zero": "exactly zero",
        "symmetric": "never differ",
        "exploding": "grow by",
        "vanishing": "shrink by",
        "stable": "keep their scale",
    }[word] in verdict.sentence
    if word == "vanishing":
        assert verdict.decades < -1 and verdict.exits["float16"]["backward"].way == "underflow"
        assert verdict.exits["float32"] == {"forward": None, "forward_norm": None, "backward": None, "backward_norm": None}


def test_the_sentence_gives_the_figures():
    curves = gradsim.simulate(gradsim.mlp(width=1, depth=29, activation="linear", init="constant(0.1)"), 3)
    scale = curves.quantile("gradient", 0.5)[29] / (2 * np.log(10))  # of the probe, in decades
    above = curves.quantile("preactivation", 0.5)[1] / (2 * np.log(10))
    up, down = (int(np.floor(size + 4.214)) + 1 for size in (above, scale))  # float16's smallest normal number is 10^-4.214
    assert curves.verdict.sentence.startswith("gradients shrink by 10x a layer; layer 1 gets 1e-28 times")
    squares = int(np.floor(above + 2.107)) + 2  # the square of a number below 10^-2.107 is below that
    assert f"float16 underflows from layer {up + 1} up (sums of squares from {squares}) and from layer {29 - down} down" in (
        curves.verdict.sentence
    )


def test_one_layer_has_no_rate():
    verdict = gradsim.simulate(gradsim.mlp(width=3, depth=1), 5).verdict
    assert verdict.decades == 0 and np.isnan(verdict.decades_per_100_layers)


def test_pictures_have_a_panel_an_activation_and_a_line_a_network(curves):
    other = gradsim.simulate(gradsim.mlp(width=6, depth=5, activation="relu", init="zeros"), 3)
    drawn = figure(CurveSet([curves, other]))
    panels = [ax for ax in drawn.axes if ax.get_visible()]
    assert [ax.get_title("left") for ax in panels] == ["tanh", "relu"]
    middle = curves.quantile("gradient", 0.5)[1:] / (2 * np.log(10))
    np.testing.assert_allclose(panels[0].lines[0].get_ydata(), middle)
    assert "exactly zero" in panels[1].get_title("right")


def test_requests_that_cannot_be(curves):
    for call in (
        lambda: gradsim.simulate("relu"),
        lambda: gradsim.simulate(curves.network, 0),
        lambda: gradsim.simulate(curves.network, 5, quantiles=(0.1, 0.9)),
        lambda: gradsim.simulate(curves.network, 5, quantiles=(0.5, 1.2)),
        lambda: gradsim.simulate(curves.network, 5, threads=10_000),
        lambda: gradsim.simulate(curves.network, 5, engine="sparse"),
        lambda: curves.quantile("gradient", 0.123),
        lambda: curves.plot(quantity="gardient"),
        lambda: CurveSet([]),
    ):
        with pytest.raises(gradsim.RequestError) as error:
            call()
        assert "\n" not in str(error.value)
    with pytest.raises(KeyError):
        curves["gradient"]


@pytest.mark.parametrize(
    "name, words",
    [
        ("gradient_log_men", "did you mean gradient_log_mean"),
        ("correlation", "did you mean"),
        ("xyzzy", "see sorted(curves.variables)"),
        (3, "see sorted(curves.variables)"),
        (["gradient_log_mean"], "see sorted(curves.variables)"),
        (None, "see sorted(curves.variables)"),
    ],
)
def test_a_variable_that_is_not_there_suggests_the_near_ones(name, words, curves):
    for kind in (KeyError, gradsim.RequestError):
        with pytest.raises(kind) as error:
            curves[name]
        assert words in str(error.value) and str(error.value).startswith("no variable ") and "\n" not in str(error.value)


@pytest.mark.parametrize("given", [3, None, "relu", [1, 2], [None], object(), iter([])])
def test_a_set_is_of_curves(given):
    with pytest.raises(gradsim.RequestError, match="there must be the Curves of one network or more"):
        CurveSet(given)


def test_root_mean_squares(curves):
    middle = np.median(curves["gradient_log"][:, 1:], axis=0)
    np.testing.assert_allclose(curves.rms("gradient")[1:], np.sqrt(np.exp(middle)), rtol=1e-12)
    np.testing.assert_allclose(10 ** curves.decades("activation", 0.95), curves.rms("activation", 0.95), rtol=1e-12)
    assert np.isnan(curves.rms("gradient")[0]) and curves.rms("loss").shape == ()
    for quantity, probability, words in (("dead_fraction", 0.5, "no variable"), ("gradient", 0.3, "was not kept")):
        with pytest.raises(gradsim.RequestError, match=words):
            curves.rms(quantity, probability)


@pytest.mark.parametrize("gain, plain", [(1e100, np.inf), (1e-100, 0.0)])
def test_decades_are_there_where_plain_numbers_end(gain, plain):
    deep = gradsim.simulate(gradsim.mlp(width=2, depth=9, activation="linear", weight_gain=gain), 3)
    assert deep.rms("activation")[9] == plain and abs(deep.decades("activation")[9]) == pytest.approx(900, abs=9)
    assert gradsim.simulate(gradsim.mlp(width=2, depth=2, init="zeros"), 3).decades("gradient")[1] == -np.inf


@pytest.mark.parametrize("probability", ["0.5", None, [0.5], True, 1j])
def test_a_quantile_is_a_number(probability, curves):
    with pytest.raises(gradsim.RequestError, match=r"^probability: .* is not a finite number"):
        curves.quantile("gradient", probability)


def test_a_set_of_one_is_a_set(curves):
    assert list(CurveSet(curves)) == [curves] and list(CurveSet(c for c in [curves])) == [curves]


def test_statistics_of_plain_quantities_beyond_float64_are_counted():
    curves = gradsim.simulate(gradsim.mlp(width=8, depth=60, weight_gain=1e12), 300)
    assert np.isfinite(curves["activation_log_mean"]).all()
    alive = 300 - curves["activation_zero_count"][60]
    assert alive > 100 and curves["activation_unit_variance_nonfinite_count"][60] == alive
    assert not np.isnan(curves["activation_unit_variance_variance"][1:12]).any()
