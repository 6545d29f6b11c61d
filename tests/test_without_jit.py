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
networks += [mlp(width=4, depth=2, block=b, dropout=0.3, activation="tanh") for b in ("pre_norm", "post_norm", "resnet_v1")]
keep = lambda records, unresolved: (np.array(records), np.array(unresolved))
some = [(network, inputs) for network in networks for inputs in (1, 3) if inputs > 1 or not network.has_batch_norm]
found = [list(folded_chunks(network, keep, replicas=3, inputs=inputs)) for network, inputs in some]
assert any(unresolved.any() for chunks in found for _, unresolved in chunks)
np.save(sys.argv[1], np.concatenate([array.ravel() for chunks in found for chunk in chunks for array in chunk]))
"""


def test_without_jit(tmp_path):
    results = []
    for disabled in ("0", "1"):
        path = tmp_path / f"{disabled}.npy"
        environment = os.environ | {"NUMBA_DISABLE_JIT": disabled}
        subprocess.run([sys.executable, "-c", SCRIPT, path], check=True, env=environment)
        results.append(np.load(path))
    np.testing.assert_allclose(results[1], results[0], rtol=1e-4, atol=1e-4)
