"""The curves of one network."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from ..errors import MissingVariable, RequestError, finite_number
from ..kernels.record import LOG_QUANTITIES
from ..model.network import Network
from ..model.options import RUN
from ..model.request import FILES
from ..results.verdict import DECADES, Verdict, judge
from ..statistics.blocks import Blocks, blocks_of
from ..statistics.precision import PRECISIONS
from ..statistics.units import edges
from ..typed import File, Floats, Ints, Number

if TYPE_CHECKING:
    import pandas
    import xarray
    from matplotlib.figure import Figure

    from .curve_set import CurveSet

CLOSE = 1e-6  # probabilities that are one


@dataclass(frozen=True)
class Curves:
    """Statistics over an ensemble of replicas of one network, layer by layer.

    `curves["gradient_log_mean"]` is an array over layers 0..L (L + 1 with a readout), NaN (a count: -1) where the
    quantity is not defined; `_log_quantile` has a last axis over `quantiles`, `_overflow_fraction` over `precisions`.
    Layers are blocks; where a block holds several linear maps, activations or norms, their quantities have an axis more
    behind the layers, over `places`: `curves["gradient_log_mean"][500, curves.places.index("linear2")]`.
    Logs are natural, of mean squares. All names: `sorted(curves.variables)`; what they mean: docs/format.md.
    """

    network: Network  # or `model.observed.Observed`, of a model that `gradsim.torch.observe` saw
    run: dict[str, Any]  # the options of `simulate`, and engine_used in words
    quantiles: Floats
    quantile_method: str  # "exact", or "histogram" where samples would not have fit the byte budget
    variables: Mapping[str, npt.NDArray[Any]] = field(repr=False)
    cut: str = ""  # in words, what of them is not in the file that they were read from

    def __getitem__(self, name: str) -> npt.NDArray[Any]:
        """A variable, of the shapes above. Raises RequestError (a KeyError too) with the nearest names that are there."""
        if not isinstance(name, str) or name not in self.variables:
            raise MissingVariable(name, self.variables)
        return self.variables[name]

    def whole(self, purpose: str) -> "Curves":
        """These curves. Raises RequestError where parts of them were cut away, so that they are no ground for `purpose`."""
        if self.cut:
            raise RequestError(f"{purpose}: needs whole curves; not in the file: {self.cut}")
        return self

    @cached_property
    def blocks(self) -> Blocks:
        """Where quantities lie (see `gradsim.statistics.blocks`)."""
        return blocks_of(self.network, self.run["inputs"])

    @property
    def layers(self) -> Ints:
        """0, 1, ..., int64 (layers,): what the first axis of most variables counts."""
        return np.arange(len(self.blocks.widths))

    @property
    def places(self) -> tuple[str, ...]:
        """Names along the axis of places: "input", "linear1", "activation1", ...; empty where curves have no such axis."""
        return self.blocks.places

    @property
    def gradient(self) -> str:
        """The quantity that tells what becomes of the gradient: the stream's where there is a stream."""
        return "stream_gradient" if self.network.has_stream else "gradient"

    @property
    def precisions(self) -> tuple[str, ...]:
        """Names of the float types, along the last axis of `<quantity>_overflow_fraction` and its like."""
        return PRECISIONS

    @property
    def bins(self) -> tuple[Floats, Floats]:
        """(low, high): the edges of the bins of histograms, as multiples of 2^exponent (see `gradsim.statistics.units`)."""
        return edges()

    @property
    def counted(self) -> int:
        """Of how many networks the units were counted by their values (see `simulate`): of an input each is a number."""
        if "activation_histogram" not in self.variables:
            return 0
        counts = self.blocks.last("activation", self["activation_histogram"])[0]
        return int(counts.sum()) // (self.run["inputs"] * self.network.input_width)

    def quantile(self, quantity: str, probability: Number) -> Floats:
        """The curve of one quantile: of shape (layers,) or (layers, places), natural log of a mean square."""
        probability = finite_number("probability", probability)
        column = np.flatnonzero(abs(self.quantiles - probability) <= CLOSE)
        if not len(column):
            raise RequestError(f"probability: {probability:g} was not kept; kept: {self.quantiles.tolist()}")
        return self[f"{quantity}_log_quantile"][..., column[0]]

    def decades(self, quantity: str, probability: Number = 0.5) -> Floats:
        """log10 of the root mean square of a quantity, of shape (layers,) or (layers, places): of the median network, or of
        another quantile that was kept. It never overflows; NaN where the quantity is not defined, -inf where it is zero.

        Raises RequestError for what is no mean square.
        """
        return np.multiply(self.quantile(quantity, probability), DECADES)

    def rms(self, quantity: str, probability: Number = 0.5) -> Floats:
        """The root mean square of a quantity as plain numbers, otherwise as `decades`: inf and 0 also where it is beyond
        float64, above 1.8e308 or below 4.9e-324, which `decades` still tells."""
        with np.errstate(over="ignore", under="ignore"):
            return np.exp(self.quantile(quantity, probability) / 2)

    @cached_property
    def verdict(self) -> Verdict:
        """What becomes of the gradient, in words and decades (see `gradsim.results.verdict`)."""
        return judge(self.whole("verdict"))

    @property
    def merged_layer(self) -> int | None:
        """The first layer at which inputs agree to the last digit of float32 in some networks; None if there is none."""
        if self.run["inputs"] == 1:
            return None
        merged = self["log_one_minus_correlation_nonfinite_count"] > self["correlation_nonfinite_count"]  # -inf, not NaN
        return int(np.argmax(merged.any(axis=tuple(range(1, merged.ndim))))) if merged.any() else None

    @property
    def unresolved(self) -> tuple[str, ...]:
        """Quantities that some networks have below what float32 tells from zero: recorded as their upper bounds there."""
        return tuple(name for name in LOG_QUANTITIES if np.any(self.variables.get(f"{name}_unresolved_count", 0) > 0))

    def with_theory(self) -> "Curves":
        """These curves with what theory says beside them: `mean_field_<name>`, and `exact_<name>` where a law is known."""
        from ..theory.comparison import with_theory

        return with_theory(self.whole("theory"))

    @property
    def options(self) -> dict[str, Any]:
        """The arguments of `gradsim.simulate` that compute these curves again: simulate(curves.network, **curves.options).

        Raises RequestError where rows of a file or an array went in: they are not kept, and must be given. So it does of a
        model of another library.
        """
        if self.network.modules:
            raise RequestError("options: a model of another library was observed, which is not kept with the curves")
        for name in FILES:
            if self.run.get(name) is not None:
                raise RequestError(f"options: {name} was {self.run[name]['name']!r}, whose rows are not kept with the curves")
        kept = {name: value for name, value in self.run.items() if name in RUN}
        kept |= {"quantiles": tuple(map(float, self.quantiles))}
        return kept | ({"histograms": self.counted} if self.counted else {})

    def _alone(self) -> "CurveSet":
        """The set of these."""
        from .curve_set import CurveSet

        return CurveSet([self])

    def table(self) -> str:
        """The verdict as text, with its sentence and how to read it."""
        return self._alone().table()

    def _repr_html_(self) -> str:
        return self._alone()._repr_html_()

    def to_dataframe(self, *quantities: str) -> "pandas.DataFrame":
        """A pandas.DataFrame, a row a layer (and place); of some quantities, or all. Columns as in docs/format.md."""
        return self._alone().to_dataframe(*quantities)

    def to_xarray(self) -> "xarray.Dataset":
        """An xarray.Dataset over layer, quantile and precision (place, replica: where there are places and kept samples)."""
        return self._alone().to_xarray().isel(cell=0)

    def save(self, path: File, overwrite: bool = False) -> None:
        """Write an HDF5 file (docs/format.md), under a temporary name first. Refuses to replace one unless told to."""
        self._alone().save(path, overwrite)

    def plot(
        self,
        path: File | None = None,
        quantity: str | None = None,
        overwrite: bool = False,
        theory: bool = False,
        **view: Any,
    ) -> "Figure":
        """The picture of a quantity against the layer, as a matplotlib Figure; saved if `path` is given.

        The quantity is the gradient unless given, the stream's where there is a stream. A line a place, where it has several.
        `view` as in `CurveSet.plot`.
        """
        return self._alone().plot(path, quantity, overwrite, theory, **view)

    def report(self, path: File, overwrite: bool = False, **view: Any) -> None:
        """Write a page to look at in a browser (see CurveSet.report)."""
        self._alone().report(path, overwrite, **view)
