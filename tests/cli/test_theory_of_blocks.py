"""gradsim theory of networks with blocks: every family and recipe, in words and as JSON."""

import json
import math

import numpy as np
import pytest

import gradsim
from gradsim.cli import main
from gradsim.model.families import FAMILIES

EVERY = [(block, norm) for block, family in FAMILIES.items() for norm in family.norms if (block, norm) != ("plain", "none")]
OF_A_CHAIN = ("fixed point", "depth scales", "chi_perp", "Edge of chaos", "signals die", "sigma_w")
DECADE = 2 * math.log(10)  # of a root, in logs of squares
GELU = ["--activation", "gelu", "--init", "lecun_normal", "--width", "64", "--depth", "32", "--seconds", "0"]


def call(*arguments):
    with pytest.raises(SystemExit) as exit:
        main([str(a) for a in arguments])
    return exit.value.code


def told(capsys, *arguments):
    assert call("theory", *arguments) == 0
    return capsys.readouterr().out


def found(capsys, *arguments):
    return json.loads(told(capsys, *arguments, "--json"))


@pytest.mark.parametrize("block, norm", EVERY)
def test_every_family_in_words(block, norm, capsys):
    few = ["--block", block, "--width", 12, "--depth", 7, "--seconds", 0, "--inputs", 5]
    printed = told(capsys, *few, *([] if FAMILIES[block].norms == ("none",) else ["--norm", norm]))
    head, summary = printed.splitlines()[:2]
    assert head.startswith(f"{block} blocks: ") and "relu, he_normal, gain 1, biases zeros, width 12, 7 blocks" in head
    assert norm == "none" or f"{norm} norm" in head
    assert summary.strip() == FAMILIES[block].summary
    assert not any(words in printed for words in OF_A_CHAIN)
    stream = FAMILIES[block].least > 0
    table = next(line for line in printed.splitlines() if line.split()[:1] == ["block" if stream else "layer"])
    assert ("stream gradient" in table and "dL/dW linear1" in table) if stream else "dL/dW" in table
    assert "No gain is recommended: nothing was simulated" in printed
    assert "no prediction" not in printed and ("not predicted: norm gain gradient" in printed) == (norm != "none")
    silent = block == "resnet_v1" or (block, norm) == ("post_norm", "batch")
    assert ("not predicted everywhere" in printed and "stream gradient" in printed and "block" in printed) or not silent
    assert ("theory does not know how deep" in printed) == ("which are not all (see above)" in printed) == silent
    assert "every one holds every" in printed


@pytest.mark.parametrize("block, norm", EVERY)
def test_every_family_as_json(block, norm, capsys):
    """The layout of curves: over layers, and over places where a block has several."""
    given = ["--block", block, "--width", 12, "--depth", 7, "--seconds", 0, "--inputs", 5, "--dropout", 0.25]
    parts = found(capsys, *given, *([] if FAMILIES[block].norms == ("none",) else ["--norm", norm]))
    assert parts["fixed_point"] is parts["critical_point"] is parts["weight_std"] is None
    curves = gradsim.simulate(gradsim.mlp(block=block, norm=norm, width=12, depth=7, dropout=0.25), 2, inputs=5)
    assert parts["places"] == list(curves.places)
    for quantity in (
        "preactivation",
        "gradient",
        "weight_gradient",
        *(["stream", "stream_gradient"] if len(curves.places) else []),
    ):
        assert np.shape(parts["mean_field"][f"{quantity}_log_mean"]) == curves.blocks.shape(quantity)
    assert not {"q", "chi_perp", "chi_par"} & parts["mean_field"].keys()
    assert all(why for why in parts["not_predicted_because"].values())


def test_what_traits_are_told(capsys):
    printed = told(
        capsys,
        *["--block", "pre_norm", "--norm", "rms", "--residual-scale", "1/sqrt(depth)", "--block-depth", 3, "--dropout", 0.1],
        *["--width", 10, "--depth", 4, "--input-width", 6, "--outputs", 2, "--final-norm", "--last-gain", 0.1, "--seconds", 0],
    )
    head = printed.splitlines()[0]
    for words in (
        "rms norm,",
        "3 linear maps a branch",
        "branches times 1/sqrt(depth)",
        "dropout 0.1",
        "rms norm behind the last",
    ):
        assert words in head, words
    assert "gain of the last map 0.1" in head and "6 inputs, 2 outputs" in printed
    assert "h of the last map" in printed


