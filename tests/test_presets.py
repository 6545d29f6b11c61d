"""Presets: each is what was measured, runs or says what it waits for, and takes nothing that it says itself."""

import math
from pathlib import Path

import numpy as np
import pytest

import gradsim
from gradsim import RequestError
from gradsim.cli import main
from gradsim.model import chain
from gradsim.model.initializers import bias_law, find_initializer
from gradsim.model.laws import TRUNCATED_STD
from gradsim.model.parts import LayerNorm
from gradsim.model.presets import product

PRESETS = {preset.name: preset for preset in gradsim.presets()}
RUNNING = [name for name, preset in PRESETS.items() if not preset.waits_for]
LAWS = [(name, law) for name, preset in PRESETS.items() for law in preset.laws]
SIZES = {"n_in": 8, "n_out": 6, "c_in": 8, "c_out": 4, "k": 3, "groups": 2, "d": 16, "heads": 2, "d_head": 8, "d_ff": 32}
SIZES |= {"hidden": 5, "N": 12, "M": 6, "w_init_scale": 2}
ROUGH = 0.006  # of a standard deviation that was measured: a matrix of ten thousand weights knows it to 0.5 %


def call(*arguments):
    with pytest.raises(SystemExit) as exit:
        main([str(a) for a in arguments])
    return exit.value.code


def test_the_issues_presets_are_there():
    wanted = {"torch_default", "torch_attention", "torch_encoder", "keras_default", "flax_default", "haiku_default"}
    assert wanted | {"tensorflow1_truncated", "gpt2", "bert", "vit_timm", "llama", "fastai"} <= set(PRESETS)
    assert len(RUNNING) >= 13 and len({preset.meaning for preset in PRESETS.values()}) == len(PRESETS)


@pytest.mark.parametrize("name, law", LAWS, ids=[f"{name}: {law.parameter}" for name, law in LAWS])
def test_laws_are_schemes_with_a_source(name, law):
    find_initializer(law.init)
    assert law.bias in ("", "none") or bias_law(law.bias, 4)
    assert law.source.startswith(PRESETS[name].source) and law.source != PRESETS[name].source
    assert law.weight_std(**SIZES) == pytest.approx(math.sqrt(product(law.summed, SIZES)) * law.std(**SIZES))


@pytest.mark.parametrize("name, law", LAWS, ids=[f"{name}: {law.parameter}" for name, law in LAWS])
def test_laws_are_as_measured(name, law):
    sizes = {size: value for size, value in law.measured.items() if size != "std"}
    if law.measured:
        assert law.std(**sizes) == pytest.approx(law.measured["std"], rel=ROUGH)
    else:  # read only, which must not be all that is known of a framework that is installed from the index
        assert PRESETS[name].source.split()[0] not in ("torch", "keras")


def test_known_quirks():
    """Numbers that the papers of their trouble name, from the laws."""
    packed, separate = (
        PRESETS["torch_attention"].law(name) for name in ("in_proj_weight", "q_proj_weight (with kdim or vdim)")
    )
    assert packed.std(d=64) ** 2 == pytest.approx(separate.std(d=64) ** 2 / 2)
    old, new = (PRESETS[name].law("query.kernel") for name in ("keras_attention_3_14", "keras_attention"))
    sizes = {"d": 512, "heads": 8, "d_head": 64}
    assert new.std(**sizes) / old.std(**sizes) == pytest.approx(6) and old.weight_std(**sizes) == pytest.approx(1 / 6)
    deep = PRESETS["keras_default"].law("DepthwiseConv2D.kernel")
    assert deep.weight_std(c_in=63, k=3) == pytest.approx(1 / math.sqrt(32))
    scheme = PRESETS["haiku_default"].options["init"]
    assert find_initializer(scheme)[1][0] == pytest.approx(TRUNCATED_STD**2, rel=1e-15)
    contrib = find_initializer(PRESETS["tensorflow1_contrib"].options["init"])[1][0]
    assert contrib == pytest.approx(2 * 1.3 * TRUNCATED_STD**2, rel=1e-15)
    assert any("SAME weights" in remark for remark in PRESETS["torch_encoder"].remarks)


@pytest.mark.parametrize("name", RUNNING)
def test_what_runs_draws_the_laws_that_it_lists(name):
    network = gradsim.preset(name).network(width=16, depth=3, input_width=8, outputs=6)
    assert network.depth == 3 and network.outputs == 6 and network.input_width == 8
    preset = PRESETS[name]
    if preset.feed_forward is None:
        law = preset.laws[0]
        found = {
            gradsim.model.initializers.weight_law(part.init, fan, part.width, part.gain) for fan, part in network.linear_maps
        }
        assert found == {law.weights(n_in=fan, n_out=part.width) for fan, part in network.linear_maps}
        assert {part.bias for _, part in network.linear_maps} == {law.bias}
    else:
        norms = [part for repeat in network.blocks for part in repeat.parts[0].parts if isinstance(part, LayerNorm)]
        behind = [part for part in network.blocks[0].parts if isinstance(part, LayerNorm)]
        assert len(norms) + len(behind) == 1 and bool(behind) == preset.feed_forward.behind
        assert (norms + behind)[0].epsilon in preset.norms.values()


