"""What needs a process of its own: signals, closed streams, two writers of one name, a file system without locks."""

import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import h5py
import pytest

SMALL = ("run", "--width", "4", "--depth", "3", "--replicas", "8")
LONG = ("run", "--width", "256", "--depth", "200", "--engine", "dense", "--replicas", "100000", "--threads", "1")
BOTH = ("--out", "a.h5", "--plot", "a.png")
PATIENCE = 60  # seconds


@dataclass(frozen=True)
class Process:
    """`check(folder, environment)` runs it in an empty folder and asserts."""

    name: str
    check: Callable


def gradsim(*arguments):
    """The command, which finds no module in the current folder unless it looks there."""
    return [sys.executable, "-P", "-m", "gradsim", *arguments]


def run(folder, environment, *arguments, shell=None, **more):
    """(exit code, stdout, stderr); `shell` redirects, as in '>&-'."""
    command = gradsim(*arguments)
    if shell is not None:
        command = ["sh", "-c", f'exec "$@" {shell}', "sh", *command]
    done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, timeout=PATIENCE, **more)
    return done.returncode, done.stdout, done.stderr


def quiet(text, most=1):
    """Asserts that stderr tells no story: as many lines at most, and no traceback."""
    assert "Traceback" not in text and "Exception" not in text and "Warning" not in text, text
    lines = [line for line in text.splitlines() if line.strip() and "% done" not in line]
    assert len(lines) <= most, text
    return lines


def whole(path):
    """Asserts that these are results."""
    with h5py.File(path, locking=False) as file:
        assert "schema_version" in file.attrs and len(file["request"]) == 1
        return file["seed"].asstr()[0]


def names(folder):
    return sorted(p.name for p in Path(folder).iterdir())


def closed(shell, codes):
    """What is computed is kept, whatever stands at the end of stdout or stderr."""

    def check(folder, environment):
        code, _, err = run(folder, environment, *SMALL, "--out", "a.h5", shell=shell)
        quiet(err)
        assert code in codes and names(folder) == ["a.h5"], (code, err)
        whole(folder / "a.h5")

    return check


def reader_gone(folder, environment):
    """`gradsim ... | head -0`."""
    reading, writing = os.pipe()
    os.close(reading)
    command = gradsim(*SMALL, "--out", "a.h5")
    with subprocess.Popen(command, cwd=folder, env=environment, stdout=writing, stderr=subprocess.PIPE, text=True) as process:
        os.close(writing)
        _, err = process.communicate(timeout=PATIENCE)
    quiet(err)
    assert names(folder) == ["a.h5"], err
    whole(folder / "a.h5")


def loaded(process, library="_multiarray_umath"):
    """Waits until a process has loaded a library: it is then past the start of the interpreter, and at work."""
    end = time.monotonic() + PATIENCE
    while time.monotonic() < end and process.poll() is None:
        try:
            if library in Path(f"/proc/{process.pid}/maps").read_text():
                return
        except OSError:
            break
        time.sleep(0.02)


MOMENTS = [(kind, delay) for kind in (signal.SIGINT, signal.SIGTERM) for delay in (0.0, 0.4, 2.0)]


@cache
def interrupted(parent, environment):
    """{(signal, delay): (exit code, stdout, stderr, names left)}, all of them at the same time."""
    started = {}
    for kind, delay in MOMENTS:
        folder = Path(parent, f"{kind.name}-{delay}")
        folder.mkdir()
        command = gradsim(*LONG, *BOTH)
        options = {"cwd": folder, "env": dict(environment), "text": True}
        started[kind, delay] = folder, subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, **options)
    for _, process in started.values():
        loaded(process)
    begin, result = time.monotonic(), {}
    for kind, delay in sorted(started, key=lambda moment: moment[1]):
        time.sleep(max(0.0, begin + delay - time.monotonic()))
        started[kind, delay][1].send_signal(kind)
    for moment, (folder, process) in started.items():
        out, err = process.communicate(timeout=PATIENCE)
        result[moment] = process.returncode, out, err, names(folder)
    return result


