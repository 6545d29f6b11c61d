"""What models of PyTorch do at initialization: drawn anew for each replica, run forward and back, and measured everywhere."""

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from ..curves import Curves
from ..errors import RequestError, shown, whole_number
from ..kernels.record import LOG_QUANTITIES
from ..model.options import RUN
from ..statistics.blocks import blocks_of
from ..statistics.ensemble import EnsembleStatistics
from ..statistics.quantiles import collector, rows_of
from ..statistics.quantities import QUANTILES
from ..telling import checked_progress, counted, told
from ..typed import Progress, Whole
from .library import needed

if TYPE_CHECKING:
    import torch

CHUNK = 64  # replicas whose records become statistics at one time
PROBE = "probe"


def observe(
    make_model: "Callable[[], torch.nn.Module]",
    inputs: "torch.Tensor | tuple[Any, ...] | Mapping[str, Any] | Callable[[], Any]",
    replicas: Whole = 100,
    loss: "str | Callable[[Any], torch.Tensor]" = PROBE,
    *,
    seed: Whole = RUN["seed"].default,
    keep_samples: bool = False,
    threads: Whole = 1,
    progress: Progress = None,
) -> Curves:
    """Have `make_model()` make a PyTorch model so many times, run each forward and back, and give the Curves of all.

    `inputs` is what the model is called with: a tensor, a tuple of arguments, a dict of arguments by name, or a function that
    makes any of these anew for each replica. The first axis of its first tensor counts inputs. `loss` is "probe", a Gaussian
    gradient at the model's first tensor of floats (of mean square 1/n over its n numbers for each input), or a function of what
    the model gives.

    Layers are the model's blocks, or each linear map where it has none: docs/torch.md. PyTorch's random numbers are seeded for
    every replica from `seed` and its number, and left as they were afterwards. `threads` are PyTorch's while this lasts: with
    another number of them the last digits of its sums may be others. `keep_samples` and `progress` are as in `simulate`.

    Raises RequestError, one line, for a model that cannot be made, has no parameters, fails on these inputs, gives no tensor,
    or is another one from replica to replica, and where PyTorch is not installed.
    """
    needed("gradsim.torch.observe")
    from .running import Models

    options = {"replicas": whole_number("replicas", replicas), "seed": whole_number("seed", seed, 0)}
    progress = checked_progress(progress, "the number of models that are done")
    if not callable(make_model):
        raise RequestError(f"make_model: {shown(make_model)} is not a function that makes a model anew, as lambda: MyModel()")
    if loss != PROBE and not callable(loss):
        raise RequestError(f'loss: {shown(loss)} is neither "probe" nor a function of what the model gives')
    models = Models(make_model, inputs, None if loss == PROBE else loss, options["seed"])
    with models.alone(whole_number("threads", threads)), told(progress, options["replicas"], "models") as update:
        advance = progress if callable(progress) else counted(update, options["replicas"])
        total, kept = _total(models, options["replicas"], keep_samples, advance)
    run = models.run | options | {"keep_samples": bool(keep_samples)}
    blocks = blocks_of(models.observed, run["inputs"])
    variables = dict(total.variables(blocks, QUANTILES))
    if keep_samples:
        logs = np.concatenate(kept)
        variables |= {f"{name}_log": blocks.of(name, logs) for name in LOG_QUANTITIES if name in blocks.rows}
    return Curves(models.observed, run, np.array(QUANTILES), total.quantiles.method, variables)


def _total(models, replicas, keep_samples, advance):
    """(the EnsembleStatistics of all replicas, their logs in pieces where they are kept)."""
    total, kept = None, []
    for start in range(0, replicas, CHUNK):
        rows = []
        for replica in range(start, min(start + CHUNK, replicas)):
            rows.append(models.record(replica))
            advance(1)
        records, blocks = np.array(rows), models.blocks
        part = EnsembleStatistics.of(records, collector(rows_of(blocks.columns), replicas), blocks)
        total = part if total is None else total + part
        kept.append(records[:, : blocks.columns.logs] if keep_samples else None)
    return total, kept
