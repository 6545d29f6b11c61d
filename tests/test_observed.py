"""Models of other libraries as their calls: layers, places and columns of records, and descriptions that are none."""

import json

import numpy as np
import pytest

from gradsim import RequestError
from gradsim.model.observed import Call, Observed
from gradsim.model.stored import from_json
from gradsim.statistics.blocks import blocks_of

LACKING = ("dead_fraction", "saturated_fraction")
CALLS = (
    Call("linear", 0, "stem", "Linear", "stem", 8, 32, ()),
    Call("norm", 1, "norm", "LayerNorm", "blocks.0.norm", 8, 8, ("norm_shift_gradient",)),
    Call("linear", 1, "in", "Linear", "blocks.0.in", 16, 128, ()),
    Call("activation", 1, "act", "GELU", "blocks.0.act", 16, 0, ()),
    Call("linear", 1, "out", "Linear", "blocks.0.out", 8, 128, ("bias_gradient",)),
    Call("linear", 2, "in", "Linear", "blocks.1.in", 8, 64, ()),
    Call("linear", 3, "head", "Linear", "head", 4, 32, ()),
)
MODEL = Observed("Net", 4, 4, 2, (8, 8, 8), ("stem", "blocks.0", "blocks.1", "head"), LACKING, CALLS)


def test_quantities_lie_where_modules_were_called():
    blocks = blocks_of(MODEL, 2)
    assert blocks.depth == 2 and blocks.widths.tolist() == [8, 8, 8, 4] and MODEL.widths == (8, 8)
    assert blocks.places == ("input", "norm", "in", "act", "out", "head", "stem")
    there = {name: np.argwhere(blocks.defined(name)).tolist() for name in ("gradient", "bias_gradient", "stream", "activation")}
    assert there["gradient"] == [[0, 6], [1, 2], [1, 4], [2, 2], [3, 5]]
    assert there["bias_gradient"] == [[0, 6], [1, 2], [2, 2], [3, 5]]
    assert there["stream"] == [[0], [1], [2]] and there["activation"] == [[0, 0], [1, 3]]
    assert not set(LACKING) & set(blocks.rows)
    (weights,) = (way for way in blocks.ways if way.quantity == "weight_gradient")
    np.testing.assert_allclose(np.exp(weights.log_entries), [32, 64, 128, 128, 32])  # from the last layer down


def test_without_blocks_each_map_is_a_layer():
    calls = (Call("linear", 1, "linear1", "Linear", "0", 6, 24, ()), Call("linear", 2, "linear1", "Linear", "1", 3, 18, ()))
    model = Observed("Chain", 4, 3, 1, (), ("", "0", "1"), LACKING, calls)
    blocks = blocks_of(model, 1)
    assert (blocks.places, blocks.depth, blocks.widths.tolist(), model.widths) == ((), 1, [4, 6, 3], (6,))
    assert blocks.defined("gradient").tolist() == [False, True, True] and "correlation" not in blocks.rows


def test_a_description_is_read_back():
    assert from_json(json.loads(MODEL.to_json())) == MODEL
    assert repr(MODEL) == "<Net, observed: 2 blocks>" and MODEL.words["activation"] == "gelu"


@pytest.mark.parametrize(
    "change, words",
    [
        ({"calls": 3}, "calls is 3, not a list"),
        ({"calls": []}, "are not in order, or none of them is a linear map"),
        ({"calls": [3]}, "a call of an observed model is 3"),
        ({"calls": json.loads(json.dumps([CALLS[6], *CALLS[:6]]))}, "are not in order"),
        ({"calls": [["sum", *CALLS[0][1:7], []]]}, "a call of an observed model is"),
        ({"calls": [[*CALLS[0][:5], 8.0, 32, []]]}, "has 8.0 for its width"),
        ({"calls": [[*CALLS[0][:5], 8, 32, ["loss"]]]}, "a call of an observed model is"),
        ({"model": 3}, "has 3 for a text"),
        ({"depth": True}, "has True for its depth"),
        ({"depth": 3}, "other numbers of streams or modules"),
        ({"streams": [8, -1, 8]}, "has -1 for its streams"),
        ({"streams": []}, "without a linear map|other numbers"),
        ({"modules": ["a"]}, "other numbers of streams or modules"),
        ({"format": 5}, "has format 5"),
        ({"more": 1}, "an observed model has model, input_width, .* not"),
    ],
)
def test_a_description_that_is_none(change, words):
    found = json.loads(MODEL.to_json()) | change
    if found["streams"] == []:
        found["calls"] = [call for call in found["calls"] if call[1] != 2]
    with pytest.raises(RequestError, match=words) as caught:
        from_json(found)
    assert "\n" not in str(caught.value)
