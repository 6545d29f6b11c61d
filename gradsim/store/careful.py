"""The stream that HDF5 writes through, which does not fail for it."""

import os

PAGE = 2**16  # bytes that are kept together


def write_all(stream, content):
    """Writes bytes to a stream that may have no buffer, and takes a part of them at a time then."""
    rest = memoryview(content).cast("B")
    while rest:
        rest = rest[stream.write(rest) :]


class Careful:
    """A binary stream without a buffer, for HDF5; the first error of writing is kept for `check`.

    HDF5 cannot give a file up: it goes on, and reads again what it has written. So what the disk does not take stays here, in
    memory, until HDF5 is done: no more than is written between two checks.
    """

    def __init__(self, stream):
        self._stream, self._at, self._error, self._pages = stream, 0, None, {}
        self._end = stream.seek(0, os.SEEK_END)

    def check(self):
        """Raises what failed, if anything did."""
        if self._error is not None:
            raise self._error

    def seek(self, offset, whence=os.SEEK_SET):
        self._at = offset + {os.SEEK_SET: 0, os.SEEK_CUR: self._at, os.SEEK_END: self._end}[whence]
        return self._at

    def tell(self):
        return self._at

    def read(self, size=-1):
        content = bytearray(max(0, self._end - self._at if size < 0 else min(size, self._end - self._at)))
        self.readinto(content)
        return bytes(content)

    def readinto(self, buffer):
        self._stream.seek(self._at)
        view = memoryview(buffer).cast("B")
        filled = self._stream.readinto(view)
        view[filled:] = bytes(len(view) - filled)
        for page, start, stop in self._parts(len(view)):
            if page in self._pages:
                at = page * PAGE
                view[start - self._at : stop - self._at] = self._pages[page][start - at : stop - at]
        self._at += len(view)
        return len(view)

    def write(self, content):
        view = memoryview(content).cast("B")
        self._try(lambda: (self._stream.seek(self._at), write_all(self._stream, view)))
        if self._error is not None:
            for page, start, stop in self._parts(len(view)):
                at = page * PAGE
                self._kept(page)[start - at : stop - at] = view[start - self._at : stop - self._at]
        self._at += len(view)
        self._end = max(self._end, self._at)
        return len(view)

    def truncate(self, size):
        self._try(lambda: self._stream.truncate(size))
        self._end = size
        return size

    def flush(self):
        self._try(self._stream.flush)

    def _parts(self, size):
        """Yield (page, start, stop) of the next bytes."""
        end = self._at + size
        for page in range(self._at // PAGE, -(-end // PAGE)):
            yield page, max(self._at, page * PAGE), min(end, (page + 1) * PAGE)

    def _kept(self, page):
        """A page in memory, at first as it is on the disk."""
        if page not in self._pages:
            content = bytearray(PAGE)
            self._stream.seek(page * PAGE)
            self._stream.readinto(content)
            self._pages[page] = content
        return self._pages[page]

    def _try(self, do):
        if self._error is None:
            try:
                do()
            except OSError as error:
                self._error = error
