"""The kernels as plain Python give what the compiled ones give."""

import os
import subprocess
import sys

import numpy as np

SCRIPT = """
import sys, numpy as np
from gradsim.model.network import mlp
from gradsim.simulation.chunks import folded_chunks
inits = [("gelu", "he_normal"), ("tanh", "uniform(-1,2)"), ("relu", "constant(0.5)"), ("tanh", "orthogonal")]
networks = [mlp(width=[3, 5], activation=a, init=i, bias_std=0.3, outputs=1, input_width=16) for a, i in inits]
networks += [mlp(width=[2, 2], activation=a, init="rademacher(9)", outputs=2) for a in ("tanh", "sigmoid")]  # sums cancel
keep = lambda records, unresolved: np.concatenate([records, unresolved[:, None]], axis=1)
found = [np.concatenate(list(folded_chunks(network, keep, replicas=3, inputs=b))) for network in networks for b in (1, 2)]
assert any(records[:, -1].any() for records in found)
np.save(sys.argv[1], found)
"""


def test_without_jit(tmp_path):
    results = []
    for disabled in ("0", "1"):
        path = tmp_path / f"{disabled}.npy"
        environment = os.environ | {"NUMBA_DISABLE_JIT": disabled}
        subprocess.run([sys.executable, "-c", SCRIPT, path], check=True, env=environment)
        results.append(np.load(path))
    np.testing.assert_allclose(results[1], results[0], rtol=1e-4, atol=1e-4)
