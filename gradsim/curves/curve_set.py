"""The curves of several networks: in memory, or in a file."""

import operator
import pathlib
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, overload

import numpy.typing as npt

from ..errors import MissingVariable, RequestError
from ..model.activations import check_given
from ..typed import File
from .curves import Curves

if TYPE_CHECKING:
    import pandas
    import xarray
    from matplotlib.figure import Figure

    from ..store.cells import HeldCells, OpenedCells
    from ..store.layout import Layout, Share


def open_file(path: File) -> "CurveSet":
    """The CurveSet in an HDF5 file that gradsim wrote, whose numbers are read when they are used. Raises RequestError if there
    is none."""
    from ..store.cells import OpenedCells
    from ..store.read import Stored

    return CurveSet(OpenedCells(Stored(path), Curves))


class CurveSet(Sequence[Curves]):
    """The Curves of several networks, in order: what `gradsim.open` and `gradsim.sweep.run` give.

    `request` is the grid as it was asked for, if it was one; `coordinates` maps the axes of a sweep to their values, one a
    network, and `identities` are texts, one a network. `share`, a `gradsim.store.layout.Share`, says which cells of a sweep
    they are; None where that is not known.
    """

    _cells: "HeldCells | OpenedCells"

    def __init__(
        self,
        curves: "Curves | Iterable[Curves] | HeldCells | OpenedCells",
        request: Any = None,
        coordinates: Mapping[str, Any] | None = None,
        identities: Sequence[str] | None = None,
        share: "Share | None" = None,
    ) -> None:
        from ..store.cells import HeldCells, OpenedCells

        if isinstance(curves, HeldCells | OpenedCells):
            self._cells = curves
            return
        if isinstance(curves, Curves):
            curves = (curves,)
        curves = tuple(curves) if isinstance(curves, Iterable) else ()
        strange = [type(part).__name__ for part in curves if not isinstance(part, Curves)]
        if not curves or strange:
            what = f"{strange[0]} among them" if strange else "none at all"
            raise RequestError(f"curves: there must be the Curves of one network or more; {what}")
        self._cells = HeldCells(curves, request, coordinates, identities, share)

    def __len__(self) -> int:
        return len(self._cells)

    @overload
    def __getitem__(self, index: int) -> Curves: ...
    @overload
    def __getitem__(self, index: slice) -> "CurveSet": ...
    def __getitem__(self, index: int | slice) -> "Curves | CurveSet":
        """The Curves of one network, by its number, from the end where below 0; of a slice a CurveSet. Raises IndexError."""
        if isinstance(index, slice):
            return self.part(range(len(self))[index])
        return self._cells[operator.index(index)]

    def __repr__(self) -> str:
        return f"CurveSet of {len(self)} networks"

    def part(self, numbers: Sequence[int]) -> "CurveSet":
        """The networks of these numbers, in their order, as a CurveSet. Raises RequestError where there are none."""
        if not len(numbers):
            raise RequestError("curves: there must be the Curves of one network or more; none at all")
        return CurveSet(self._cells.part(numbers))

    @property
    def request(self) -> Any:
        """The grid as it was asked for, as plain JSON holds it; None if it was none, or is not known."""
        return self._cells.request

    @property
    def provenance(self) -> dict[str, Any] | None:
        """How the file that they were read from came to be: a dict (docs/format.md); None where there is no file."""
        return self._cells.provenance

    @property
    def coordinates(self) -> dict[str, npt.NDArray[Any]]:
        """{axis of the sweep: array of its values, one a network}; empty where that is not known."""
        return self._cells.coordinates

    def column(self, name: str) -> npt.NDArray[Any]:
        """One value a network, as an array: of an axis of the sweep, or a name under "What a cell is" of docs/format.md.

        Raises RequestError for other names.
        """
        from ..store.cells import column

        return column(self._cells, name)

    def values(self, name: str) -> npt.NDArray[Any]:
        """A variable of all networks, as an array with a leading axis over them: float64 with NaN, or a count with -1, where a
        network lacks it. The other axes are those of docs/format.md. Raises RequestError where there is none."""
        found = self._cells.values(name)
        if found is None:
            layout = self.layout()
            if name not in layout.names:
                raise MissingVariable(name, layout.names)
            from ..store.dataset import stacked

            found = stacked(layout, name, self)
        return found

    def stored(self, name: str) -> npt.NDArray[Any] | None:
        """What `values` gives, where it can be read from a file as a whole; else None."""
        return self._cells.values(name)

    def select(self, **wanted: Any) -> "CurveSet":
        """The networks of these values, as a CurveSet: select(activation="tanh", weight_gain=1.2).

        Names are the axes of the sweep and those under "What a cell is" of docs/format.md; a list allows any of its values, a
        slice of two numbers all between them. Raises RequestError for what is not there.
        """
        from ..results.select import select

        if not wanted:
            raise RequestError("select: nothing is asked for; give names and values, as activation='tanh'")
        return select(self, wanted)

    def with_theory(self) -> "CurveSet":
        """Every network's curves with what theory says beside them (see Curves.with_theory)."""
        check_given(*(curves.network for curves in self))
        curves, cells = [curves.with_theory() for curves in self], self._cells
        return CurveSet(curves, self.request, self.coordinates, cells.identities, cells.share)

    def table(self) -> str:
        """The verdicts as text, a row a network."""
        from ..show.table import text

        return text(self)

    def _repr_html_(self) -> str:
        """For notebooks: the table of verdicts, and the picture of the gradient."""
        from ..show.cards import card

        return card(self)

    def to_xarray(self) -> "xarray.Dataset":
        """An xarray.Dataset over cell, layer, quantile and precision, the same as opening the saved file."""
        from ..store.dataset import to_xarray

        return to_xarray(self, self.layout())

    def to_dataframe(self, *quantities: str) -> "pandas.DataFrame":
        """A pandas.DataFrame, a row a network and layer (and place); of some quantities, or all (docs/format.md)."""
        from ..export.tidy import to_dataframe

        return to_dataframe(self, quantities or None)

    def export(
        self,
        path: File,
        to: str,
        quantities: Sequence[str] | None = None,
        overwrite: bool = False,
        histograms: bool = False,
    ) -> list[pathlib.Path]:
        """Write tables for other programs: `to` is "csv", "parquet", "netcdf" or "json" (docs/format.md); the list of files.

        A row a network and layer, and, in a file beside it, a row a network with its verdict; with `histograms` in another one
        a row a bin of a layer, where units were counted. Raises RequestError.
        """
        from ..export.formats import export

        return export(self, to, path, quantities, overwrite, histograms)

    def layout(self) -> "Layout":
        """What a file of these curves holds (see `gradsim.store.layout`). Raises RequestError where they do not fit one."""
        from ..store.layout import Layout

        cells = (curves.whole("saving") for curves in self)
        return Layout.of(cells, self.request, self.coordinates, self._cells.identities, self._cells.share)

    def save(self, path: File, overwrite: bool = False) -> None:
        """Write an HDF5 file (docs/format.md), under a temporary name first. Refuses to replace one unless told to."""
        from ..store.write import write

        write(self, path, overwrite)

    def plot(
        self,
        path: File | None = None,
        quantity: str | None = None,
        overwrite: bool = False,
        theory: bool = False,
        **view: Any,
    ) -> "Figure":
        """A picture, as a matplotlib Figure; saved if `path` is given. `theory` draws what theory says over it.

        Curves against the layer, a line a network, unless `x` says what else; all that `view` may hold:

        - `x="weight_gain"`: one number a network against a column of the table of verdicts, with its band. With
          `y="bias_std"` too, a map of these numbers.
        - `at`: which number: "rate", decades per 100 layers, or a layer; -1 is the last one.
        - `panels`: the column or columns that panels are of, the activation unless given; a map has one for all else.
        - `colour`: the column that the colours of lines stand for. More than eight lines a panel have a colour scale anyway.
        - `label`: the column that lines are labelled by; those in which networks differ unless given.
        - `samples`: how many single networks of each line are thin lines, if `keep_samples` kept them; 0 for none.
        - `share`: whether panels against the layer share their scales; they do unless it is False.
        - `histograms=True`: how the units of layers are spread, where `simulate(..., histograms=100)` counted them.
        - `ax`: Axes of matplotlib to draw into, one or as many as there are panels, in place of a figure of its own.

        The quantity is the gradient unless given: of each network with a stream, the stream's. A quantity of several linear
        maps, activations or norms a block has a line for each of these places, and as one number is that of the last one.
        More than 400 networks are drawn as a map unless `x` is given. Raises RequestError for what cannot be drawn.
        """
        from ..show.picture import check_picture, figure, save

        if path is not None:
            check_picture("path", path, overwrite)
        drawn = figure(self.with_theory() if theory else self, quantity, theory, **view)
        if path is not None:
            save(drawn, path, overwrite)
        return drawn

    def report(
        self,
        path: File,
        overwrite: bool = False,
        *,
        title: str | None = None,
        quantity: str | Sequence[str] | None = None,
        theory: bool = True,
    ) -> None:
        """Write a page to look at in a browser, without a network: curves, bands, verdicts, and histograms where units were
        counted, with sliders and menus over all that networks differ in (docs/report.md). `path` ends in .html.

        `title` is the name of the file unless given; `quantity` a name or several, of what lies along the layers: all unless
        given. With `theory` what theory says is there too, computed where curves lack it. Raises RequestError.
        """
        from ..report.page import save

        save(self, path, overwrite, title=title, quantity=quantity, theory=theory)
