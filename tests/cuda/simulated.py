"""Cases of the CUDA target in Numba's simulator against the CPU's engine: a program, which prints what came out as JSON.

Run with NUMBA_ENABLE_CUDASIM=1; `test_simulator.py` does so once and looks at every case.
"""

import json
import time

import numpy as np

import gradsim
from gradsim.cuda.place import DevicePlace
from gradsim.kernels.activations import ACTIVATIONS
from gradsim.model.request import checked
from gradsim.simulation.chunks import Replicas, Workplace

ROWS = np.random.default_rng(1).standard_normal((5, 6)).astype(np.float32)


def mlp(width=7, depth=2, **options):
    return gradsim.mlp(width=width, depth=depth, **options)


def blocks(**options):
    return mlp(6, 2, **options)


def cases():
    """Yield (name, network, run, threads of a team)."""
    for entry in ACTIVATIONS:
        yield f"activation {entry.name}", mlp(activation=entry.name, bias="normal(0.3)"), {}, 1
    for team in (2, 4):
        yield f"chain, team {team}", mlp(10, activation="tanh"), {}, team
        yield f"cross_entropy, team {team}", mlp(outputs=5), {"loss": "cross_entropy"}, team
        yield f"beyond float32, team {team}", mlp(activation="gelu", weight_gain=1e12), {}, team
    yield "haar, inputs 2, team 2", mlp([6, 5], init="orthogonal(1.2)"), {"inputs": 2}, 2
    yield "haar, inputs 1, team 4", mlp([6, 5], init="orthogonal(1.2)"), {}, 4
    yield "norm, dropout, team 4", mlp(6, 1, block="pre_norm", norm="layer", dropout=0.3), {}, 4
    yield "batch norm, inputs 2, team 2", mlp(5, 1, block="post_norm", norm="batch"), {"inputs": 2}, 2
    yield "means", mlp(init="normal(0.2,0.5)", bias="constant(0.3)", activation="tanh"), {}, 1
    yield "unlike widths", mlp([9, 4, 12], depth=3, activation="gelu", input_width=5), {}, 1
    yield "width 1", mlp(1, 3, activation="tanh"), {"inputs": 2}, 1
    yield "two activations", mlp(activation="tanh", last_activation="sigmoid"), {}, 1
    for law in ("uniform(-0.2,0.3)", "fan_in_uniform"):
        yield f"bias {law}", mlp(bias=law), {}, 1
    for loss in ("mse", "cross_entropy"):
        for inputs in (1, 3):
            yield f"{loss}, inputs {inputs}", mlp(outputs=4), {"loss": loss, "inputs": inputs}, 1
    yield "shared probe", mlp(), {"inputs": 3, "probe": "shared", "input_correlation": 0.6}, 1
    given = {"input_file": ROWS, "target_file": ROWS[:, :1] * 0 + 1.0, "loss": "cross_entropy", "inputs": 2}
    yield "files", mlp(outputs=3, input_width=6), given, 1
    for init in ("orthogonal", "identity", "he_normal"):
        for inputs in (1, 3):
            yield f"{init}, inputs {inputs}", mlp([6, 6, 4], 3, init=init), {"inputs": inputs}, 1
    for block, norm, inputs in (("residual", None, 1), ("pre_norm", "rms", 1), ("rezero", None, 3), ("resnet_v2", "batch", 3)):
        yield f"{block}, inputs {inputs}", blocks(block=block, norm=norm, activation="tanh"), {"inputs": inputs}, 1
    yield "post_norm, inputs 2", blocks(block="post_norm", norm="layer"), {"inputs": 2}, 1
    yield "dropout, inputs 3", blocks(dropout=0.4), {"inputs": 3}, 1
    for name, gain in (("relu", 1e-30), ("relu", 1e25), ("gelu", 1e12), ("sigmoid", 1e-25), ("tanh", 1e-20), ("softplus", 1e3)):
        yield f"beyond float32: {name}, gain {gain:g}", mlp(activation=name, weight_gain=gain), {}, 1
    yield "beyond float32: tanh' by logs", mlp(activation="tanh", weight_gain=60.0), {}, 1
    yield "in doubt", mlp(activation="erf", weight_gain=1e10), {}, 1


def compared(network, run, team):
    """What differs between the CPU's records and the simulator's: of one replica where threads wait for each other."""
    count = 2 if team == 1 else 1
    replicas = Replicas(network, checked(replicas=count, engine="matrix_free", **run))
    program, key = replicas.program, replicas.key
    cpu = Workplace(program, "carried", count).fill(program, key, 0, count).copy()
    found, doubtful = DevicePlace(program, team, teams=1).compute(key, 0, count)
    again = found if team > 1 else DevicePlace(program, team, teams=3).compute(key, 1, 1)[0]
    with np.errstate(all="ignore"):
        gaps = np.where(cpu == found, 0.0, np.abs(cpu - found) / np.maximum(1.0, np.abs(cpu)))
    gaps[np.isnan(cpu) & np.isnan(found)] = 0.0
    gaps = gaps[~doubtful]
    return {
        "gaps": {name: float(gaps[:, placed.columns].max(initial=0.0)) for name, placed in program.columns.placed.items()},
        "finite": int(np.isfinite(cpu).sum()),
        "doubtful": int(doubtful.sum()),
        "same_anywhere": bool(np.array_equal(again[0], found[-1], equal_nan=True)),
    }


def curves(**more):
    """Of the engine that users ask for, over several chunks, with what the CPU computes again."""
    options = {"replicas": 270, "seed": 3} | more
    sound, doubtful = gradsim.mlp(width=3, depth=1), gradsim.mlp(width=2, depth=1, activation="erf", weight_gain=1e10)
    gaps = []
    for network, count in ((sound, 270), (doubtful, 4)):
        cpu = gradsim.simulate(network, **options | {"engine": "matrix_free", "replicas": count})
        gpu = gradsim.simulate(network, **options | {"engine": "cuda", "replicas": count})
        assert cpu.variables.keys() == gpu.variables.keys()
        pairs = [(cpu.variables[name], gpu.variables[name]) for name in cpu.variables]
        same = [np.allclose(a, b, 1e-5, 1e-5, equal_nan=True) for a, b in pairs]
        gaps.append((sum(same), len(same)))
    return {"alike": gaps, "engine": gpu.run["engine_used"]}


if __name__ == "__main__":
    with np.errstate(all="ignore"):
        result = {}
        for name, network, run, team in cases():
            began = time.process_time()
            result[name] = compared(network, run, team) | {"seconds": time.process_time() - began}
        print(json.dumps({"cases": result, "curves": curves()}))
