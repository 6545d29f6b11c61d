"""Families of blocks and recipes of papers: what they are made of, what goes together, and how they are told again."""

import itertools
import json
from types import SimpleNamespace

import pytest
from hypothesis import given
from hypothesis import strategies as st

import gradsim
from gradsim import Activation, BatchNorm, Dropout, LayerNorm, Linear, Repeat, RequestError, Residual, RMSNorm
from gradsim.model.activations import canonical_activation
from gradsim.model.families import FAMILIES, NORMS, SCALES
from gradsim.model.options import BLOCKS, NETWORK
from gradsim.model.options import NORMS as NAMED_NORMS
from gradsim.model.options import SCALES as NAMED_SCALES
from gradsim.model.spelling import spelled
from gradsim.model.stored import from_json
from gradsim.results.cells import DESCRIPTIONS, OF_BLOCKS, batch_norm_note, describe, described, label, varying

L, A, D = Linear(4), Activation("relu"), Dropout(0.1)


def built(**options):
    return gradsim.mlp(**{"width": 4, "depth": 16} | options)


def block(**options):
    """The parts of the blocks of a network in which all are equal."""
    (repeat,) = built(**options).blocks
    assert repeat.times == 16
    return list(repeat.parts)


def test_options_and_families_have_the_same_names():
    assert tuple(FAMILIES) == BLOCKS and tuple(SCALES) == NAMED_SCALES and (*NORMS, "none") == NAMED_NORMS


@pytest.mark.parametrize(
    "options, expected",
    [
        ({}, [L, A]),
        ({"norm": "layer"}, [L, LayerNorm(), A]),
        ({"norm": "rms", "dropout": 0.1}, [L, RMSNorm(), A, D]),
        ({"block": "residual"}, [Residual([L, A, L])]),
        ({"block": "residual", "block_depth": 1}, [Residual([A, L])]),
        ({"block": "residual", "block_depth": 3, "dropout": 0.1}, [Residual([L, A, D, L, A, D, L])]),
        ({"block": "residual", "block_depth": 1, "dropout": 0.1}, [Residual([A, D, L])]),
        ({"block": "residual", "residual_scale": 0.25}, [Residual([L, A, L], 0.25)]),
        ({"block": "residual", "residual_scale": "1/sqrt(depth)"}, [Residual([L, A, L], 0.25)]),
        ({"block": "residual", "residual_scale": " 1 / DEPTH "}, [Residual([L, A, L], 0.0625)]),
        ({"block": "residual", "residual_scale": "zero"}, [Residual([L, A, L], 0.0)]),
        ({"block": "pre_norm"}, [Residual([LayerNorm(), L, A, L])]),
        ({"block": "pre_norm", "norm": "rms", "residual_scale": 2}, [Residual([RMSNorm(), L, A, L], 2.0)]),
        ({"block": "post_norm"}, [Residual([L, A, L]), LayerNorm()]),
        ({"block": "post_norm", "norm": "batch", "block_depth": 1}, [Residual([A, L]), BatchNorm()]),
    ],
)
def test_blocks_are_those_of_the_definition(options, expected):
    """Issue 14: residual x + s f(x); pre_norm x + s f(norm(x)); post_norm norm(x + s f(x)); plain norm(h) before phi."""
    assert block(**options) == expected


@pytest.mark.parametrize(
    "options, expected",
    [
        # He et al. 2015, figure 2 with the batch norms of section 3.4: conv, norm, relu, conv, norm, +, relu
        ({"block": "resnet_v1"}, [Residual([L, BatchNorm(), A, L, BatchNorm()]), A]),
        ({"block": "resnet_v1", "block_depth": 1}, [Residual([L, BatchNorm()]), A]),
        # He et al. 2016, figure 4 (e): norm, relu, conv, norm, relu, conv, +
        ({"block": "resnet_v2", "dropout": 0.1}, [Residual([BatchNorm(), A, D, L, BatchNorm(), A, D, L])]),
        # Bachlechner et al. 2020, equation 2 with alpha = 0
        ({"block": "rezero"}, [Residual([L, A, L], 0.0)]),
        # Zhang et al. 2019, section 3.3: m = 2, 16^(-1/2); m = 3, 16^(-1/4)
        ({"block": "fixup"}, [Residual([Linear(4, gain=0.25), A, Linear(4, "zeros")])]),
        (
            {"block": "fixup", "block_depth": 3},
            [Residual([Linear(4, gain=0.5), A, Linear(4, gain=0.5), A, Linear(4, "zeros")])],
        ),
        # De & Smith 2020, figure 1 and section 4: pre-activation without norms, alpha = 0
        ({"block": "skipinit"}, [Residual([A, L, A, L], 0.0)]),
        # Wang et al. 2022, table 2, encoder-only with 2N = 16 branches: alpha = 16^(1/4) = 2, beta = 64^(-1/4)
        (
            {"block": "deepnorm", "init": "xavier_normal"},
            [
                Residual([Linear(4, "xavier_normal", 64**-0.25), A, Linear(4, "xavier_normal", 64**-0.25)], 0.5),
                LayerNorm(1e-5 / 4),
            ],
        ),
    ],
)
def test_recipes_are_those_of_their_papers(options, expected):
    assert block(**options) == expected


