"""A network of parts has one canonical form and one identity; plain ones keep the texts that their random numbers hang on."""

import json
import pickle
import time
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

import gradsim
from gradsim import Activation, BatchNorm, Dropout, LayerNorm, Linear, Repeat, RequestError, Residual, RMSNorm
from gradsim.model.stored import from_json
from gradsim.model.tables import table, tables, typed
from gradsim.program.graph import LINEAR, graph

PLAIN = json.loads((Path(__file__).parent / "store/golden/networks_1.json").read_text())
RELU = Activation("relu")
BRANCH = (LayerNorm(), Linear(16), RELU, Linear(4))


@pytest.mark.parametrize("options, text", PLAIN, ids=lambda value: str(value)[:40])
def test_plain_networks_have_the_texts_of_format_1(options, text):
    """As commit b31340f wrote them, before networks had parts."""
    made = gradsim.mlp(**options)
    assert made.to_json() == text and made.plain and not made.has_stream
    read = from_json(json.loads(text))
    assert read == made and hash(read) == hash(made) and read.to_json() == text


def parts_of_chain(network):
    """The parts of a plain network, written out."""
    parts = [part for repeat in network.blocks for _ in range(repeat.times) for part in repeat.parts]
    return [*parts, *network.readout]


@pytest.mark.parametrize("options, text", PLAIN, ids=lambda value: str(value)[:40])
def test_a_list_of_the_same_parts_is_the_same_network(options, text):
    made = gradsim.mlp(**options)
    again = gradsim.network(parts_of_chain(made), input_width=made.input_width)
    assert again == made and again.to_json() == text


def test_what_a_plain_network_says_of_itself():
    made = gradsim.mlp(width=[5, 5, 3], input_width=4, outputs=2, activation="tanh", init="lecun_normal", bias_std=0.5)
    assert (made.depth, made.widths, made.linear_widths, made.outputs) == (3, (5, 5, 3), (5, 5, 3, 2), 2)
    assert (made.activation, made.activation_digest, made.init, made.weight_gain) == ("tanh", None, "lecun_normal", 1.0)
    assert (made.bias, made.bias_std, made.usual_gain, made.usual_activation) == ("normal(0.5)", 0.5, 1.0, "tanh")
    assert [repeat.times for repeat in made.blocks] == [2, 1] and made.stem == () and len(made.readout) == 1
    assert [(fan_in, linear.width) for fan_in, linear in made.linear_maps] == [(4, 5), (5, 5), (5, 3), (3, 2)]


def split(parts):
    """(stem, blocks, readout) of a list of parts with an input of 4 units: what is where, as names."""
    made = gradsim.network(parts, input_width=4)
    return tuple(
        "".join(type(part).__name__[0] for part in some)
        for some in (made.stem, *(part.parts * part.times for part in made.blocks), made.readout)
    )


@pytest.mark.parametrize(
    "parts, expected",
    [
        ([Linear(4), RELU], ("", "LA", "")),
        ([Linear(4)], ("", "L", "")),
        ([Linear(4), RELU, Linear(2)], ("", "LA", "L")),
        ([Linear(4), Linear(2)], ("", "L", "L")),
        ([Linear(4), RELU, Linear(2), RELU], ("", "LA", "LA", "")),
        ([RMSNorm(), Dropout(0.5), Linear(4), LayerNorm(), RELU, Dropout(0.1)], ("RD", "LLAD", "")),
        ([Residual(BRANCH)], ("", "R", "")),
        ([Residual(BRANCH), LayerNorm(), RELU, Residual(BRANCH), Linear(2)], ("", "RLA", "R", "L")),
        ([Linear(4), RELU, Residual(BRANCH), Linear(4), RELU], ("LA", "R", "LA", "")),
        ([Linear(4), Linear(4), RELU, Residual(BRANCH)], ("LLA", "R", "")),
        ([RELU, Residual(BRANCH), Residual(BRANCH), Linear(9), Linear(9)], ("A", "RR", "L", "L")),
        ([Repeat([RELU, Linear(4)], 3)], ("A", "LALA", "L")),
        ([Repeat([Linear(4), RELU], 3), LayerNorm()], ("", "LALA", "LAL", "")),
    ],
)
def test_what_is_a_block(parts, expected):
    assert split(parts) == expected