def signalled(kind, delay):
    def check(folder, environment):
        code, out, err, left = interrupted(folder.parent, tuple(environment.items()))[kind, delay]
        assert left == [], left
        assert code == (130 if kind == signal.SIGINT else 143) and out == "", (code, out, err)
        assert len(quiet(err)) == 1 and any(word in err for word in ("interrupted", "ended", "terminated")), err

    return check


def writers(folder, environment, replicas):
    """[(stdout, stderr, exit code)] of two processes at once."""
    work = ("run", "--width", "64", "--depth", "100", "--replicas", str(replicas), "--threads", "1", "--out", "a.h5")
    commands = [gradsim(*work, "--seed", str(seed)) for seed in (1, 2)]
    options = {"cwd": folder, "env": environment, "text": True}
    processes = [subprocess.Popen(c, stdout=subprocess.PIPE, stderr=subprocess.PIPE, **options) for c in commands]
    return [(*p.communicate(timeout=PATIENCE), p.returncode) for p in processes]


def two_writers(folder, environment):
    """One gets the name; the other says so, and prints its table all the same."""
    for replicas in (15_000, 60_000, 240_000):  # until both were at work before one was done, however busy the machine is
        results = writers(folder, environment, replicas)
        if all(out for out, *_ in results):
            break
        (folder / "a.h5").unlink()
    codes = [code for _, _, code in results]
    assert sorted(codes) == [0, 2], results
    out, err, _ = results[codes.index(2)]
    assert len(quiet(err)) == 1 and "a.h5" in err and "relu" in out, (out, err)
    assert names(folder) == ["a.h5"] and whole(folder / "a.h5") == str(codes.index(0) + 1)


NO_LOCKS = "#include <errno.h>\nint flock(int f, int o) { errno = ENOLCK; return -1; }\n"


def no_locks(folder, environment):
    """flock fails, as on some network file systems."""
    compiler = shutil.which("cc")
    if compiler is None or sys.platform != "linux":
        pytest.skip("no C compiler, or no LD_PRELOAD")
    source, library = folder.parent / "nolocks.c", folder.parent / "nolocks.so"
    source.write_text(NO_LOCKS)
    subprocess.run([compiler, "-shared", "-fPIC", "-o", library, source], check=True)
    code, out, err = run(folder, environment | {"LD_PRELOAD": str(library)}, *SMALL, *BOTH)
    assert code == 0 and "relu" in out and names(folder) == ["a.h5", "a.png"], err
    quiet(err, 0)
    whole(folder / "a.h5")


def shadowed(folder, environment):
    """A user's function is found in the current folder; what else lies there is not Python's library for that."""
    (folder / "mine.py").write_text("def f(h):\n    return h\ndef f_derivative(h):\n    return 1.0\n")
    others = ("random", "queue", "secrets", "colorsys", "matplotlib", "PIL", "kiwisolver", "xarray", "csv", "statistics")
    for name in others:
        (folder / f"{name}.py").write_text(f"raise RuntimeError('{name} of the current folder')\n")
    before = names(folder)
    code, _, err = run(folder, environment, *SMALL, "--activation", "mine:f", *BOTH, "--theory")
    assert code == 0 and set(names(folder)) - set(before) - {"__pycache__"} == {"a.h5", "a.png"}, err
    quiet(err, 0)


PROCESSES = [
    Process("stdout closed", closed(">&-", (0, 2))),
    Process("stdout full", closed(">/dev/full", (1, 2))),
    Process("stderr closed", closed("2>&-", (0,))),
    Process("everything closed", closed("<&- >&- 2>&-", (0, 2))),
    Process("the reader of stdout gone", reader_gone),
    *(Process(f"{kind.name} after {delay} s", signalled(kind, delay)) for kind, delay in MOMENTS),
    Process("two writers of one name", two_writers),
    Process("a file system without locks", no_locks),
    Process("modules in the current folder", shadowed),
]
