"""Counts of units by their values: held against the records of the same networks, and against vectors of the reference."""

import numpy as np
import pytest

import gradsim
from gradsim import CurveSet, RequestError, mlp, simulate
from gradsim.cli import main
from gradsim.model.request import checked
from gradsim.reference.draw import draw
from gradsim.reference.network import backward, forward
from gradsim.results.spread import spreads
from gradsim.simulation.units import _nodes, unit_histograms
from gradsim.statistics.quantities import COUNTED
from gradsim.statistics.units import BINS, HISTOGRAMMED, counted, edges, exponent_of, middles

LOW, HIGH = edges()
NETWORKS = {
    "widths": ({"activation": "relu", "width": [16, 20, 30] * 3, "outputs": 3}, {"inputs": 3}),
    "norms": ({"activation": "gelu", "block": "pre_norm", "width": 24, "depth": 4, "dropout": 0.1}, {"inputs": 2}),
    "skips": ({"activation": "relu", "block": "resnet_v1", "norm": "batch", "width": 24, "depth": 4}, {"inputs": 5}),
    "orthogonal": ({"activation": "tanh", "init": "orthogonal", "width": 24, "depth": 8}, {}),
    "float32": ({"activation": "relu", "width": 24, "depth": 8}, {"arithmetic": "float32"}),
    "float64": ({"activation": "tanh", "width": 24, "depth": 8}, {"arithmetic": "float64", "inputs": 2}),
}


