"""Laws of weights: what a matrix is drawn from, and what is known of one weight."""

import math
from dataclasses import dataclass

from .cut_normal import moments

# A standard normal given that it is within [-2, 2]: by parts, E x^2 = 1 - 4 d and E x^4 = 3 E x^2 - 16 d
_D = math.exp(-2) / math.sqrt(2 * math.pi) / math.erf(math.sqrt(2))
TRUNCATED_STD = math.sqrt(1 - 4 * _D)  # 0.8796
# kind: (variance, excess kurtosis) of the unit law
UNIT_LAWS = {
    "normal": (1.0, 0.0),
    "uniform": (1 / 3, -1.2),
    "truncated_normal": (1 - 4 * _D, (3 * (1 - 4 * _D) - 16 * _D) / (1 - 4 * _D) ** 2 - 3),
    "rademacher": (1.0, -2.0),
    "constant": (0.0, math.nan),
    "cut_normal": (1.0, math.nan),
    "sparse": (1.0, 0.0),
    "sparse_columns": (1.0, 0.0),
    "identity": (0.0, math.nan),
    "orthogonal": (1.0, 0.0),
}


@dataclass(frozen=True)
class WeightLaw:
    """A weight matrix mean + scale * U, with U of a unit law (a key of UNIT_LAWS) of mean 0.

    Independent entries, symmetric about 0: "normal" is standard normal, "uniform" on [-1, 1], "truncated_normal" standard
    normal given that it is within [-2, 2], "rademacher" -1 or 1, "constant" absent. Independent, and lopsided where the cuts
    are: "cut_normal" is standard normal given that it is between `cuts`, (low, high), less its mean and over its standard
    deviation. Matrices: "sparse" has density * fan_in standard normals at random places of each row and zeros elsewhere,
    "sparse_columns" density * fan_out of each column, "identity" ones on the diagonal, "orthogonal" is uniform among those
    with orthonormal columns (or rows, where they are fewer). `density` is the mean square of an entry of U over that of
    UNIT_LAWS.
    """

    kind: str
    mean: float
    scale: float
    density: float = 1.0
    cuts: tuple[float, ...] = ()

    @property
    def variance(self) -> float:
        """Of one weight."""
        return UNIT_LAWS[self.kind][0] * self.density * self.scale * self.scale

    @property
    def excess_kurtosis(self) -> float:
        """Of one weight; NaN where the variance is zero."""
        if self.kind == "cut_normal":
            return moments(*self.cuts)[2]
        if self.kind in ("sparse", "sparse_columns"):
            return 3 / self.density - 3
        if self.kind == "orthogonal":  # a coordinate of a point on the sphere in 1 / density dimensions
            return -6 / (1 / self.density + 2)
        return UNIT_LAWS[self.kind][1]