def test_a_readout_that_is_given():
    parts = [Linear(4), RELU, Linear(4)]
    assert gradsim.network(parts, readout=()).depth == 2
    made = gradsim.network([Residual(BRANCH)], readout=[LayerNorm(), Linear(3)])
    assert made.outputs == 3 and made.depth == 1 and made.input_width == 4 and len(made.readout) == 2
    norm_only = gradsim.network([Residual(BRANCH)], readout=LayerNorm())
    assert norm_only.outputs is None and norm_only.readout == (LayerNorm(),)


@pytest.mark.parametrize(
    "parts, width",
    [
        ([Linear(7), RELU], 7),
        ([LayerNorm(), Linear(7)], 7),
        ([Residual([Linear(9), RELU, Linear(7)])], 7),
        ([Residual([Residual([Linear(9), Linear(6)]), RELU])], 6),
        ([Residual([Linear(9), RELU, Linear(7)], skip=Linear())], 9),
        ([Repeat([Residual([Repeat([Linear(5)], 2)])], 2)], 5),
        ([Repeat([RELU], 2), Linear(3)], 3),
    ],
)
def test_the_width_of_the_input(parts, width):
    assert gradsim.network(parts).input_width == width


# Lists of parts and the many ways to write them

NORMS = st.sampled_from([LayerNorm(), RMSNorm(), BatchNorm(), LayerNorm(0.0)])
SMALL = st.one_of(NORMS, st.just(RELU), st.sampled_from([Activation("tanh"), Activation("elu(0.3)"), Dropout(0.25)]))
LINEAR_4 = st.sampled_from([Linear(4), Linear(4, "lecun_normal"), Linear(4, gain=0.1), Linear(4, bias="normal(0.5)")])


def branches(inside):
    parts = st.lists(st.one_of(SMALL, LINEAR_4, *([] if inside is None else [inside])), min_size=1, max_size=4).map(tuple)
    return st.builds(Residual, parts, st.sampled_from([1.0, 0.5, 0.0]), st.sampled_from([None, Linear(4)]))


ONE = st.one_of(SMALL, LINEAR_4, LINEAR_4, branches(branches(None)))
LISTS = st.lists(ONE, min_size=1, max_size=6).filter(lambda parts: any("Linear" in repr(part) for part in parts))


@st.composite
def written(draw, parts):
    """The same parts with some of them, next to each other, in Repeats of one, and widths left out where they follow."""
    parts = [_spelled(draw, part) for part in parts]
    start, end = sorted((draw(st.integers(0, len(parts))), draw(st.integers(0, len(parts)))))
    if start < end:
        parts[start:end] = [Repeat(parts[start:end], 1)]
    return parts


def _spelled(draw, part):
    if isinstance(part, Linear) and draw(st.booleans()):
        return Linear(None if part.gain == 1 else 4, f" {part.init.upper()}_", part.gain, f" {part.bias} ")
    if isinstance(part, Activation):
        return Activation(draw(st.sampled_from([part.name, f" {part.name.upper()} "])))
    if isinstance(part, Residual):
        inner = [_spelled(draw, one) for one in part.parts]
        return Residual(draw(st.sampled_from([inner, [Repeat(inner, 1)]])), part.scale, part.skip and Linear())
    return part


@given(LISTS, st.integers(1, 3), st.data())
def test_one_network_has_one_identity_however_it_was_written(parts, times, data):
    one = gradsim.network(parts * times, input_width=4)
    two = gradsim.network([Repeat(data.draw(written(parts)), times)], input_width=4)
    assert one == two and hash(one) == hash(two) and one.to_json() == two.to_json()
    read = from_json(json.loads(one.to_json()))
    assert read == one and read.to_json() == one.to_json()
    assert pickle.loads(pickle.dumps(one)) == one
    assert sum(repeat.times for repeat in one.blocks) == one.depth == len(one.widths)
    assert all(a.parts != b.parts for a, b in zip(one.blocks, one.blocks[1:], strict=False))
    nodes = graph(one)
    maps = [node for node in nodes if node.kind == LINEAR]
    assert [(nodes[node.sources[0]].width, node.part) for node in maps] == list(one.linear_maps)
    assert [node.width for node in maps] == list(one.linear_widths)
    assert one.has_stream == any(node.kind == "add" and node.block in range(1, one.depth + 1) for node in nodes)
    assert max((node.stream for node in nodes), default=-1) == (one.depth if one.has_stream else -1)


