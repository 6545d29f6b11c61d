"""The simulator against theory, on this machine: `gradsim verify`. Every check names its closed form and source.

`NOT_CHECKED` says in words what no check looks at.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import numpy as np

from ..errors import unknown, whole_number
from ..telling import checked_progress, told
from ..typed import Progress, Whole
from . import (
    activations,
    block_engines,
    block_laws,
    block_limits,
    block_replicas,
    drawn,
    engines,
    ensembles,
    identities,
    laws,
    limits,
    losses,
    moments,
    replicas,
)
from .check import ALARM, Check, Result
from .overall import Overall, overall

PLAIN = (identities, activations, losses, replicas, ensembles, drawn, engines, laws, moments, limits)
ROOMS = (*PLAIN, block_replicas, block_engines, block_laws, block_limits)
CHECKS: dict[str, Check] = {check.name: check for room in ROOMS for check in room.CHECKS}
NOT_CHECKED = (
    "functions of your own (`gradsim.activation`), which are called from the same compiled code",
    "networks deeper than 200 layers or wider than 300 units; more than 7 inputs, or 128 of BatchNorm",
    "residual networks and norms: gradients at finite width beyond single networks and two engines; more than 20 blocks",
    "rows that float32 cannot tell from zero, and how they are held",
    "the laws of deep networks in plain float32 and float64 arithmetic, and what happens where these overflow",
    "where float types are left: the shares of networks, layer by layer, and predictions of them",
    "theory beyond averages over one layer, mean-field curves and exact laws: fixed points, edges of chaos, depth scales",
    "verdicts, tables, pictures, files, sweeps; speed and memory",
)
THOROUGH = 16  # times as many networks


@dataclass(frozen=True)
class Report:
    """`results` of the checks by name, and the Overall of all exact z-scores together (None if there were none)."""

    results: dict[str, Result]
    overall: Overall | None = field(default=None)

    @property
    def passed(self) -> bool:
        """Whether every check and all z-scores together agree."""
        return all(r.passed for r in self.results.values()) and (self.overall is None or self.overall.passed)


def select(names: Sequence[str]) -> list[Check]:
    """The Checks whose names contain any of the texts; all for none. Raises RequestError for a text that is in no name."""
    for name in names:
        if not any(name in known for known in CHECKS):
            raise unknown("verify", name, CHECKS)
    return [c for c in CHECKS.values() if not names or any(name in c.name for name in names)]


def verify(
    names: Sequence[str] = (),
    *,
    thorough: bool = False,
    seed: Whole = 0,
    each: Callable[[Check, Result], object] | None = None,
    progress: Progress = None,
) -> Report:
    """Run the chosen checks and give a Report; `each(check, result)` is called after every one.

    `progress` as in `gradsim.simulate`; a function progress(share, checks) is called with the share that is done, from 0 to 1,
    and the checks. Raises RequestError.
    """
    seed, results, chosen = whole_number("--seed", seed, 0), {}, select(names)
    progress = checked_progress(progress, "the share that is done and the checks")
    with told(progress, len(chosen), "checks") as update:
        update = progress if callable(progress) else update
        for number, check in enumerate(chosen, 1):
            results[check.name] = check.run(THOROUGH if thorough else 1, seed)
            if each is not None:
                each(check, results[check.name])
            update(number / len(chosen), number)
    scores = [r.z for name, r in results.items() if CHECKS[name].kind == "exact" and r.z.size]
    return Report(results, overall(np.concatenate(scores)) if scores else None)


__all__ = ["ALARM", "CHECKS", "NOT_CHECKED", "Check", "Report", "Result", "select", "verify"]