def test_fixup_has_a_readout_of_zeros():
    assert built(block="fixup", outputs=3).readout == (Linear(3, "zeros"),)
    assert built(block="fixup", outputs=3, last_init="lecun_normal").readout == (Linear(3, "lecun_normal"),)
    assert built(block="residual", outputs=3).readout == (Linear(3),)


def test_recipes_name_their_papers():
    papers = {
        "resnet_v1": "1512.03385",
        "resnet_v2": "1603.05027",
        "rezero": "2003.04887",
        "fixup": "1901.09321",
        "skipinit": "2002.10444",
        "deepnorm": "2203.00555",
    }
    for name, paper in papers.items():
        assert paper in FAMILIES[name].summary


def test_stem_and_changes_of_width():
    law = {"init": "lecun_normal", "weight_gain": 0.5, "bias_std": 0.25}
    wide = Linear(6, "lecun_normal", 0.5, "normal(0.25)")
    made = gradsim.mlp(width=[4, 4, 6, 6], input_width=9, block="residual", block_depth=1, **law)
    four = Linear(4, "lecun_normal", 0.5, "normal(0.25)")
    assert made.stem == (four,)
    assert made.blocks == (
        Repeat([Residual([A, four])], 2),
        Repeat([Residual([A, wide], skip=wide)], 1),
        Repeat([Residual([A, wide])], 1),
    )
    assert gradsim.mlp(width=[4, 4, 6], block="residual").stem == () == built(input_width=9).stem
    assert built(input_width=9).linear_maps[0] == (9, L)


@pytest.mark.parametrize(
    "options, norm",
    [
        ({"block": "residual"}, LayerNorm()),
        ({"block": "residual", "norm": "rms"}, RMSNorm()),
        ({"block": "pre_norm", "norm": "rms"}, RMSNorm()),
        ({"block": "resnet_v2"}, BatchNorm()),
        ({"block": "plain"}, LayerNorm()),
        ({"block": "plain", "norm": "batch"}, BatchNorm()),
        ({"block": "deepnorm"}, LayerNorm()),
    ],
)
def test_a_final_norm_is_behind_the_last_block(options, norm):
    made = built(**options, final_norm=True, outputs=2)
    assert made.readout[0] == norm and isinstance(made.readout[1], Linear) and made.depth == 16
    assert built(**options, final_norm=True).readout == (norm,)


def test_first_and_last_layers():
    made = built(outputs=2, first_init="uniform(-1, 1)", last_init="zeros", last_gain=0.1, last_activation="Tanh")
    first, rest = made.blocks
    assert first.parts == (Linear(4, "uniform(-1,1)"), A) and first.times == 1 and rest == Repeat([L, A], 15)
    assert made.readout == (Linear(2, "zeros", 0.1), Activation("tanh"))
    alone = built(last_init="zeros", last_gain=0.1, last_activation="tanh")
    assert alone.blocks == (Repeat([L, A], 15), Repeat([Linear(4, "zeros", 0.1), Activation("tanh")], 1))
    stemmed = built(block="residual", input_width=9, first_init="zeros", last_gain=0.5)
    assert stemmed.stem == (Linear(4, "zeros"),)
    assert stemmed.blocks[-1] == Repeat([Residual([L, A, Linear(4, gain=0.5)])], 1) and stemmed.blocks[0].times == 15
    inside = built(block="residual", first_init="zeros", last_activation="tanh")
    assert inside.blocks[0].parts == (Residual([Linear(4, "zeros"), A, L]),)
    assert inside.blocks[-1].parts == (Residual([L, Activation("tanh"), L]),)


def test_biases_come_with_their_own_initializer_unless_they_are_given():
    made = built(init="torch_default", last_init="zeros", depth=2)
    assert [linear.bias for _, linear in made.linear_maps] == ["fan_in_uniform", "zeros"]
    made = built(init="torch_default", last_init="zeros", bias="constant(1)", depth=2)
    assert {linear.bias for _, linear in made.linear_maps} == {"constant(1.0)"}