@given(LISTS, LISTS)
def test_two_networks_have_two_identities(one, two):
    a, b = (gradsim.network([Linear(4), *parts], input_width=4) for parts in (one, two))
    assert (a == b) == (a.to_json() == b.to_json())


def test_the_whole_text_of_format_2():
    """Every byte of it: random numbers hang on them."""
    parts = [
        Linear(4, bias="normal(1)"),
        Repeat([Residual([RMSNorm(), Linear(8), Activation("gelu"), Dropout(0.1), Linear(4)], 0.5)], 3),
    ]
    made = gradsim.network([*parts, Linear(2, "zeros", 2)], input_width=3)
    assert made.to_json() == (
        '{"blocks":[{"parts":[{"part":"Residual","parts":[{"part":"RMSNorm"},{"part":"Linear","width":8},'
        '{"name":"gelu","part":"Activation"},{"p":0.1,"part":"Dropout"},{"part":"Linear","width":4}],"scale":0.5}],"times":3}],'
        '"format":2,"input_width":3,"readout":[{"gain":2.0,"init":"zeros","part":"Linear","width":2}],'
        '"stem":[{"bias":"normal(1.0)","part":"Linear","width":4}]}'
    )
    other = gradsim.network([Residual([LayerNorm(0), Linear(5, "torch_default")], skip=Linear(5))], input_width=3)
    assert '"parts":[{"epsilon":0.0,"part":"LayerNorm"},{"bias":"fan_in_uniform","init":"torch_default",' in other.to_json()
    assert '"skip":{"part":"Linear","width":5}' in other.to_json()


def test_a_million_equal_layers_are_two_numbers():
    start = time.process_time()
    for parts in ([Linear(8), RELU], [Residual(BRANCH)]):
        made = gradsim.network([Repeat(parts, 10**6)])
        assert made.depth == 10**6 and len(made.blocks) == 1 and len(made.widths) == 10**6
    deep = gradsim.mlp(width=8, depth=10**6, block="pre_norm")
    assert len(deep.blocks) == 1 and len(deep.to_json()) < 500 and deep.linear_widths == (8,) * 2 * 10**6
    assert time.process_time() - start < 30


def test_what_differs_between_parts_has_no_one_value():
    made = gradsim.network([Linear(4), RELU, Linear(4, "zeros", 0.5, "constant(1)"), Activation("tanh")])
    for name, words in (
        ("activation", r"one activation, and it has several of them \(relu, tanh\)"),
        ("activation_digest", "one activation"),
        ("init", r"one initializer, .* \(he_normal, zeros\)"),
        ("weight_gain", r"one weight gain, .* \(1.0, 0.5\)"),
        ("bias", r"one law of biases, .* \(zeros, constant\(1.0\)\)"),
        ("bias_std", "one law of biases"),
    ):
        with pytest.raises(RequestError, match=words) as error:
            getattr(made, name)
        assert "\n" not in str(error.value)
    with pytest.raises(RequestError, match="one activation, and it has none"):
        _ = gradsim.network([Linear(4)]).activation
    assert not made.plain and (made.usual_gain, made.usual_activation) == (1.0, "relu")


