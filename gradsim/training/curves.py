"""What a training run gives: statistics over its networks, step by step, and what they say in words."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from ..curves import Curves
from ..errors import MissingVariable
from ..model.network import Network
from ..typed import File, Floats, Ints
from . import words

if TYPE_CHECKING:
    import xarray
    from matplotlib.figure import Figure


@dataclass(frozen=True)
class TrainingCurves:
    """Statistics over an ensemble of networks in training; all names: `sorted(trained.variables)`, docs/training.md.

    `trained["weight_change_log_mean"]` is an array over `recorded` steps and layers, NaN (a count: -1) where a quantity is not
    defined; `trained["loss_mean"]` is over steps 0, 1, ..., `request["steps"]`: what stands at step t is of the weights after t
    updates. `_quantile` has a last axis over `quantiles`. Logs are natural, of mean squares or of squared shares.
    """

    network: Network
    request: dict[str, Any]  # what was asked for
    recorded: Ints  # the steps on record
    quantiles: Floats
    quantile_method: str  # "exact", or "histogram"
    initial: Curves  # at initialization: of the same networks, on the samples of their first batch
    variables: Mapping[str, npt.NDArray[Any]] = field(repr=False)

    def __getitem__(self, name: str) -> npt.NDArray[Any]:
        """A variable, of the shapes above. Raises RequestError (a KeyError too) with the nearest names that are there."""
        if not isinstance(name, str) or name not in self.variables:
            raise MissingVariable(name, self.variables)
        return self.variables[name]

    @property
    def layers(self) -> Ints:
        """0, 1, ...: linear maps in the order of the network; of activations, these in theirs, 0 the input."""
        return np.arange(self["weight_change_log_mean"].shape[1])

    def median(self, quantity: str) -> Floats:
        """That over the networks, of shape (recorded, layers): the natural log of what has one."""
        column = int(np.flatnonzero(self.quantiles == 0.5)[0])
        name = f"{quantity}_log_quantile"
        return self[name if name in self.variables else f"{quantity}_quantile"][..., column]

    @cached_property
    def initial_gradient(self) -> Floats:
        """Log of |dL/dW|^2 / |W|^2 at step 0, of the median network: (layers,), NaN at layer 0."""
        with np.errstate(invalid="ignore"):  # of weights of zero without a gradient
            return self.median("weight_gradient")[0] - self.median("weight")[0]

    @cached_property
    def correlation(self) -> Floats:
        """Spearman's rank correlation over the layers between `initial_gradient` and how far weights have moved, at each
        recorded step; NaN where nothing moves, or there are fewer than three layers."""
        change = self.median("weight_change")
        return np.array([words.rank_correlation(self.initial_gradient[1:], row[1:]) for row in change])

    @property
    def sentence(self) -> str:
        """Which layers learn, in words."""
        return words.sentence(self)

    def save(self, path: File, overwrite: bool = False) -> None:
        """Write them to an HDF5 file, which `xarray.open_dataset` opens. Raises RequestError."""
        from ..store.files import RESULTS, write_whole
        from .store import image

        write_whole("path", path, image(self), overwrite, RESULTS)

    def to_xarray(self) -> "xarray.Dataset":
        """All variables with their axes. Raises RequestError without xarray."""
        from .store import dataset

        return dataset(self)

    def plot(self, path: File | None = None, overwrite: bool = False) -> "Figure":
        """How far weights move against the layer at several steps, beside the gradient at initialization, and loss and accuracy
        against the step: a matplotlib Figure, saved if `path` is given."""
        from ..show.picture import save
        from .picture import figure

        found = figure(self)
        if path is not None:
            save(found, path, overwrite)
        return found