def test_bins_have_every_number_once():
    assert len(LOW) == len(HIGH) == len(middles()) == BINS
    np.testing.assert_array_equal(LOW[1:], HIGH[:-1])
    assert LOW[0] == -np.inf and HIGH[-1] == np.inf and (np.diff(middles()) > 0).all()
    inner = np.delete(np.arange(BINS), BINS // 2)
    assert (LOW[inner] <= middles()[inner]).all() and (middles()[inner] <= HIGH[inner]).all() and middles()[BINS // 2] == 0


def test_what_is_counted_is_what_is_there():
    """Of any sign and size; an edge belongs to the bin below, its mirror image to that above."""
    values = np.random.default_rng(0).normal(size=(2, 3, 500)) * np.array([1.0, 1e-3])[:, None, None]
    values[0, 0, :8] = [0, -0.0, 1, -1, np.inf, -np.inf, np.nan, 2.0**-30]
    exponents = np.array([[0, 5, -5], [40, 40, 45]])
    own = np.array([1, 33])
    found = counted(values.astype(np.float32), exponents, own)
    for vector, power, counts, shift in zip(values.astype(np.float32), exponents, found, own, strict=True):
        sizes = (vector * 2.0 ** (power[:, None] - shift)).ravel()[:, None]
        inside = np.where(LOW >= 0, (sizes > LOW) & (sizes <= HIGH), (sizes >= LOW) & (sizes < HIGH))
        inside[:, BINS // 2] = sizes[:, 0] == 0
        np.testing.assert_array_equal(counts, inside.sum(axis=0))
        assert counts.sum() == (~np.isnan(vector)).sum()


def test_exponents_are_near_the_root_mean_square():
    values = np.array([[[3.0, 4.0, 0.0]], [[0.0, 0.0, 0.0]], [[np.inf, 1.0, 1.0]]])
    assert exponent_of(values, np.array([[100], [7], [0]])).tolist() == [102, 0, 0]


@pytest.mark.parametrize("name", NETWORKS)
def test_second_moments_are_those_on_record(name):
    """Bins are 4.4 % wide: their squares are right to less than 5 % each, and the records are exact."""
    network, run = NETWORKS[name]
    curves = simulate(mlp(**network), 12, keep_samples=True, histograms=12, **run)
    bare = simulate(mlp(**network), 12, keep_samples=True, **run)
    assert set(curves.variables) - set(bare.variables) == COUNTED and curves.run == bare.run
    assert curves.options == bare.options | {"histograms": 12} and (curves.counted, bare.counted) == (12, 0)
    assert all(np.array_equal(curves[name], bare[name], equal_nan=True) for name in bare.variables)
    sizes = np.where(np.isfinite(middles()), middles(), 0.0)
    for quantity in HISTOGRAMMED:
        counts, exponent = curves[f"{quantity}_histogram"], curves[f"{quantity}_histogram_exponent"]
        defined = curves.blocks.defined(quantity)
        np.testing.assert_array_equal(counts[..., 0] >= 0, defined)
        square = (counts[defined] * sizes**2).sum(axis=1) / counts[defined].sum(axis=1) * 4.0 ** exponent[defined]
        np.testing.assert_allclose(square, np.exp(curves[f"{quantity}_log"])[:, defined].mean(axis=0), rtol=0.05)


@pytest.mark.parametrize("options", [{}, {"block": "residual"}, {"block": "post_norm", "norm": "layer"}], ids=str)
def test_units_are_those_of_the_reference(options):
    """One network in NumPy; units whose bins differ lie at an edge between two."""
    network = mlp(width=12, depth=3, activation="tanh", **options)
    curves = simulate(network, 1, inputs=2, engine="dense", histograms=1)
    drawn = draw(network, 0, inputs=2)
    tape = forward(network, drawn)
    cotangents = backward(network, drawn, tape)
    for quantity, vectors in (("preactivation", tape), ("activation", tape), ("gradient", cotangents)):
        defined = curves.blocks.defined(quantity)
        order = np.argsort(curves.blocks.rows[quantity].layers, kind="stable")
        nodes = _nodes(network, quantity)[order]
        counts = curves[f"{quantity}_histogram"][defined]
        own = curves[f"{quantity}_histogram_exponent"][defined].astype(int)
        for node, mine, exponent in zip(nodes, counts, own, strict=True):
            theirs = counted(vectors[node][None], np.zeros((1, 2), int), np.array([exponent]))[0]
            assert mine.sum() == theirs.sum() == 24 and abs(np.cumsum(mine - theirs)).max() <= 1


def test_nothing_hangs_on_the_threads():
    options, run = NETWORKS["norms"]
    network, run = mlp(**options), checked(replicas=7, histograms=7, **run)
    one, *others = (unit_histograms(network, run, threads) for threads in (1, 2, 5, 9))
    assert all(np.array_equal(one[name], more[name], equal_nan=True) for more in others for name in COUNTED)
    few, rest = unit_histograms(network, run | {"histograms": 3}, 2)["activation_histogram"], one["activation_histogram"]
    assert (few <= rest).all() and few.max() > 0 and few[few >= 0].sum() * 7 == rest[rest >= 0].sum() * 3


def test_sizes_beyond_any_float():
    network = mlp(width=8, depth=400, activation="relu", init="normal(0,100)")
    curves = simulate(network, 4, histograms=4)
    exponent = curves["activation_histogram_exponent"]
    assert exponent[-1] > 2000 and np.diff(exponent[1:]).max() < 30
    assert (curves["activation_histogram"].sum(axis=1) == 32).all()
    spread = spreads(curves, "activation", 6)[0][-1]
    assert spread.power == pytest.approx(exponent[-1] * np.log10(2), abs=3)
    assert "10^{" in curves.plot(histograms=True).axes[-1].get_xlabel()


@pytest.mark.parametrize(
    "others", [(), ({"block": "pre_norm"},), ({"width": 5, "depth": 9}, {"width": 7, "depth": 2})], ids=str
)
def test_files_have_them(others, tmp_path):
    """Beside networks without, too."""
    first = simulate(mlp(width=6, depth=4, activation="relu"), 10, histograms=5)
    found = CurveSet([first, *(simulate(mlp(activation="relu", **{"width": 6, "depth": 4} | o), 10) for o in others)])
    found.save(tmp_path / "a.h5")
    for mine, read in zip(found, gradsim.open(tmp_path / "a.h5"), strict=True):
        assert set(mine.variables) == set(read.variables)
        assert all(np.array_equal(mine[name], read[name], equal_nan=True) for name in mine.variables)
    dataset = found.to_xarray()
    assert dataset.sizes["bin"] == BINS and not [c for c in found.to_dataframe().columns if "histogram" in c]
    np.testing.assert_array_equal(dataset["bin"], middles())
    simulate(mlp(width=6, depth=4), 10).save(tmp_path / "without.h5")
    assert "bin" not in gradsim.open(tmp_path / "without.h5").to_xarray().sizes


def drawn(curves, **view):
    return [ax for ax in curves.plot(histograms=True, **view).axes if ax.get_visible()]


def test_they_are_drawn():
    curves = simulate(mlp(width=50, depth=30, activation="relu"), 40, histograms=40)
    panels = drawn(curves)
    assert panels[0].figure.get_suptitle().endswith("layer by layer\nwidth 50, depth 30, 40 networks")
    assert [ax.get_xlabel().split(",")[0] for ax in panels] == [f"layer {k}" for k in (0, 6, 12, 18, 24, 30)]
    zero = [float(ax.texts[0].get_text().split()[0]) for ax in panels[1:]]
    assert panels[0].texts[0].get_text() == "" and all(40 < share < 60 for share in zero)
    for ax, share in zip(panels, [0, *zero], strict=True):
        values, places, _ = ax.patches[0].get_data()
        assert (values * np.diff(places)).sum() == pytest.approx(1 - share / 100, abs=0.02)
    assert panels[1].get_xlim()[0] == panels[2].get_xlim()[0]
    normal = drawn(curves, quantity="preactivation")[0].patches[0].get_data()
    middle = (normal[1][1:] + normal[1][:-1]) / 2
    expected = np.exp(-(middle**2) / 4) / np.sqrt(4 * np.pi)  # he_normal: a variance of 2 times the input's mean square
    np.testing.assert_allclose(normal[0], expected, atol=0.05)


def test_panels_share_a_scale_unless_layers_are_far_apart():
    options = {"width": 20, "depth": 20, "activation": "tanh"}
    kept, gone = (simulate(mlp(**options, init=init), 30, histograms=10) for init in ("orthogonal", "normal(0,0.02)"))
    assert len({ax.get_xlim() for ax in drawn(kept)}) == 1 and len({ax.get_xlim() for ax in drawn(kept, share=False)}) > 1
    assert len({ax.get_xlim() for ax in drawn(gone)}) > 1
    both = drawn(CurveSet([kept, gone]), quantity="gradient")
    assert both[0].figure.get_suptitle().endswith("width 20, depth 20, 10 networks each")
    assert len(both) == 12 and [ax.get_title("left") for ax in both[::6]] == ["orthogonal", "normal(0,0.02)"]


def test_on_the_command_line(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    for arguments in (
        ["run", "--width", "6", "--depth", "4", "--replicas", "10", "--histograms", "5", "-o", "a.h5"],
        ["plot", "a.h5", "--histograms", "--quantity", "gradient", "-o", "a.svg"],
    ):
        with pytest.raises(SystemExit) as ended:
            main(arguments)
        assert ended.value.code == 0, capsys.readouterr().err
    assert gradsim.open("a.h5")[0]["activation_histogram"][0].sum() == 5 * 6 and "layer 4" in (tmp_path / "a.svg").read_text()


@pytest.mark.parametrize(
    "call, words",
    [
        (lambda c: simulate(c.network, 5, histograms=-1), "histograms: -1 is not a whole number from 0 to 4,294,967,296"),
        (lambda c: simulate(c.network, 5, histograms="all"), "histograms: 'all' is not a whole number"),
        (lambda c: c.plot(histograms=True), "histograms: units were not counted"),
        (lambda c: c.plot(histograms=True, quantity="loss"), "histograms: loss has none; those of preactivation, activation"),
        (lambda c: c.plot(histograms=True, x="width"), "x: goes with curves, and not with histograms"),
        (lambda c: c.plot(histograms=True, samples=3), "samples: goes with curves"),
    ],
)
def test_refusals(call, words):
    with pytest.raises(RequestError) as error:
        call(simulate(mlp(width=4, depth=3), 5))
    assert str(error.value).startswith(words)