def test_another_gain_keeps_the_ratio_to_the_usual_one():
    made = gradsim.mlp(width=4, depth=3, block="residual", outputs=2, last_gain=0.1, weight_gain=2.0)
    again = made.with_gain(3.0)
    assert again == gradsim.mlp(width=4, depth=3, block="residual", outputs=2, last_gain=0.1 / 2 * 3, weight_gain=3.0)
    assert made.with_gain(2.0) is made
    plain = gradsim.mlp(width=4, depth=3, outputs=2)
    assert plain.with_gain(0.3) == gradsim.mlp(width=4, depth=3, outputs=2, weight_gain=0.3)
    with pytest.raises(RequestError, match="weight_gain"):
        plain.with_gain(float("nan"))


REFUSED = {
    "no parts": (lambda: gradsim.network([]), "network: there are no parts"),
    "no list": (lambda: gradsim.network("relu"), "network: 'relu' is not a list of parts"),
    "no part": (lambda: gradsim.network([Linear(4), "relu"]), "network: 'relu' is not a part; parts are Linear"),
    "a class": (lambda: gradsim.network([Linear(4), LayerNorm]), "is not a part"),
    "an empty residual": (lambda: Residual([]), "Residual: there are no parts"),
    "an empty repeat": (lambda: Repeat([], 3), "Repeat: there are no parts"),
    "a part within that is none": (lambda: Residual([Linear(4), 3]), "Residual: 3 is not a part"),
    "no linear map": (lambda: gradsim.network([RELU, LayerNorm()], input_width=4), "network: there is no linear map"),
    "none in a residual": (lambda: gradsim.network([Residual([RELU])], input_width=4), "network: there is no linear map"),
    "no block": (lambda: gradsim.network([LayerNorm()], 4, readout=[Linear(4)]), "no block before its readout"),
    "another width": (
        lambda: gradsim.network([Residual([Linear(8), RELU])], input_width=4),
        "Residual: 4 units go in and its parts give 8; a skip between different widths needs a projection: Residual",
    ),
    "another width in the second copy": (
        lambda: gradsim.network([Repeat([Residual([Linear(4)]), Linear(8)], 2)]),
        "Residual: 8 units go in and its parts give 4",
    ),
    "another width of the skip": (
        lambda: gradsim.network([Residual([Linear(8)], skip=Linear(5))], input_width=4),
        "Residual: its skip gives 5 units and its parts 8",
    ),
    "a skip that is no linear map": (lambda: Residual([Linear(8)], skip=RELU), "Residual: skip: .* is not a Linear"),
    "an unknown width": (lambda: gradsim.network([Linear(), RELU]), "the width of the input is not known: give input_width"),
    "a width of 0": (lambda: Linear(0), "Linear: width: 0 is not a whole number from 1"),
    "an input of 0": (lambda: gradsim.network([Linear(4)], input_width=0), "network: input_width: 0 is not"),
    "an unknown initializer": (lambda: Linear(4, "he_norml"), "init: unknown name 'he_norml'; did you mean he_normal"),
    "an unknown activation": (lambda: Activation("rleu"), "activation: unknown name 'rleu'; did you mean relu"),
    "an unknown bias": (lambda: Linear(4, bias="zeroes"), "bias: unknown name 'zeroes'; did you mean zeros"),
    "a law that cannot be": (lambda: gradsim.network([Linear(4), RELU, Linear(2, "sparse(9)")]), "init: sparse"),
    "a gain that is none": (lambda: Linear(4, gain=float("inf")), "Linear: gain: inf is not a finite number"),
    "dropout of 1": (lambda: Dropout(1), "Dropout: p: 1 is not from 0 to below 1; it is the probability of dropping"),
    "dropout below 0": (lambda: Dropout(-0.1), "Dropout: p: -0.1 is not from 0 to below 1"),
    "dropout of a text": (lambda: Dropout("0.5"), "Dropout: p: '0.5' is not a finite number"),
    "an epsilon below 0": (lambda: RMSNorm(-1e-5), "RMSNorm: epsilon: -1e-05 is not a finite number of 0 or more"),
    "a scale that is none": (lambda: Residual([RELU], scale="zero"), "Residual: scale: 'zero' is not a finite number"),
    "no times": (lambda: Repeat([RELU], 0), "Repeat: times: 0 is not a whole number from 1"),
    "too many parts": (
        lambda: gradsim.network([Repeat([Repeat([Linear(4), RELU], 2**32 - 1)], 2**32 - 1)]),
        "network: .* parts would take",
    ),
}


