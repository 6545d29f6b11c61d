"""gradsim theory, phase and verify, and --theory, in process."""

import csv
import json

import pytest

import gradsim
from gradsim.cli import main
from gradsim.theory import phase_diagram

SMALL = ["--width", "8", "--depth", "6"]


def call(*arguments):
    with pytest.raises(SystemExit) as exit:
        main([str(a) for a in arguments])
    return exit.value.code


def test_theory_tells_a_network(capsys):
    assert call("theory", "--activation", "tanh", "--init", "xavier_normal", "--bias-std", 0.2, *SMALL) == 0
    printed = capsys.readouterr().out
    for words in ("q* = 0.16977", "ordered", "chi_perp", "gain 1.30415", "Checked by simulation", "no exact law"):
        assert words in printed
    assert "Recommended: gain 1, as it is" in printed  # 0.7 decades in the median of networks 8 wide
    assert call("theory", *SMALL) == 0
    printed = capsys.readouterr().out
    assert "exact gradient" in printed and "Edge of chaos: gain 1," in printed and "median balanced" in printed
    for network in (
        ["--init", "zeros"],
        ["--activation", "softplus"],
        ["--activation", "gelu", "--weight-gain", 0.9],
        ["--init", "torch_default", "--outputs", 3],
        ["--bias", "constant(0.5)"],
        ["--depth", 1],
    ):
        assert call("theory", *SMALL, *network) == 0, network


def test_theory_of_gradients_that_are_zero(capsys):
    assert call("theory", *SMALL, "--activation", "tanh", "--weight-gain", 0) == 0
    assert "No gain is recommended: the gain is 0" in capsys.readouterr().out
    assert call("theory", *SMALL, "--activation", "tanh", "--weight-gain", 0, "--seconds", 0) == 0
    assert "exactly zero with gain 0" in capsys.readouterr().out


def test_theory_says_when_nothing_was_checked(capsys):
    """No simulation: infinite width's gain is shown as unchecked; it is not recommended."""
    assert call("theory", "--activation", "gelu", "--width", 64, "--depth", 48, "--seconds", 0) == 0
    printed = capsys.readouterr().out
    assert "No gain is recommended: nothing was simulated" in printed and "unchecked" in printed
    assert "gain 1.03665 (balanced)" in printed and "Recommended" not in printed
    assert call("theory", "--width", 60000, "--depth", 3, "--init", "he_uniform") == 0
    assert "too large to check" in capsys.readouterr().out


def test_theory_recommends_no_gain_where_networks_part(capsys):
    """The README's line: none is safe, and biases help."""
    assert call("theory", "--activation", "gelu", "--init", "he_normal", "--width", 64, "--depth", 48) == 0
    printed = capsys.readouterr().out
    assert "No gain is safe" in printed and "Recommended" not in printed
    assert "biases normal(0.5), gain 1.01" in printed and "helps" in printed and "does not help" in printed


def test_theory_as_json(capsys):
    assert call("theory", *SMALL, "--json", "--inputs", 2, "--weight-gain", 1.1) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["fixed_point"]["q_star"] == "inf" and found["fixed_point"]["phase"] == "chaotic"
    assert len(found["mean_field"]["gradient_log_mean"]) == 7 and found["mean_field"]["q"][0] is None
    assert found["exact"] is None and "one input" in found["no_exact_law_because"]
    gains = {p["name"]: p["weight_gain"] for p in found["proposals"]}
    checked = found["recommendation"]["checked"]
    assert gains == {"edge of chaos": pytest.approx(1.0), "balanced": checked["balanced"]["weight_gain"]}
    assert 1.0 < gains["balanced"] < 1.3 and abs(checked["balanced"]["median_decades"]) < 0.2  # 8 wide: the median falls at 1
    assert 0.9 < checked["as asked"]["inside_forward"]["float32"] < 1  # a layer of eight dies once in 256
    assert set(found["precision"]["forward"]) == set(gradsim.statistics.precision.PRECISIONS)


