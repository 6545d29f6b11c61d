"""The simulator against theory, on this machine: `gradsim verify`. Every check names its closed form and source."""

from dataclasses import dataclass, field

import numpy as np

from ..errors import unknown
from ..network import whole_number
from . import identities, laws, limits, moments
from .check import ALARM, Check, Result
from .overall import Overall, overall

CHECKS = {check.name: check for room in (identities, laws, moments, limits) for check in room.CHECKS}
THOROUGH = 16  # times as many networks


@dataclass(frozen=True)
class Report:
    """`results` of the checks by name, and the Overall of all exact z-scores together (None if there were none)."""

    results: dict
    overall: Overall | None = field(default=None)

    @property
    def passed(self):
        return all(r.passed for r in self.results.values()) and (self.overall is None or self.overall.passed)


def select(names):
    """The Checks whose names contain any of the texts; all for none. Raises RequestError for a text that is in no name."""
    for name in names:
        if not any(name in known for known in CHECKS):
            raise unknown("verify", name, CHECKS)
    return [c for c in CHECKS.values() if not names or any(name in c.name for name in names)]


def verify(names=(), *, thorough=False, seed=0, each=None):
    """Run the chosen checks and give a Report; `each(check, result)` is called after every one. Raises RequestError."""
    seed = whole_number("--seed", seed, 0)
    results = {}
    for check in select(names):
        results[check.name] = check.run(THOROUGH if thorough else 1, seed)
        if each is not None:
            each(check, results[check.name])
    scores = [r.z for name, r in results.items() if CHECKS[name].kind == "exact" and r.z.size]
    return Report(results, overall(np.concatenate(scores)) if scores else None)


__all__ = ["ALARM", "CHECKS", "Check", "Report", "Result", "select", "verify"]