@pytest.mark.parametrize("what", REFUSED)
def test_what_cannot_be_is_one_line(what):
    make, words = REFUSED[what]
    with pytest.raises(RequestError, match=words) as error:
        make()
    assert "\n" not in str(error.value) and len(str(error.value)) < 300


def test_parts_in_parts_have_an_end():
    part = RELU
    for _ in range(49):
        part = Residual([part])
    with pytest.raises(RequestError, match="Residual: parts lie in each other more than 50 deep"):
        Residual([part])


# Tables: TOML, the command line and files

TABLES = [
    {"part": "Linear", "width": 4, "init": "Kaiming_Normal"},
    {
        "part": "Repeat",
        "times": 2,
        "parts": [{"part": "Residual", "parts": [{"part": "LayerNorm"}, {"part": "Linear"}], "scale": 0.5}],
    },
    {"part": "Linear", "width": 2, "bias": "normal(1)"},
]


def test_tables_are_parts():
    expected = [Linear(4), Repeat([Residual([LayerNorm(), Linear()], 0.5)], 2), Linear(2, bias="normal(1)")]
    assert list(typed("--layers", TABLES)) == expected
    made = gradsim.mlp(layers=TABLES)
    assert made == gradsim.network(expected) == gradsim.mlp(layers=expected) and made.outputs == 2
    assert gradsim.mlp(layers=TABLES, input_width=9).input_width == 9
    assert typed("x", tables(expected[:1])) == (expected[0],)
    assert table(expected[1]) == {"part": "Repeat", "times": 2, "parts": tables(expected[1].parts)}


@pytest.mark.parametrize(
    "layers, words",
    [
        ([{"part": "Liner"}], "layers: part: unknown name 'Liner'; did you mean Linear"),
        ([{"part": "Linear", "widht": 3}], "layers: Linear: unknown name 'widht'; did you mean width"),
        ([{"part": "Activation"}], "layers: Activation: name is not given"),
        ([{"part": "Activation", "name": "relu", "digest": "0"}], "layers: Activation: unknown name 'digest'"),
        ([{"part": "Dropout", "p": 2}], "Dropout: p: 2 is not from 0"),
        ([{"part": "Residual", "parts": 3}], "layers: Residual: 3 is not a list of parts"),
        ([{"part": "Residual", "parts": []}], "Residual: there are no parts"),
        ([{"part": "Residual", "parts": ["relu"]}], "layers: Residual: 'relu' is not a part"),
        ([{"part": "Residual", "parts": [{"part": "Linear"}], "skip": 3}], "layers: Residual: skip: 3 is not a part"),
        ([{"width": 3}], "layers: .* is not a part; write"),
        ([{"part": ["Linear"]}], "layers: part: unknown name"),
        ([3], "layers: .* is not a list of tables"),
        ([], "layers: .* is not a list of tables"),
        ("relu", "layers: 'relu' is not a list of tables"),
    ],
)
def test_tables_that_are_none(layers, words):
    with pytest.raises(RequestError, match=words) as error:
        gradsim.mlp(layers=layers)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize("options", [{"depth": 3}, {"outputs": 2}, {"norm": "rms"}, {"last_gain": 0.1}, {"init": "zeros"}])
def test_layers_say_everything(options):
    with pytest.raises(RequestError, match=r"^[a-z_]+: does not go with layers"):
        gradsim.mlp(layers=TABLES, **options)


FORMAT_2 = json.loads(gradsim.mlp(width=4, depth=2, block="pre_norm", outputs=2).to_json())