@pytest.mark.parametrize(
    "arguments, words",
    [
        (["theory", "--init", "constant(0.1)"], "mean zero"),
        (["theory", "--init", "identity"], "not random"),
        (["theory", "--activation", "rleu"], "did you mean relu"),
        (["theory", "--inputs", "0"], "--inputs"),
        (["theory", "--input-correlation", "2"], "--input-correlation"),
        (["theory", "--probe", "share"], "did you mean shared"),
        (["theory", "--seconds", "-1"], "--seconds"),
        (["phase", "--activation", "thanh"], "did you mean tanh"),
        (["phase", "--weight-std", "2,1"], "--weight-std"),
        (["phase", "--weight-std", "1"], "two numbers"),
        (["phase", "--bias-std", "-1,1"], "--bias-std"),
        (["phase", "--points", "1"], "--points"),
        (["phase", "--simulate", "--simulated-points", "1"], "--simulated-points"),
        (["phase", "--weight-std", "0,1e200"], "--weight-std"),
        (["theory", "--activation", "sin", "--weight-gain", "1e200"], "1e-60 to 1e+60"),
        (["theory", "--activation", "leaky_relu(1e100)"], "-1e+30 to 1e+30"),
        (["phase", "--simulate", "--depth", "1"], "--depth"),
        (["phase", "-o", "phase.xyz"], "should end in .png, .pdf, .svg, .csv, .json"),
        (["phase", "-o", "phase"], "--out"),
        (["phase", "-o", "a.csv", "-o", "a.csv"], "is the same file"),
        (["verify", "nothing like it"], "verify"),
        (["verify", "tenths", "--seed", "-1"], "--seed"),
    ],
)
def test_bad_requests_are_one_line(arguments, words, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    assert call(*arguments) == 2
    printed = capsys.readouterr()
    assert words in printed.err and printed.err.count("\n") == 1 and printed.out == ""
    assert list(tmp_path.iterdir()) == []


def test_theory_beside_a_run_and_its_picture(tmp_path, capsys):
    out = tmp_path / "a.h5"
    assert call("run", *SMALL, "--replicas", 50, "--theory", "--out", out, "--plot", tmp_path / "a.png") == 0
    printed = capsys.readouterr().out
    assert "Theory against measurement" in printed and "exact law" in printed and "forward overflow" in printed
    assert "exact_gradient_log_mean" in gradsim.open(out)[0].variables
    assert call("plot", out, "--theory", "-o", tmp_path / "b.png") == 0
    assert "exact law" in capsys.readouterr().out and (tmp_path / "b.png").read_bytes()[:4] == b"\x89PNG"
    assert call("run", *SMALL, "--replicas", 5, "--theory", "--init", "constant(0.1)") == 0
    assert "no prediction" in capsys.readouterr().out


def test_theory_beside_a_sweep(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "grid.toml").write_text("width = 6\ndepth = 4\nreplicas = 20\nactivation = ['relu', 'tanh']\ninputs = [1, 2]\n")
    assert call("sweep", "grid.toml", "--theory") == 0
    printed = capsys.readouterr().out
    assert "mean field" in printed and "exact law: no prediction" in printed
    assert "mean_field_correlation_mean" in gradsim.open("grid.h5")[1].variables


@pytest.mark.parametrize("activation", ["tanh", "relu", "gelu"])
def test_phase(activation, tmp_path, capsys):
    out = tmp_path / "phase.png"
    assert call("phase", "--activation", activation, "-o", out, "--points", 20) == 0
    assert "edge of chaos at sigma_b = 0" in capsys.readouterr().out and out.read_bytes()[:4] == b"\x89PNG"
    assert call("phase", "--activation", activation, "-o", out) == 2


@pytest.mark.parametrize(
    "arguments, words, absent",
    [
        (["--activation", "sigmoid"], "sigma_w = 10.149", "outside"),
        (["--activation", "hard_sigmoid"], "sigma_w = 10.329", "outside"),
        (["--activation", "sigmoid", "--weight-std", "0.5,4"], "edge of chaos outside: sigma_w from 10.15 to 10.26", "no edge"),
        (["--activation", "gelu", "--bias-std", "0.5,1"], "sigma_b = 1: sigma_w = 1.4059", "outside"),
        (["--activation", "softplus"], "no edge of chaos in the picture", "outside"),
    ],
)
def test_an_edge_that_is_announced_is_drawn_or_said_to_be_outside(arguments, words, absent, tmp_path, monkeypatch, capsys):
    """What is announced is a line inside the axes, or a legend without a line."""
    drawn = []
    monkeypatch.setattr("gradsim.show.picture.image", lambda figure, *rest: drawn.append(figure) or b"")
    assert call("phase", "-o", tmp_path / "phase.png", "--points", 20, *arguments) == 0
    printed = capsys.readouterr().out
    assert words in printed and absent not in printed
    ax = drawn[0].axes[0]
    lines = {line.get_label(): line for line in ax.get_lines() if line.get_linestyle() == "-" and len(line.get_xdata())}
    if "edge of chaos outside" in printed or "no edge" in printed:
        assert lines == {} and any("edge of chaos" in t.get_text() for t in ax.get_legend().get_texts())
        return
    x, y = lines["edge of chaos, chi_perp = 1"].get_data()
    inside = (x >= ax.get_xlim()[0]) & (x <= ax.get_xlim()[1]) & (y >= ax.get_ylim()[0]) & (y <= ax.get_ylim()[1])
    assert inside.sum() > 10


def test_the_numbers_of_a_phase_diagram(tmp_path, capsys):
    table, tree, picture = (tmp_path / f"phase.{ending}" for ending in ("csv", "json", "svg"))
    options = ["--simulate", "--simulated-points", 2, "--width", 4, "--depth", 4, "--replicas", 2]
    ends = ["--weight-std", "0.5,2", "--bias-std", "0,0.4", "--points", 3]
    assert call("phase", *ends, *options, "-o", table, "-o", tree, "-o", picture) == 0
    assert picture.exists() and f"written: {table}, {tree}, {picture}" in capsys.readouterr().out
    with open(table, newline="", encoding="utf-8") as stream:
        rows = list(csv.DictReader(stream))
    diagram = phase_diagram("tanh", weight_std=[0.5, 1.25, 2.0], bias_std=[0.0, 0.2, 0.4])
    theory = {(float(r["weight_std"]), float(r["bias_std"])): r for r in rows if r["source"] == "theory"}
    assert len(theory) == 9 and len(rows) == 13
    for (weight, bias), row in theory.items():
        place = list(diagram.bias_std).index(bias), list(diagram.weight_std).index(weight)
        for name in ("chi_perp", "q_star", "decades_per_100_layers"):
            assert float(row[name]) == getattr(diagram, name)[place]
    found = json.loads(tree.read_text())
    assert [{name: "" if v is None else str(v) for name, v in row.items()} for row in found["points"]] == rows
    assert found["simulation"] == {"width": 4, "depth": 4, "replicas": 2, "seed": 0} and found["activation"] == "tanh"
    assert found["edge"][0] == {"weight_std": pytest.approx(1), "bias_std": pytest.approx(0, abs=1e-6), "stable": True}
    for path in (table, tree):
        before = path.read_bytes()
        assert call("phase", *ends, "-o", path) == 2 and path.read_bytes() == before
        assert call("phase", *ends, "-o", path, "--overwrite") == 0 and len(path.read_bytes()) < len(before)
        path.write_text("mine\n")
        assert call("phase", *ends, "-o", path, "--overwrite") == 2 and path.read_text() == "mine\n"


def test_phase_by_simulation(tmp_path, capsys):
    """Mean logs at width 64 are off by about 0.43 * 50 / 64 decades per 100 layers, and theory is where it should be."""
    options = ["--simulate", "--simulated-points", 4, "--width", 64, "--depth", 40, "--weight-std", "0.5,3"]
    assert call("phase", "-o", tmp_path / "phase.png", "--points", 10, *options) == 0
    line = next(line for line in capsys.readouterr().out.splitlines() if line.startswith("simulation against theory"))
    assert "16 points" in line and float(line.split(": ")[1].split()[0]) < 1.5


def test_verify(tmp_path, capsys):
    assert call("verify", "--list") == 0
    assert "Hanin & Nica" in capsys.readouterr().out
    assert call("verify", "tenths", "one layer: linear, lecun", "dead", "-o", tmp_path / "pictures") == 0
    printed = capsys.readouterr().out
    assert "simulator and theory agree" in printed and "10^-5" in printed
    assert (tmp_path / "pictures" / "laws.png").exists() and (tmp_path / "pictures" / "z_scores.png").exists()


def test_verify_says_when_theory_is_wrong(monkeypatch, capsys):
    monkeypatch.setattr("gradsim.verification.moments.weight_law", lambda *a: gradsim.model.initializers.weight_law(*a, 1.05))
    assert call("verify", "mean: He") == 1
    assert "DISAGREE: mean: He" in capsys.readouterr().out
