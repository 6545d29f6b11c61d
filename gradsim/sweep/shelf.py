"""A folder of parts that grows: records come in from any thread, and are sealed by time and by size."""

import os
import threading
import time
from collections import Counter
from pathlib import Path

from ..errors import RequestError
from ..store.files import UNFINISHED, sync_folder
from .parts import bytes_of, decoded, identity_of, outline, places, read, seal

SECONDS = 2.0  # of work that a kill may take
BYTES = 2**26


class Closed(Exception):
    """Nothing comes in any more."""


class Shelf:
    """The newest record of every identity in a folder, which is made where it is missing.

    `durable` parts survive a power cut; others a kill. They are sealed every SECONDS or BYTES unless said otherwise. `damage`
    has a line for each part that is not as it was written. Raises RequestError for parts of a later version, OSError where the
    folder cannot be read or written.
    """

    def __init__(self, folder, durable=True, seconds=None, size=None):
        self.folder, self.durable = Path(folder), durable
        self.seconds, self.size = SECONDS if seconds is None else seconds, BYTES if size is None else size
        self.damage = []
        self.records = 0  # that came in
        self._places, self._live = {}, Counter()  # by identity; how many of these a part holds
        self._changed = threading.Condition()
        self._waiting, self._bytes, self._since = [], 0, 0.0
        self._busy = self._closing = False
        self._error, self._unsealed = None, {}  # by identity, what came in and is lost with this process
        self.folder.mkdir(parents=True, exist_ok=True)
        sync_folder(self.folder.parent)
        self._number = 0
        for path in sorted(os.listdir(self.folder)):
            if path.startswith(UNFINISHED):
                os.unlink(self.folder / path)
            elif path.endswith(".part"):
                self._look_at(str(self.folder / path))
        self._thread = threading.Thread(target=self._seal_by_time, name="sealing", daemon=True)
        self._thread.start()

    def __contains__(self, identity):
        return identity in self._places

    def __len__(self):
        return len(self._places)

    def get(self, identity):
        """(said, arrays) of a record that is sealed, or could not be: it is in memory yet. Raises KeyError, RequestError where
        it is damaged."""
        if identity in self._unsealed:
            return decoded(self._unsealed[identity])[1:]
        return read(self._places[identity])[1:]

    def record(self, identity):
        """The bytes of a record that is sealed, unchecked; None where there is none. Raises OSError."""
        place = self._places.get(identity)
        return None if place is None else bytes_of(place)

    def has_met(self, identity):
        """Whether `get` gives something."""
        return identity in self._places or identity in self._unsealed

    def outline(self, identity):
        """(said, names of the arrays) of a record that is sealed: without its arrays, and unchecked. Raises KeyError."""
        return outline(self._places[identity])

    def add(self, record):
        """Takes the bytes of a record. Raises what went wrong with those before it."""
        with self._changed:
            while self._bytes > self.size and self._error is None and not self._closing:
                self._changed.wait()
            self._check()
            if self._closing:
                raise Closed
            if not self._waiting:
                self._since = time.monotonic()
            self._waiting.append(record)
            self._bytes += len(record)
            self.records += 1
            self._changed.notify_all()

    def flush(self):
        """Has all that came in sealed."""
        with self._changed:
            self._since = 0.0
            self._changed.notify_all()
            while (self._waiting or self._busy) and self._error is None:
                self._changed.wait()
            self._check()

    def close(self):
        """The same, and nothing comes in afterwards. Raises what went wrong, each time."""
        with self._changed:
            self._closing = True
            self._changed.notify_all()
        self._thread.join()
        with self._changed:
            self._check()

    def forget(self, identity):
        """Of what is sealed; it may not be there."""
        with self._changed:
            self._forget(identity)

    def drop(self, unwanted):
        """Forgets all identities of which unwanted(identity) is true."""
        with self._changed:
            for identity in [identity for identity in self._places if unwanted(identity)]:
                self._forget(identity)

    def _check(self):
        if self._error is not None:
            raise self._error

    def _look_at(self, path):
        self._number = max(self._number, int(Path(path).name[:6]) + 1 if Path(path).name[:6].isdigit() else 0)
        found, wrong = places(path)
        if wrong is not None:
            self.damage.append(f"{path}: {wrong}")
        for place in found:
            self._put(place)
        if not found:
            os.unlink(path)

    def _put(self, place):
        self._forget(place.identity)
        self._places[place.identity] = place
        self._live[place.path] += 1

    def _forget(self, identity):
        before = self._places.pop(identity, None)
        if before is not None:
            self._live[before.path] -= 1
            if not self._live[before.path]:
                del self._live[before.path]
                os.unlink(before.path)

    def _seal_by_time(self):
        while True:
            with self._changed:
                while not self._due():
                    if self._closing and not self._waiting:
                        return
                    left = self._since + self.seconds - time.monotonic() if self._waiting else None
                    self._changed.wait(left)
                records, self._waiting, self._bytes, self._busy = self._waiting, [], 0, True
            try:
                self._seal(records)
                error = None
            except (OSError, RequestError) as failure:
                error = failure
            with self._changed:
                self._busy, self._error = False, error
                if error is not None:
                    self._unsealed = {identity_of(record): record for record in (*records, *self._waiting)}
                self._changed.notify_all()
                if error is not None:
                    return
            del records  # not held until the next part is due

    def _due(self):
        if not self._waiting:
            return False
        return self._closing or self._bytes >= self.size or time.monotonic() - self._since >= self.seconds

    def _seal(self, records):
        newest = {identity_of(record): record for record in records}
        found = seal(self.folder, self._number, [*newest.values()], self.durable)
        self._number += 1
        with self._changed:
            for place in found:
                self._put(place)