def test_ends_like_the_rest_are_the_plain_network():
    plain = built(outputs=2)
    assert built(outputs=2, first_init="He_Normal", last_init="kaiming_normal", last_gain=1) == plain and plain.plain
    assert built(last_activation="ReLU") == built()


REFUSED = [
    ({"block": "rezro"}, "block: unknown name 'rezro'; did you mean rezero"),
    ({"norm": "group"}, "norm: unknown name 'group'"),
    ({"block": "residual", "norm": "layer"}, 'norm: layer does not go with block="residual", which takes none; with final'),
    ({"block": "pre_norm", "norm": "none"}, 'norm: none does not go with block="pre_norm", which takes layer, rms, batch'),
    ({"block": "deepnorm", "norm": "batch"}, 'norm: batch does not go with block="deepnorm", which takes layer, rms'),
    ({"block": "rezero", "norm": "batch"}, 'norm: batch does not go with block="rezero"'),
    ({"block_depth": 2}, 'block_depth: 2 does not go with block="plain", which has no branch'),
    ({"block": "fixup", "block_depth": 1}, 'block_depth: 1 does not go with block="fixup", whose branch has 2 or more'),
    ({"residual_scale": 1}, 'residual_scale: 1.0 does not go with block="plain", which has no branch'),
    (
        {"block": "rezero", "residual_scale": "zero"},
        'residual_scale: zero does not go with block="rezero", which has a scale',
    ),
    ({"block": "residual", "residual_scale": "1/depht"}, "residual_scale: '1/depht' is neither a number nor one of 1/sqrt"),
    ({"block": "residual", "residual_scale": float("nan")}, "residual_scale: nan is not a finite number"),
    ({"dropout": 1}, "dropout: 1 is not from 0 to below 1; it is the probability of dropping"),
    ({"dropout": -0.5}, "dropout: -0.5 is not from 0 to below 1"),
    ({"final_norm": "yes"}, "final_norm: 'yes' is not true or false"),
    ({"first_init": "he"}, "first_init: unknown name 'he'"),
    ({"last_activation": "rleu"}, "last_activation: unknown name 'rleu'"),
    ({"depth": 1, "first_init": "zeros", "last_init": "ones"}, "first_init: does not go with last_init"),
    ({"block": "residual", "block_depth": 10**9}, "depth: .* would take"),
]


@pytest.mark.parametrize("options, words", REFUSED, ids=lambda value: str(value)[:60])
def test_what_does_not_go_together_is_one_line(options, words):
    with pytest.raises(RequestError, match=f"^{words}") as error:
        built(**options)
    assert "\n" not in str(error.value)


# Told again: from the parts to the options


@st.composite
def options(draw):
    """Options of `mlp` that go together."""
    name = draw(st.sampled_from(BLOCKS))
    family, found = FAMILIES[name], {"block": name, "width": 4, "depth": draw(st.integers(2, 5))}
    if draw(st.booleans()):
        found["norm"] = draw(st.sampled_from(family.norms))
    if family.least and draw(st.booleans()):
        found["block_depth"] = draw(st.integers(family.least, 3))
    if family.scaled and draw(st.booleans()):
        found["residual_scale"] = draw(st.sampled_from(["1/sqrt(depth)", "1/depth", 0.3]))
    values = {
        "dropout": [0.1],
        "final_norm": [True],
        "outputs": [3],
        "input_width": [5],
        "activation": ["gelu", "leaky_relu(0.2)"],
        "init": ["lecun_normal", "torch_default"],
        "weight_gain": [0.7],
        "bias": ["normal(0.5)", "zeros"],
        "first_init": ["uniform(-1,1)"],
        "last_init": ["zeros", "orthogonal"],
        "last_gain": [0.1],
        "last_activation": ["tanh"],
    }
    for option in draw(st.lists(st.sampled_from(sorted(values)), max_size=4, unique=True)):
        found[option] = draw(st.sampled_from(values[option]))
    return found


@given(options())
def test_the_options_of_a_network_are_found_again(given):
    made = gradsim.mlp(**given)
    found = spelled(made)
    assert gradsim.mlp(**found) == made
    if made.depth > 2 and given.get("block_depth", 2) > 1:
        usual = ("block", "activation", "weight_gain")
        assert all(found[name] == given.get(name, NETWORK[name].default) for name in usual)


def cell(network, **run):
    return SimpleNamespace(network=network, run={"replicas": 1, "seed": 0, "inputs": 1, "engine": "auto", "stream": None} | run)


