"""A plain chain gives what the reference gave when it was a chain by parity: numbers of then, stored."""

import json
from pathlib import Path

import numpy as np
import pytest

from gradsim import mlp, reference

CASES = json.loads((Path(__file__).parent / "plain_chains.json").read_text())


@pytest.mark.parametrize("case", CASES, ids=[f"{k}-{case['network']['activation']}" for k, case in enumerate(CASES)])
def test_the_numbers_of_the_chain(case):
    """The same bits where they were made; 1e-12 leaves room for the sums of another BLAS."""
    found = reference.run(mlp(**case["network"]), case["replica"], **case["options"])
    assert list(found) == list(case["records"])
    for name, expected in case["records"].items():
        np.testing.assert_allclose(found[name], expected, rtol=1e-12, atol=1e-12, err_msg=name)
