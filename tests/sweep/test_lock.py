"""One writer an output, by a lock that goes with its process."""

import os
import signal
import subprocess
import sys

import pytest

from gradsim import RequestError
from gradsim.sweep.lock import Lock, held, holder

HOLD = """
import sys
from gradsim.sweep.lock import Lock
lock = Lock(sys.argv[1], "it")
print("held", flush=True)
sys.stdin.read()
"""


def holding(path):
    child = subprocess.Popen([sys.executable, "-c", HOLD, path], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    assert child.stdout.readline() == "held\n"
    return child


def test_the_second_is_refused_with_the_holder_and_begins_at_once_when_that_is_killed(tmp_path):
    path = tmp_path / "lock"
    child = holding(path)
    assert held(path) and holder(path)["pid"] == child.pid
    with pytest.raises(RequestError, match=rf"^out: process {child.pid} on \S+, since \S+, is at work on it$"):
        Lock(path, "--out")
    child.send_signal(signal.SIGKILL)
    child.wait()
    child.stdin.close()
    child.stdout.close()
    assert path.exists() and not held(path)
    lock = Lock(path, "--out")
    assert holder(path)["pid"] == os.getpid() and not lock.missing
    lock.release()
    assert not held(path)


def test_a_file_that_is_merely_there_is_no_lock(tmp_path):
    (tmp_path / "lock").write_text('{"host": "elsewhere", "pid": 1, "since": "2020"}')
    Lock(tmp_path / "lock", "it").release()
    (tmp_path / "lock").write_text("rubbish")
    assert holder(tmp_path / "lock") is None and held(tmp_path / "none") is False
    Lock(tmp_path / "lock", "it").release()


def test_a_lock_on_a_file_that_its_holder_removed_is_not_taken_for_one(tmp_path, monkeypatch):
    path, take = tmp_path / "lock", Lock._take
    path.write_text("")

    def removed_meanwhile(self):
        take(self)
        monkeypatch.setattr(Lock, "_take", take)
        os.unlink(path)

    monkeypatch.setattr(Lock, "_take", removed_meanwhile)
    lock = Lock(path, "it")
    assert holder(path)["pid"] == os.getpid() and held(path)
    lock.release()


def test_a_file_system_without_locks_is_said(tmp_path, monkeypatch):
    import errno
    import fcntl

    def without(*_):
        raise OSError(errno.ENOLCK, "No locks available")

    monkeypatch.setattr(fcntl, "flock", without)
    lock = Lock(tmp_path / "lock", "it")
    assert lock.missing and held(tmp_path / "lock") is None
    lock.release()