@pytest.mark.parametrize(
    "change, words",
    [
        (lambda d: d.update(format=4), "format 4; this gradsim reads formats 1, 2 and 3"),
        (lambda d: d.pop("format"), "format None"),
        (lambda d: d.update(input_width="4"), "a width is '4'"),
        (lambda d: d.update(input_width=True), "a width is True"),
        (lambda d: d.update(blocks=3), "blocks is 3"),
        (lambda d: d.update(blocks=[]), "no block before its readout"),
        (lambda d: d["blocks"][0].update(times=0), "Repeat: times: 0"),
        (lambda d: d["blocks"][0].pop("times"), "blocks: Repeat: times is not given"),
        (lambda d: d["blocks"][0].update(colour=1), "blocks: Repeat: unknown name 'colour'"),
        (lambda d: d.update(stem=3), "stem: 3 is not a list of parts"),
        (lambda d: d["readout"][0].update(init=3), "Linear: init is 3, not a text"),
        (lambda d: d["readout"][0].update(bias=None), "Linear: bias is None, not a text"),
        (lambda d: d["readout"].append({"part": "Activation", "name": 3}), "Activation: name is 3, not a text"),
        (lambda d: d["readout"].append({"part": "Activation", "name": "relu", "digest": 3}), "digest is 3, not a text"),
        (lambda d: d["readout"][0].update(width=None), None),
    ],
)
def test_a_description_that_is_none(change, words):
    described = json.loads(json.dumps(FORMAT_2))
    change(described)
    if words is None:  # a width that follows from what comes in
        assert from_json(described).outputs == 4
        return
    with pytest.raises(RequestError, match=words):
        from_json(described)


FORMAT_1 = json.loads(gradsim.mlp(width=[4, 3], bias_std=0.5, outputs=2).to_json())


@pytest.mark.parametrize(
    "change, words",
    [
        ({"widths": []}, "there are no widths"),
        ({"widths": "444"}, "widths is '444'"),
        ({"widths": [4, -1]}, "a width is -1"),
        ({"widths": [4, 2.0]}, "a width is 2.0"),
        ({"input_width": None}, "a width is None"),
        ({"outputs": "2"}, "a width is '2'"),
        ({"activation": 3}, "activation is 3"),
        ({"init": None}, "init is None"),
        ({"bias": 1}, "bias is 1"),
        ({"bias_std": 0.25}, r"bias_std is 0.25, which is not that of normal\(0.5\)"),
        ({"weight_gain": "1"}, "weight_gain is '1'"),
        ({"weight_gain": True}, "weight_gain is True"),
        ({"activation_digest": 3}, "digest is 3"),
    ],
)
def test_a_description_of_a_plain_network_that_is_none(change, words):
    with pytest.raises(RequestError, match=words):
        from_json(FORMAT_1 | change)
    for described, said in (
        (FORMAT_1 | {"colour": 1}, "there is an unknown 'colour'"),
        ({name: value for name, value in FORMAT_1.items() if name != "init"}, "there is no init"),
        (FORMAT_2 | {"depth": 1}, "there is an unknown 'depth'"),
    ):
        with pytest.raises(RequestError, match=said):
            from_json(described)
    with pytest.raises(RequestError, match="the network is 3"):
        from_json(3)


def test_texts_of_a_file_stay_as_they_are_and_nothing_is_looked_up():
    described = json.loads(json.dumps(FORMAT_2))
    described["readout"] = [
        {"part": "Linear", "width": 2, "init": "Kaiming_normal_"},
        {"part": "Activation", "name": "not.there:f"},
    ]
    made = from_json(described)
    assert json.loads(made.to_json()) == described
    with pytest.raises(RequestError, match=r"'not\.there:f' is not known to this process, and a file never imports code"):
        gradsim.model.activations.check_given(made)


def test_every_function_of_the_tree_must_be_the_one_it_was_made_with():
    gradsim.activation("leaf", lambda h: 2.0 * h, lambda h: 2.0)
    made = gradsim.network([Linear(4), RELU, Residual([Residual([Linear(4), Activation("leaf")])])])
    assert len(made.activations) == 2 and made.activations[1].digest in made.to_json()
    gradsim.model.activations.check_given(made)
    gradsim.activation("leaf", lambda h: 3.0 * h, lambda h: 3.0)
    with pytest.raises(RequestError, match="'leaf' was another function when this network was made"):
        gradsim.model.activations.check_given(made)
    again = from_json(json.loads(made.to_json()))
    assert again == made
