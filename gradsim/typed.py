"""Names for type checkers: what users may write where numbers, lists and files are asked for, and what arrays they get."""

import os
from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

Whole: TypeAlias = int | np.integer[Any]
Number: TypeAlias = float | np.floating[Any] | np.integer[Any]
Wholes: TypeAlias = Sequence[Whole] | npt.NDArray[np.integer[Any]]
Numbers: TypeAlias = Sequence[Number] | npt.NDArray[np.floating[Any]] | npt.NDArray[np.integer[Any]]
Floats: TypeAlias = npt.NDArray[np.float64]
Ints: TypeAlias = npt.NDArray[np.int64]
File: TypeAlias = str | os.PathLike[str]
Rows: TypeAlias = os.PathLike[str] | npt.ArrayLike  # the name of a file, which is a text too, or rows
Progress: TypeAlias = bool | Callable[..., object] | None  # whether stderr is told, or who is called instead
Options: TypeAlias = Mapping[str, Any]  # {option: value}, as a sweep file has them