def test_streams_that_people_measured(capsys):
    """x + f(norm(x)), GELU, LeCun: 1 + 0.4252 l, 15.0 after 32 in one network of PyTorch; 1.42 with branches over sqrt(32); the
    stream after norm(f(x)) is 1 + l. (minGPT issue 134, OLMo issue 797.)"""
    for scale, expected in (("1", 1 + 0.4252 * 32), ("1/sqrt(depth)", 1 + 0.4252)):
        parts = found(capsys, "--block", "pre_norm", "--residual-scale", scale, *GELU)
        stream = np.array(parts["mean_field"]["stream_log_mean"], float)
        assert math.exp(stream[32]) == pytest.approx(expected, rel=1e-4) and stream[0] == 0
        printed = told(capsys, "--block", "pre_norm", "--residual-scale", scale, *GELU)
        row = next(line.split() for line in printed.splitlines() if line.split()[:1] == ["32"])
        assert float(row[1]) == pytest.approx(math.log10(expected) / 2, abs=1e-3)
        assert f"{float(f'{math.sqrt(expected):.2g}'):g} times as large as x_0" in printed
    assert math.exp(stream[32]) == pytest.approx(1.42, abs=0.01)
    branch = '{part="Linear",init="lecun_normal"},{part="Activation",name="gelu"},{part="Linear",init="lecun_normal"}'
    layers = f'[{{part="Repeat",times=32,parts=[{{part="Residual",parts=[{branch},{{part="RMSNorm"}}]}}]}}]'
    parts = found(capsys, "--layers", layers, "--input-width", 64, "--seconds", 0)
    stream = np.exp(np.array(parts["mean_field"]["stream_log_mean"], float))
    np.testing.assert_allclose(stream, 1 + np.arange(33), rtol=1e-3)
    np.testing.assert_allclose(stream[[1, 2, 8, 32]], [2.01, 3.01, 8.95, 33.0], rtol=0.01)
    printed = told(capsys, "--layers", layers, "--input-width", 64, "--seconds", 0)
    assert printed.startswith("blocks of parts: ") and "gelu, lecun_normal" in printed


def test_the_gradient_is_the_streams(capsys):
    """x + W relu(x), He: the squared gradient doubles a block on its way back; ReZero and Fixup leave it as it is."""
    few = ["--width", 16, "--depth", 11, "--seconds", 0]
    doubling = ["--block", "residual", "--block-depth", 1, *few]
    assert found(capsys, *doubling)["gradient_decades"] == pytest.approx(5 * math.log10(2), rel=1e-9)
    printed = told(capsys, *doubling)
    assert "the stream's gradient at block 1 is 32 times that at block 11 (+0.15 decades a block on average)" in printed
    assert "+1.51 decades with gain 1 (as asked)" in printed and "no balanced gain was looked for" in printed
    for block, zeros in (("rezero", 4), ("skipinit", 4), ("fixup", 3)):  # fixup's last map is h = 0, and gets a gradient
        printed = told(capsys, "--block", block, *few)
        row = next(line.split() for line in printed.splitlines() if line.split()[:1] == ["11"])
        assert "(it keeps its scale)" in printed and row.count("zero") == zeros
        assert found(capsys, "--block", block, *few)["gradient_decades"] == 0


def test_the_exact_law_of_a_stream(capsys):
    branch = '{part="LayerNorm",epsilon=0.0},{part="Linear"},{part="Activation",name="relu"},{part="Linear"}'
    block = f'{{part="Residual",parts=[{branch}]}}'
    given = ["--layers", f'[{{part="Repeat",times=9,parts=[{block}]}}]', "--input-width", 8, "--seconds", 0]
    law = gradsim.theory.exact_stream(gradsim.network(gradsim_parts(), input_width=8))
    parts = found(capsys, *given)
    np.testing.assert_allclose(parts["exact"]["stream_log_mean"], law["stream_log_mean"], rtol=1e-12)
    printed = told(capsys, *given)
    assert "exact stream" in printed and f"{law['stream_log_mean'][9] / DECADE:+.3f}" in printed
    assert "epsilon 0" in told(capsys, "--block", "pre_norm", "--width", 8, "--depth", 9, "--seconds", 0)


def gradsim_parts():
    parts = [gradsim.LayerNorm(0.0), gradsim.Linear(8), gradsim.Activation("relu"), gradsim.Linear(8)]
    return [gradsim.Repeat([gradsim.Residual(parts)], 9)]


