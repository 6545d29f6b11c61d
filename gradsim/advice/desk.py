"""Where networks are simulated for advice: on common random numbers, within so many seconds of work."""

from concurrent.futures import ThreadPoolExecutor
from contextvars import copy_context
from copy import copy
from threading import Lock

from ..model.activations import find_activation
from ..program.engine import Layers
from ..program.program import nanoseconds
from .checks import check

SEARCH, CHECK = 1e7, 4e7  # nanoseconds of one core that the networks at one gain may take
SEARCHED, CHECKED = (64, 200), (100, 1000)  # fewest and most networks at one gain
PAIR, PAIRED = 1e7, (32, 200)  # the same, where two inputs go through
EVALUATIONS, CHECKS = 12, 4  # gains that a search and a recommendation take, about
STATISTICS = 1000  # nanoseconds a layer of a network, beside the network itself
MOST_AT_ONCE = 8  # simulations side by side, whose samples are in memory


def _cost(network, inputs):
    """About how many nanoseconds one replica takes on one core."""
    return nanoseconds(network, Layers(network, "auto", inputs)) + STATISTICS * (network.depth + 1)


def _number(budget, cost, bounds):
    return int(min(max(budget // cost, bounds[0]), bounds[1]))


class Desk:
    """Where networks are simulated: with which options, and how many seconds of work are left.

    `progress(n)` is called after every n more of them."""

    def __init__(self, options, seed, seconds, progress):
        self.options, self.seed, self.left, self.progress = options, seed, seconds, progress
        self._telling = Lock()  # of all copies

    def needs(self, network, searches=1, checks=CHECKS, pairs=0):
        """Seconds that searches and checks of such networks take, and checks of two inputs."""
        cost = _cost(network, self.options["inputs"])
        work = searches * EVALUATIONS * _number(SEARCH, cost, SEARCHED) + checks * _number(CHECK, cost, CHECKED)
        of_two = _cost(network, 2)
        return (work * cost + pairs * _number(PAIR, of_two, PAIRED) * of_two) / 1e9

    def copy(self):
        """One that has as much left, for itself."""
        return copy(self)

    def takes(self, needed):
        """Whether so many seconds are left; they are taken if so."""
        if needed > self.left:
            return False
        self.left -= needed
        return True

    def check(self, network):
        return self._simulated(network, CHECK, CHECKED, "recommendation: check")

    def look(self, network):
        return self._simulated(network, SEARCH, SEARCHED, "recommendation: search")

    def pairs(self, network):
        """A few of the networks of `check`, for what is between two inputs."""
        return self._simulated(network, PAIR, PAIRED, "recommendation: check", {"inputs": 2})

    def _simulated(self, network, budget, bounds, stream, other=None):
        options = self.options | (other or {})
        replicas = _number(budget, _cost(network, options["inputs"]), bounds)
        found = check(network, replicas, self.seed, stream, options)
        with self._telling:
            self.progress(replicas)
        return found


def at_once(network, jobs):
    """What the jobs give: each on a thread, since one core simulates the networks at a gain."""
    watched = any(find_activation(part.name)[0].faults is not None for part in network.activations)
    threads = 1 if watched else min(max(len(jobs), 1), MOST_AT_ONCE)  # what users' functions do is noted of one at a time
    with ThreadPoolExecutor(threads) as pool:
        # in the context of this call, which says whether they tell on stderr how far they are
        return [begun.result() for begun in [pool.submit(copy_context().run, job) for job in jobs]]
