"""The kernels of training as plain Python give what the compiled ones give."""

import os
import subprocess
import sys

import numpy as np

SCRIPT = """
import sys, numpy as np, gradsim
inputs, labels = np.random.default_rng(1).standard_normal((12, 5)), np.arange(12)[:, None] % 3
found, shape = [], dict(width=5, depth=1, input_width=5, outputs=3, dropout=0.25, activation="tanh")
for block, init, float_type, optimizer in (
    ("plain", "orthogonal", "float32", "sgd"),
    ("pre_norm", "he_normal", "float64", "adam"),
    ("resnet_v2", "he_uniform", "float32", "sgd"),
):
    options = dict(batch_size=3, steps=2, replicas=1, held_out=0.25, float_type=float_type, optimizer=optimizer)
    trained = gradsim.train(gradsim.mlp(block=block, init=init, **shape), (inputs, labels), **options)
    found += [trained[name].ravel() for name in ("loss_mean", "weight_change_log_mean", "activation_log_mean")]
np.save(sys.argv[1], np.concatenate(found))
"""


def test_without_jit(tmp_path):
    results = []
    for disabled in ("0", "1"):
        path = tmp_path / f"{disabled}.npy"
        subprocess.run([sys.executable, "-c", SCRIPT, path], check=True, env=os.environ | {"NUMBA_DISABLE_JIT": disabled})
        results.append(np.load(path))
    np.testing.assert_allclose(results[1], results[0], rtol=1e-4, atol=1e-4)
    assert np.isfinite(results[0]).sum() > 15
