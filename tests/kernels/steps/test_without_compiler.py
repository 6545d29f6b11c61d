"""The kernels say the same as plain Python, which NUMBA_DISABLE_JIT=1 makes of them."""

import os
import subprocess
import sys

import numpy as np

from tests.kernels.steps.outcomes import outcomes


def test_compiled_steps_are_the_written_ones(tmp_path):
    path = tmp_path / "plain.npz"
    environment = os.environ | {"NUMBA_DISABLE_JIT": "1", "PYTHONPATH": os.pathsep.join(p or os.getcwd() for p in sys.path)}
    subprocess.run([sys.executable, "-m", "tests.kernels.steps.outcomes", str(path)], env=environment, check=True)
    plain, compiled = np.load(path), outcomes()
    assert set(plain) == set(compiled)
    assert any(compiled[name].any() for name in compiled if name.endswith("doubts"))
    for name, found in compiled.items():
        if found.dtype == np.int64:
            assert np.array_equal(found, plain[name]), name
        else:
            assert np.allclose(found, plain[name], rtol=2e-6, atol=4e-6, equal_nan=True), name
