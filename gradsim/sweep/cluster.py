"""Dask workers, on this machine or on many, that compute batches: one process asks, writes and survives their ends.

Dask is asked for little: it carries numbers out and bytes back, and runs again what its workers took with them. It is an extra
(`pip install 'gradsim[dask]'`), imported where it is used.
"""

import logging
import pickle
import secrets
import signal
import time
from contextlib import ExitStack, contextmanager, suppress

from ..errors import RequestError
from ..simulation.simulate import warm_up
from .batches import Order
from .crew import Lost

LOCAL = "local"
WAIT_SECONDS = 60.0  # for the first worker; without any, until that is said
COUNT_SECONDS = 1.0  # between two looks at how many workers there are
LOCAL_FAILURES = 1  # deaths of workers begun here that a batch survives; of others their scheduler says
AGAIN = 2  # times that a batch is begun again where Dask itself failed


class Cluster:
    """The workers of a scheduler at an address, of a Dask Client, or ("local") processes here: a crew (see `crew.compute_by`).

    With `with`: what was sent out ends where it does, and what was begun here. Raises RequestError where there are none. If all
    end later, others are waited for, since a queue may have some to come, and tell(line) is called.
    """

    tries = 1  # Dask has tried it with several workers before it says that a batch is lost

    def __init__(self, where, threads, tell):
        self._where, self._threads, self._tell = where, threads, tell
        self._counted, self._count = 0.0, 0
        self._seen, self._said = time.monotonic(), False  # when there was a worker, and whether it was said that none is
        self._order = self._client = None
        self._begun, self._out = ExitStack(), set()

    def __enter__(self):
        try:
            self._client = self._connected()
            self._client.wait_for_workers(1, timeout=WAIT_SECONDS)
        except (OSError, TimeoutError, ValueError) as error:  # Dask's own are of these kinds
            self._begun.close()
            raise RequestError(f"--dask: no worker at {self._words}: {' '.join(str(error).split())[:200]}") from None
        except BaseException:
            self._begun.close()
            raise
        return self

    def __exit__(self, *error):
        with suppress(Exception):  # a scheduler that is gone has cancelled all
            self._client.cancel([*self._out])
        self._out.clear()
        self._order = None
        self._begun.close()

    def take(self, tasks, keep, functions):
        """Has all workers know the Tasks and users' activations (see `Order`); kernels are compiled once a host first."""
        order = pickle.dumps(Order.of(tasks, keep, functions), pickle.HIGHEST_PROTOCOL)
        with _told():
            workers = self._client.scheduler_info(n_workers=-1)["workers"]
            hosts = {worker["host"]: address for address, worker in workers.items()}
            self._client.run(warm_up, workers=list(hosts.values()))
            self._order = self._client.submit(pickle.loads, order, key=_key("sweep"), retries=AGAIN)

    @property
    def workers(self):
        """How many there are now."""
        return len(self._client.nthreads())

    @property
    def places(self):
        """Two batches a core of the workers that there are: one at work, one lies ready."""
        if time.monotonic() - self._counted > COUNT_SECONDS:
            with _told():
                self._counted, self._count = time.monotonic(), 2 * sum(self._client.nthreads().values())
            self._miss()
        return max(self._count, 1)

    def _miss(self):
        """Says so, once, where there has been no worker for a while."""
        if self._count:
            self._seen, self._said = self._counted, False
        elif not self._said and self._counted - self._seen > WAIT_SECONDS:
            self._said = True
            self._tell(f"dask: no worker is left at {self._words}; waiting for others (Ctrl-C: what is finished is kept)")

    def submit(self, batch, done):
        with _told():
            future = self._client.submit(Order.answer, self._order, batch, key=_key("batch"), retries=AGAIN)
        self._out.add(future)  # which is forgotten by all if nobody has it
        future.add_done_callback(lambda future: self._done(future, done))

    def _done(self, future, done):
        outcome = _outcome(future)
        self._out.discard(future)
        done(outcome)

    def _connected(self):
        try:
            import dask
            from distributed import Client, LocalCluster
        except ImportError as error:
            raise RequestError(f"--dask: needs Dask: pip install 'gradsim[dask]' ({error})") from None
        if isinstance(self._where, Client):
            return self._where
        if self._where != LOCAL:
            return self._begun.enter_context(Client(self._where, timeout=WAIT_SECONDS, set_as_default=False))
        options = {"n_workers": self._threads, "threads_per_worker": 1, "dashboard_address": "127.0.0.1:0"}
        with dask.config.set({"distributed.scheduler.allowed-failures": LOCAL_FAILURES}):
            cluster = self._begun.enter_context(LocalCluster(**options, silence_logs=logging.CRITICAL))
        client = self._begun.enter_context(Client(cluster, set_as_default=False))
        client.register_plugin(_deaf())
        return client

    @property
    def _words(self):
        return self._where if isinstance(self._where, str) else "the Client's scheduler"


def _deaf():
    """Has workers that were begun here hear no Ctrl-C: whoever began them ends them."""
    from distributed import WorkerPlugin

    class Deaf(WorkerPlugin):
        def setup(self, worker):
            signal.signal(signal.SIGINT, signal.SIG_IGN)

    return Deaf()


def _key(what):
    """The name under which Dask shows a task."""
    return f"gradsim-{what}-{secrets.token_hex(8)}"


@contextmanager
def _told():
    """What Dask, or a worker's installation, raises becomes one line."""
    try:
        yield
    except RequestError:
        raise
    except Exception as error:
        reason = " ".join(f"{type(error).__name__}: {error}".split())[:300]
        raise RequestError(f"--dask: {reason}") from None


def _outcome(future):
    """What `crew.compute_by` is told of a future that is done."""
    from distributed import KilledWorker

    try:
        with _told():
            try:
                return future.result()
            except KilledWorker:
                return Lost()
    except RequestError as error:
        return error