def test_the_last_matrix_of_gpt2_hangs_on_the_depth():
    for depth in (2, 50):
        (_, first), (_, last) = gradsim.preset("gpt2_mlp").network(width=4, depth=depth).linear_maps[:2]
        assert (first.width, first.init, first.gain, last.width) == (16, "normal(0,0.02)", 1, 4)
        assert last.gain == pytest.approx((2 * depth) ** -0.5)


def test_norms_have_the_epsilons_of_the_framework():
    for block, scale in (("pre_norm", 1.0), ("deepnorm", 3**-0.5)):
        network = gradsim.preset("keras_default").network(width=4, depth=3, block=block)
        (norm,) = {part for part in chain.inner(network.blocks[0].parts) if isinstance(part, LayerNorm)}
        assert norm.epsilon == pytest.approx(1e-3 * scale)
    options = {"width": 4, "depth": 3, "block": "pre_norm"}
    assert gradsim.preset("fastai").network(**options) == gradsim.mlp(**options)  # which says no epsilon


@pytest.mark.parametrize(
    "make, words",
    [
        (lambda: gradsim.preset("kears_default"), "did you mean keras_default?"),
        (lambda: gradsim.preset(3), "unknown name 3"),
        (lambda: gradsim.preset("gpt2").network(), "gpt2 waits for attention, .*; gpt2_mlp is its feed-forward branches alone"),
        (
            lambda: gradsim.preset("resnet_timm").network(),
            "resnet_timm waits for convolution, which gradsim does not have yet$",
        ),
        (lambda: gradsim.preset("keras_default").network(init="he_normal"), 'init: does not go with preset="keras_default"'),
        (lambda: gradsim.preset("keras_default").network(bias_std=0.1), "bias_std: does not go with"),
        (lambda: gradsim.preset("bert_mlp").network(activation="gelu"), "which says all but width, depth"),
        (lambda: gradsim.preset("bert_mlp").network(width=[4, 5]), "one width for all its blocks"),
        (lambda: gradsim.preset("bert_mlp").network(wdth=4), "unknown name 'wdth'"),
        (lambda: gradsim.preset("torch_default").law("Linear.wieght"), "did you mean Linear.weight?"),
        (lambda: gradsim.preset("torch_default").law("Linear.weight").std(n_out=3), "needs a size n_in"),
    ],
)
def test_what_cannot_be(make, words):
    with pytest.raises(RequestError, match=words) as error:
        make()
    assert "\n" not in str(error.value)


def test_compare_puts_presets_side_by_side(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    small = ("--activation", "tanh", "--width", 6, "--depth", 12, "--replicas", 40)
    assert call("compare", "--preset", "torch_default", "keras_default", *small, "-o", "a.svg") == 0
    text = capsys.readouterr().out
    rows = {
        line.split()[0]: line.split() for line in text.splitlines() if line.startswith(("torch_default ", "keras_default "))
    }
    assert rows["torch_default"][1:4] == ["torch_default", "fan_in_uniform", "0.5774"]
    assert rows["keras_default"][1:4] == ["xavier_uniform", "zeros", "1"]
    drawn = Path("a.svg").read_text()
    assert "keras_default" in drawn and "torch_default" in drawn and "written: a.svg" in text
    alone = gradsim.simulate(PRESETS["keras_default"].network(activation="tanh", width=6, depth=12), 40, stream="compare")
    assert float(rows["keras_default"][5]) == pytest.approx(alone.verdict.decades, rel=1e-2)
    for arguments, words in (
        (["keras_default"], "two presets or more"),
        (["keras_default", "keras_default"], "each once"),
        (["keras_default", "gpt2"], "gpt2 waits for attention"),
        (["keras_default", "fastai", "--init", "zeros"], "--init: does not go with --preset keras_default"),
    ):
        assert call("compare", *arguments, *small, "-o", "b.svg") == 2
        line = capsys.readouterr().err
        assert words in line and line.count("\n") == 1
    assert not Path("b.svg").exists()


def test_run_and_theory_take_a_preset(capsys, tmp_path):
    path = tmp_path / "a.h5"
    assert call("run", "--preset", "keras_default", "--width", 4, "--depth", 3, "--replicas", 8, "-o", path) == 0
    found = gradsim.open(path)[0]
    assert found.network == gradsim.mlp(width=4, depth=3, init="xavier_uniform")
    np.testing.assert_array_equal(found["gradient_log_mean"], gradsim.simulate(found.network, 8)["gradient_log_mean"])
    capsys.readouterr()
    assert call("theory", "--preset", "flax_default", "--width", 4, "--depth", 3, "--seconds", 0) == 0
    assert capsys.readouterr().out.startswith("relu, lecun_truncated_normal")
    assert call("run", "--preset", "keras_default", "--init", "he_normal") == 2  # given, though it is the default
    assert "--init: does not go with" in capsys.readouterr().err
