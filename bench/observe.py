"""What watching a PyTorch model costs: python -m bench.observe.

`gradsim.torch.observe` against the bare loop that a user would write: make a model, hook its modules, run it forward and back.
The hooks of the loop compute the same numbers of the same tensors by the same functions (`gradsim.torch.measuring`), and put
them in a list. So what is between the two is all that observe does beside: which module is called when, records, and the
statistics over networks. All take turns, on one thread of PyTorch, whose CPU time is told, and ratios are taken within a
round. Beside it, the loop without hooks.
"""

import time
from pathlib import Path

import click
import numpy as np
import torch
from rich.console import Console
from rich.table import Table
from torch import nn

import gradsim
from gradsim.torch.measuring import mean_square, measures, spread
from gradsim.torch.watching import blocks_of, first_tensor, kind_of

from . import timing

RESULT = Path(__file__).with_name("results") / "observe.json"
ALLOWED = 1.3  # times the bare loop with the same hooks
REPLICAS = 10  # a call


def chain(depth, width):
    return nn.Sequential(*(part for _ in range(depth) for part in (nn.Linear(width, width), nn.Tanh())))


def convolutions():
    maps = (nn.Conv2d(channels, 32, 3, padding=1) for channels in (3, *[32] * 7))
    layers = (part for convolution in maps for part in (convolution, nn.BatchNorm2d(32), nn.ReLU()))
    return nn.Sequential(*layers, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(32, 10))


def transformer():
    layers = (nn.TransformerEncoderLayer(64, 4, 256, batch_first=True) for _ in range(6))
    return nn.Sequential(*layers, nn.Linear(64, 10))


MODELS = {
    "100 layers of 64, 2 inputs": (lambda: chain(100, 64), lambda: torch.randn(2, 64)),
    "20 layers of 256, 32 inputs": (lambda: chain(20, 256), lambda: torch.randn(32, 256)),
    "8 convolutions, 8 images": (convolutions, lambda: torch.randn(8, 3, 16, 16)),
    "6 transformer layers, 4 texts": (transformer, lambda: torch.randn(4, 32, 64)),
}


def bare(make, inputs, hooked):
    """The loop, with hooks that are told of nothing but their own tensors, or without."""
    found = []
    for replica in range(REPLICAS):
        torch.manual_seed(replica)
        model, leaf = make(), inputs().requires_grad_()
        x = leaf.clone()
        if hooked:
            hook(model, len(x), found)
        y = model(x)
        gradients = []
        y.register_hook(gradients.append)
        (torch.randn(y.shape) * y).sum().backward()
        if hooked:
            found += [measures(leaf, len(x)), mean_square([leaf.grad]), mean_square(gradients)]
            found += [mean_square([parameter.grad]) for parameter in model.parameters()]
    return found


def hook(model, inputs, found):
    """Has a list get the numbers of all modules."""
    blocks = blocks_of(model)

    def both(module, arguments, output):
        tensor = first_tensor(output)
        found.append(measures(tensor, inputs))
        tensor.register_hook(lambda gradient: found.append(measures(gradient, inputs)))

    def forward(module, arguments, output):
        found.extend((measures(output, 1), spread(output, inputs)))

    for module in model.modules():
        kind = kind_of(module)
        if kind in ("linear", "activation"):
            module.register_forward_hook(both if kind == "linear" else forward)
        if module in blocks:
            module.register_forward_hook(both)


def measured(name, count, target):
    """{"observe", "hooks", "bare": CPU ms a model, "ratio": observe over the loop with the same hooks}."""
    make, inputs = MODELS[name]
    contenders = {
        "observe": lambda: gradsim.torch.observe(make, inputs, replicas=REPLICAS, progress=False),
        "hooks": lambda: bare(make, inputs, True),
        "bare": lambda: bare(make, inputs, False),
    }
    taken = timing.rounds(contenders, count, target, time.process_time)
    ratio = np.array(taken["observe"]) / np.array(taken["hooks"])
    each = {who: timing.summary(samples, 1e3 / REPLICAS) for who, samples in taken.items()}
    return each | {"ratio": timing.summary(ratio.tolist())}


def show(result):
    table = Table("model", "observe, ms", "the same hooks, ms", "no hooks, ms", "ratio", box=None)
    for name, found in result["models"].items():
        ratio = found["ratio"]
        mark = " !" if ratio["median"] > ALLOWED else ""
        told = f"{ratio['median']:.2f} ({ratio['low']:.2f} to {ratio['high']:.2f}){mark}"
        table.add_row(name, *(f"{found[who]['median']:.2f}" for who in ("observe", "hooks", "bare")), told)
    Console(width=120, highlight=False).print(table)
    print(f"asked: at most {ALLOWED} times the bare loop with the same hooks")


@click.command()
@click.option("--rounds", "count", default=7, show_default=True)
@click.option("--quick", is_flag=True, help="One small model, to see that it works; nothing is kept.")
@click.option("--json", "path", type=click.Path(path_type=Path), default=RESULT, help="Where the figures go.")
def main(count, quick, path):
    """Time observe against the loop that does the same."""
    torch.set_num_threads(1)
    count, names, target = (2, list(MODELS)[:1], 0.01) if quick else (count, list(MODELS), 0.5)
    result = {"rounds": count, "models": {name: measured(name, count, target) for name in names}}
    if not quick:
        timing.write(path, result)
    show(result)


if __name__ == "__main__":
    main()