@given(st.lists(options(), min_size=2, max_size=4))
def test_networks_that_differ_are_told_apart(several):
    cells = [cell(gradsim.mlp(**given)) for given in several]
    names = varying(cells)
    rows = {tuple(describe(one)[name] for name in names) for one in cells}
    assert len(rows) == len({one.network for one in cells})


def test_what_a_cell_is_called():
    plain = describe(cell(built()))
    assert {name: plain[name] for name in OF_BLOCKS} == OF_BLOCKS and plain.keys() == DESCRIPTIONS.keys()
    found = describe(cell(built(block="pre_norm", norm="rms", residual_scale="1/sqrt(depth)", dropout=0.1, last_gain=0.5)))
    expected = {"block": "pre_norm", "norm": "rms", "block_depth": 2, "residual_scale": "1/sqrt(depth)", "dropout": 0.1}
    expected |= {"last_gain": "0.5", "last_init": "", "layers": "", "activation": "relu", "init": "he_normal"}
    assert {name: found[name] for name in expected} == expected
    assert describe(cell(built(block="residual", final_norm=True)))["final_norm"] == "layer"
    assert describe(cell(built(block="residual")))["residual_scale"] == "1"
    assert describe(cell(built(block="rezero")))["residual_scale"] == ""  # which has a scale of its own
    assert label(found, ["block", "last_init", "last_gain"]) == "pre_norm, 0.5" and label(found, ["last_init"]) == "–"
    strange = describe(cell(gradsim.network([Linear(4), LayerNorm(), Linear(4), A])))
    assert (strange["block"], strange["activation"], strange["init"]) == ("parts", "relu", "he_normal")
    assert (
        len(strange["layers"]) == 8 and strange["layers"] in describe(cell(gradsim.network([L, LayerNorm(), L, A])))["layers"]
    )


def test_tables_say_no_more_than_they_must():
    def names(*networks):
        return varying([cell(network) for network in networks])

    assert names(built(), built(norm="layer")) == ["norm"]
    assert names(built(), built(block="residual"), built(block="pre_norm")) == ["block"]
    scaled = [built(block="residual", residual_scale=scale) for scale in (1, "1/sqrt(depth)", "1/depth")]
    assert names(*scaled) == ["residual_scale"] and names(built(), *scaled) == ["block", "residual_scale"]
    assert names(*(built(block="residual", residual_scale="1/depth", depth=depth) for depth in (8, 16))) == ["depth"]


def test_a_file_has_columns_of_blocks_only_where_there_are_some():
    plain, other = describe(cell(built())), describe(cell(built(block="residual")))
    assert described([plain]) == [name for name in DESCRIPTIONS if name not in OF_BLOCKS]
    assert set(described([plain, other])) - set(described([plain])) == {"block", "block_depth", "residual_scale"}


def test_what_a_file_names_is_never_imported_to_describe_it(tmp_path, monkeypatch):
    (tmp_path / "evil_block.py").write_text("import pathlib\npathlib.Path('imported').touch()\n")
    monkeypatch.chdir(tmp_path)
    text = built(block="pre_norm", activation="tanh", last_activation="gelu", outputs=2).to_json()
    found = from_json(json.loads(text.replace('"tanh"', '"evil_block:f"').replace('"gelu"', '"bump_of_old"')))
    shown = describe(cell(found))
    assert (shown["block"], shown["activation"], shown["last_activation"]) == ("pre_norm", "evil_block:f", "bump_of_old")
    assert not (tmp_path / "imported").exists()
    broken = from_json(json.loads(text.replace('"width":4', '"init":"no_such","width":4')))
    assert describe(cell(broken))["block"] == "parts"


def test_functions_of_users_in_blocks():
    gradsim.activation("in_a_block", lambda h: 2.0 * h, lambda h: 2.0)
    made = built(block="residual", activation="in_a_block")
    assert made.activations[0].digest and describe(cell(made))["activation"] == "in_a_block"
    assert canonical_activation(" in_a_block ") == made.activation


@pytest.mark.parametrize(
    "inputs, words", [(2, "of 2 inputs: every unit becomes -1 and 1"), (3, "of 3 inputs: the mean square")]
)
def test_batch_norm_of_few_inputs_is_said(inputs, words):
    with_norm, without = built(block="resnet_v1"), built(block="pre_norm")
    assert words in batch_norm_note(with_norm, inputs) and "\n" not in batch_norm_note(with_norm, inputs)
    assert batch_norm_note(without, inputs) is None and batch_norm_note(with_norm, 4) is None


@pytest.mark.parametrize("pair", list(itertools.combinations(BLOCKS, 2)), ids="-".join)
def test_families_are_different_networks(pair):
    one, two = (built(block=name, depth=3) for name in pair)
    assert one != two and one.to_json() != two.to_json()
