"""What theory says of a network, in the names of a simulation: docs/theory.md.

gradsim.theory.mean_field(network)["gradient_log_mean"]      infinite width, any activation
gradsim.theory.finite_width(network)["gradient_log_mean"]    exact, where an exact law is known
gradsim.theory.exact_stream(network)["stream_log_mean"]      exact, of pre_norm residual blocks
gradsim.theory.precision(network)                            where float types are left
gradsim.theory.fixed_point("tanh", weight_std=1.5, bias_std=0.1), critical_point, phase_diagram, half_stable_points
"""

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from typing import Any

    from .exact_laws import FiniteWidth as FiniteWidth
    from .exact_laws import finite_width as finite_width
    from .exact_streams import ExactStream as ExactStream
    from .exact_streams import exact_stream as exact_stream
    from .fixed_points import CriticalPoint as CriticalPoint
    from .fixed_points import FixedPoint as FixedPoint
    from .fixed_points import HalfStablePoint as HalfStablePoint
    from .fixed_points import PhaseDiagram as PhaseDiagram
    from .fixed_points import critical_point as critical_point
    from .fixed_points import edge_of_chaos as edge_of_chaos
    from .fixed_points import fixed_point as fixed_point
    from .fixed_points import half_stable_points as half_stable_points
    from .fixed_points import phase_diagram as phase_diagram
    from .float_ranges import Precision as Precision
    from .float_ranges import precision as precision
    from .infinite_width import MeanField as MeanField
    from .infinite_width import mean_field as mean_field

_HOMES = {
    "mean_field": "infinite_width",
    "MeanField": "infinite_width",
    "finite_width": "exact_laws",
    "FiniteWidth": "exact_laws",
    "exact_stream": "exact_streams",
    "ExactStream": "exact_streams",
    "precision": "float_ranges",
    "Precision": "float_ranges",
    "fixed_point": "fixed_points",
    "FixedPoint": "fixed_points",
    "critical_point": "fixed_points",
    "CriticalPoint": "fixed_points",
    "edge_of_chaos": "fixed_points",
    "half_stable_points": "fixed_points",
    "HalfStablePoint": "fixed_points",
    "phase_diagram": "fixed_points",
    "PhaseDiagram": "fixed_points",
}
__all__ = list(_HOMES)


def __getattr__(name: str) -> "Any":
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f".{_HOMES[name]}", __name__), name)


def __dir__() -> list[str]:
    return sorted(__all__)
