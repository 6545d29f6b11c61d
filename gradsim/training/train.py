"""`gradsim.train`: networks trained for a while, and what their layers do meanwhile."""

import numpy as np

from ..model.network import Network, mlp
from ..model.options import FLOAT_TYPES, TRAINING
from ..simulation.simulate import simulate
from ..statistics.quantities import QUANTILES
from ..telling import checked_progress, counted, told
from ..typed import Number, Progress, Rows, Whole, Wholes
from .curves import TrainingCurves
from .run import Trained
from .settled import settle


def warm_up() -> None:
    """Have the kernels of training ready: compiled, or loaded from the disk."""
    made, data = mlp(width=1, depth=1, outputs=2), (np.zeros((2, 1)), np.array([[0], [1]]))
    for float_type in FLOAT_TYPES:
        train(made, data, batch_size=1, steps=1, replicas=1, held_out=0.0, float_type=float_type, progress=False)


def train(
    network: Network,
    data: str | tuple[Rows, Rows],
    *,
    loss: str = TRAINING["loss"].default,
    learning_rate: Number = TRAINING["learning_rate"].default,
    momentum: Number = TRAINING["momentum"].default,
    optimizer: str = TRAINING["optimizer"].default,
    batch_size: Whole = TRAINING["batch_size"].default,
    steps: Whole = TRAINING["steps"].default,
    replicas: Whole = TRAINING["replicas"].default,
    seed: Whole = TRAINING["seed"].default,
    float_type: str = TRAINING["float_type"].default,
    record_at: Wholes | None = None,
    held_out: Number = TRAINING["held_out"].default,
    stream: str | None = None,
    threads: Whole | None = None,
    progress: Progress = None,
) -> TrainingCurves:
    """Draw `replicas` networks as `simulate` draws them, train each for so many `steps`, and give TrainingCurves.

    `data` are the handwritten digits of scikit-learn, "digits", or a pair (inputs, targets) of files or arrays with a row a
    sample. "cross_entropy" takes one label a row, "mse" rows of targets, or labels, which stand for rows of zeros and ones. The
    share `held_out` of the samples is not trained on. Every network has batches of its own: `batch_size` different samples,
    drawn anew at every step. `optimizer` is "sgd" with `momentum`, or "adam". Weights and biases are trained, and so are gains
    and shifts of norms; `float_type` is "float32", as in practice, or "float64".

    Layers are on record at the steps `record_at`, unless given 0, 1, 3, 10, 30, ... and the last, and at 0 in any case; what
    stands at step t is of the weights after t updates, on the batch of the next. Loss and accuracy are on record at every step,
    the held-out one of as many samples as a batch has. A network whose loss is not a number is not trained further.

    The numbers depend on the arguments, not on `threads` (all cores unless given). Progress is told as `simulate` tells it.
    Raises RequestError for what cannot be.
    """
    progress = checked_progress(progress, "the number of networks that are done")
    options = {
        "loss": loss,
        "learning_rate": learning_rate,
        "momentum": momentum,
        "optimizer": optimizer,
        "batch_size": batch_size,
        "steps": steps,
        "replicas": replicas,
        "seed": seed,
        "float_type": float_type,
        "record_at": record_at,
        "held_out": held_out,
        "stream": stream,
        "threads": threads,
    }
    settled = settle(network, data, options)
    trained = Trained(settled)
    with told(progress, settled.run["replicas"], "networks") as update:
        initial = simulate(network, **settled.run, progress=False)
        each = progress if callable(progress) else counted(update, settled.run["replicas"])
        statistics = trained.statistics(each)
    return TrainingCurves(
        network,
        settled.request,
        np.array(settled.recorded),
        np.array(QUANTILES),
        statistics.quantiles.method,
        initial,
        statistics.variables(QUANTILES),
    )
