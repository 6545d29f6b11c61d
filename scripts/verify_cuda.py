"""Holds the CUDA target against the CPU on a machine with a GPU, and times it: python scripts/verify_cuda.py --json cuda.json

It ends by its own clock, within 8 minutes, and writes its JSON anew after every step. With --tiny it runs in Numba's simulator
(NUMBA_ENABLE_CUDASIM=1), where normals are a few units in the last place from the CPU's.
"""

import json
import platform
import sys
import time
from importlib.metadata import version

import click
import numpy as np
from scipy.stats import ks_2samp

import gradsim
from gradsim.cuda import seam
from gradsim.cuda.place import DevicePlace
from gradsim.cuda.replaced import draws_of
from gradsim.cuda.team import WARP, team_of
from gradsim.cuda.twins import Twins
from gradsim.kernels.compilation import for_python
from gradsim.kernels.sampling import LAW_NORMAL, ROLE_FORWARD, sample_row
from gradsim.model.request import checked
from gradsim.simulation.chunks import Replicas, Workplace

LIMIT = 440.0  # seconds after which no step begins
START = time.monotonic()
KEY = np.array([1, 2], np.uint32)
ACTIVATIONS = {"tanh": "lecun_normal", "relu": "he_normal", "gelu": "xavier_normal", "sigmoid": "xavier_normal"}
SHAPES, TINY = ((16, 20), (256, 100), (1024, 50)), ((8, 1),)


def program_of(width, depth, activation, seed=0):
    network = gradsim.mlp(width=width, depth=depth, activation=activation, init=ACTIVATIONS[activation])
    return Replicas(network, checked(replicas=1, seed=seed, engine="matrix_free"))


def normals(count):
    """The part of normals that has the CPU's bits."""
    team, cuda = team_of(1 if seam.simulated() else WARP), seam.numba_cuda()
    draw = draws_of(team, Twins({}, {}, {}).of)["sampling", "sample_row"]

    def kernel(arrays):
        draw(LAW_NORMAL, arrays[0], 3, 5, ROLE_FORWARD, 0, count, arrays[1], arrays[2])

    words, cpu, gpu = np.zeros((4, count // 4), np.uint32), np.zeros(count, np.float32), np.zeros(count, np.float32)
    for_python(sample_row)(LAW_NORMAL, KEY, 3, 5, ROLE_FORWARD, np.int64(0), count, words, cpu)
    put = (lambda array: array) if seam.simulated() else cuda.to_device
    arrays = tuple(map(put, (KEY, words, gpu)))
    cuda.jit(kernel)[1, team.TEAM](arrays)
    found = arrays[2] if seam.simulated() else arrays[2].copy_to_host()
    return {"what": "normals", "count": count, "bit_equal": float(np.mean(cpu == found))}


def records(width, depth, activation, count):
    """The largest gap between logs of the CPU and of the GPU, and of which quantity it is."""
    made = program_of(width, depth, activation)
    cpu = Workplace(made.program, "carried", count).fill(made.program, made.key, 0, count).copy()
    gpu, doubtful = DevicePlace(made.program).compute(made.key, 0, count)
    gaps = np.where(cpu == gpu, 0.0, np.abs(cpu - gpu))[~doubtful]
    worst = {name: float(gaps[:, placed.columns].max(initial=0.0)) for name, placed in made.program.columns.placed.items()}
    name = max(worst, key=worst.get)
    return {"what": f"records {activation} {width}x{depth}", "gap": worst[name], "of": name, "doubtful": int(doubtful.sum())}


def law(width, depth, count):
    """Kolmogorov and Smirnov's test of the first layer's gradient: the CPU's networks of one seed, the GPU's of another."""
    cpu, gpu = program_of(width, depth, "tanh"), program_of(width, depth, "tanh", seed=1)
    column = cpu.program.columns.placed["gradient"].columns.start
    ours = Workplace(cpu.program, "carried", count).fill(cpu.program, cpu.key, 0, count)[:, column]
    theirs = DevicePlace(gpu.program).compute(gpu.key, 0, count)[0][:, column]
    return {"what": "law", "count": count, "p_value": float(ks_2samp(ours, theirs).pvalue)}


def speed(width, depth, activation, count):
    """Unit-layers a second: with records copied to the host, and compilation before."""
    made = program_of(width, depth, activation)
    place = DevicePlace(made.program)
    began = time.perf_counter()
    place.compute(made.key, 0, 1)
    compiled, seconds = time.perf_counter() - began, []
    for turn in range(3):
        began = time.perf_counter()
        place.compute(made.key, turn * count, count)
        seconds.append(time.perf_counter() - began)
    rate = count * width * depth / min(seconds)
    kernel = place.kernel
    registers = None if seam.simulated() else list(kernel.get_regs_per_thread().values())
    return {
        "what": f"speed {activation} {width}x{depth}",
        "unit_layers_a_second": rate,
        "seconds": seconds,
        "first": compiled,
        "teams": place.teams,
        "registers": registers,
    }


@click.command()
@click.option("--json", "path", help="Write what is found to this file.")
@click.option("--tiny", is_flag=True, help="As little as possible, for the simulator.")
def main(path, tiny):
    """Runs every step, prints what it finds, and ends with 1 where a step fails."""
    seam.require_device()
    found = {"versions": {name: version(name) for name in ("numba", "numpy")} | {"python": platform.python_version()}}
    found |= {"devices": [device.__dict__ for device in seam.devices()], "results": []}
    shapes, count = (TINY, 1) if tiny else (SHAPES, 64)
    steps = [lambda: normals(64 if tiny else 1 << 16)]
    steps += [lambda a=a, s=s: records(*s, a, count) for a in ACTIVATIONS for s in shapes]
    steps += [lambda: law(*shapes[0], 2 if tiny else 20_000)]
    speeds = (
        ((*TINY[0], "tanh", 1),) if tiny else ((256, 1000, "tanh", 5000), (256, 1000, "relu", 5000), (64, 1000, "tanh", 5000))
    )
    steps += [lambda s=s: speed(*s) for s in speeds]
    failed = False
    for step in steps:
        if time.monotonic() - START > LIMIT:
            print("out of time: the rest was not run")
            break
        try:
            result = step()
        except Exception as error:  # the other steps still tell something
            result, failed = {"what": "error", "error": repr(error)[:500]}, True
        found["results"].append(result)
        print(f"{time.monotonic() - START:6.1f} s  {result}", flush=True)
        if path:
            with open(path, "w", encoding="utf-8") as file:
                json.dump(found, file, indent=1)
    sys.exit(failed)


if __name__ == "__main__":
    main()