def test_advice_that_was_simulated(capsys):
    printed = told(capsys, "--block", "residual", "--width", 16, "--depth", 40)
    assert "No gain is safe" in printed and "no gain balances it" in printed
    assert "branches times 1/sqrt(depth), gain 1: helps" in printed and "pre_norm blocks, gain 1: " in printed
    assert "from the stream's last block back to block 1" in printed and "Edge of chaos" not in printed
    printed = told(
        capsys, "--block", "pre_norm", "--activation", "tanh", "--init", "xavier_normal", "--width", 16, "--depth", 600
    )
    assert (
        "No gain is safe" in printed
        and printed.count("branches times 1/sqrt(depth)") == 1
        and "pre_norm blocks, gain" not in printed
    )
    printed = told(capsys, "--block", "deepnorm", "--init", "xavier_normal", "--width", 16, "--depth", 20)
    assert "Recommended: gain 1, as it is" in printed and "all stay inside float16" in printed
    printed = told(capsys, "--norm", "batch", "--activation", "tanh", "--inputs", 4, "--width", 16, "--depth", 20)
    (asked,) = (line for line in printed.splitlines() if line.startswith("as asked"))
    assert asked.rstrip().endswith(" ?") and "divides its gain out" in printed
    assert "every one holds every layer, forward and backward, in the median of" in printed and "does not know all" in printed
    parts = found(capsys, "--block", "rezero", "--width", 16, "--depth", 20)["recommendation"]
    assert parts["weight_gain"] == 1 and set(parts["checked"]["as asked"]["inside_backward"].values()) == {1}


@pytest.mark.parametrize(
    "arguments, words",
    [
        (["--block", "resnet_v1"], "batch norm needs two inputs"),
        (["--block", "residual", "--norm", "layer"], "--norm"),
        (["--block", "pre_norm", "--dropout", 1], "--dropout"),
        (["--block", "fixup", "--block-depth", 1], "--block-depth"),
        (["--block", "pre_norm", "--init", "constant(0.1)"], "mean zero"),
    ],
)
def test_bad_requests_are_one_line(arguments, words, capsys):
    assert call("theory", *arguments, "--width", 8, "--depth", 3) == 2
    printed = capsys.readouterr()
    assert words in printed.err and printed.err.count("\n") == 1 and printed.out == ""


def test_theory_beside_a_sweep_of_blocks(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    grid = "width = 12\ndepth = 6\nreplicas = 20\ninputs = 4\nblock = ['plain', 'pre_norm', 'resnet_v1']\n"
    (tmp_path / "grid.toml").write_text(grid)
    assert call("sweep", "grid.toml", "--theory", "--plot", "grid.png") == 0
    printed = capsys.readouterr().out
    assert "gradient (linear2)" in printed and "stream correlation" in printed and "not predicted everywhere" in printed
    plain, pre_norm, _ = gradsim.open("grid.h5")
    for curves in (plain, pre_norm):
        stored = curves["mean_field_gradient_log_mean"]
        assert stored.shape == curves["gradient_log_mean"].shape and np.isfinite(stored).any()
    assert pre_norm["mean_field_stream_log_mean"].shape == (7,)


@pytest.mark.parametrize("arguments", [["--block", "pre_norm", "--norm", "rms"], ["--block", "resnet_v1", "--inputs", 4]])
def test_theory_beside_a_run_of_blocks(arguments, tmp_path, capsys):
    out = tmp_path / "a.h5"
    small = ["--width", 8, "--depth", 6, "--replicas", 30, "--theory", "--out", out, "--plot", tmp_path / "a.png"]
    assert call("run", *arguments, *small) == 0
    printed = capsys.readouterr().out
    assert "Theory against measurement" in printed and "forward overflow" in printed
    assert ("stream gradient" in printed) and ("not predicted everywhere" in printed) == ("resnet_v1" in arguments)
    stored = gradsim.open(out)[0]
    assert stored["mean_field_stream_gradient_log_mean"].shape == (7,)
    for name in ("mean_field_gradient_log_mean", "mean_field_preactivation_log_mean"):  # what is NaN all over is left out
        assert name not in stored.variables or stored[name].shape == stored["gradient_log_mean"].shape
    for quantity in ("stream_gradient", "gradient"):
        name = tmp_path / f"{quantity}.png"
        assert call("plot", out, "--theory", "-o", name, "--quantity", quantity) == 0
        assert name.read_bytes()[:4] == b"\x89PNG"
