"""A process that takes hostile inputs, one JSON line each, and answers with a line on what each of them did.

It is started by workshop.py with a folder for what it prints. An input that hangs ends the process, with the place where
it hung in `hung.txt`; so does one that crashes the interpreter. All the others find the process as it was before.
"""

import contextlib
import faulthandler
import gc
import io
import json
import os
import resource
import sys
import threading
import time
import traceback
import warnings
from pathlib import Path

ROOM = 4 * 2**30  # bytes of address space beyond what the process has at its start


def status(field):
    """A field of /proc/self/status in bytes; 0 where there is none."""
    try:
        lines = Path("/proc/self/status").read_text().splitlines()
    except OSError:
        return 0
    return next((int(line.split()[1]) * 1024 for line in lines if line.startswith(f"{field}:")), 0)


def fresh_peak():
    """Forget the largest memory so far, and return the memory now."""
    with contextlib.suppress(OSError):
        Path("/proc/self/clear_refs").write_text("5")
    return status("VmRSS")


@contextlib.contextmanager
def limited(limits):
    """Soft limits of the process for one input: {"AS": bytes, "FSIZE": bytes}."""
    before = {}
    try:
        for name, most in limits.items():
            kind = getattr(resource, f"RLIMIT_{name}")
            before[kind] = resource.getrlimit(kind)
            resource.setrlimit(kind, (most, before[kind][1]))
        yield
    finally:
        for kind, was in before.items():
            resource.setrlimit(kind, was)


@contextlib.contextmanager
def nobody(wanted):
    """Root may write anywhere; for one input be nobody."""
    if wanted:
        os.setegid(65534)
        os.seteuid(65534)
    try:
        yield
    finally:
        if wanted:
            os.seteuid(0)
            os.setegid(0)


def open_files(folder):
    """Files of `folder` that this process has open."""
    found = []
    for number in os.listdir("/proc/self/fd") if os.path.isdir("/proc/self/fd") else ():
        with contextlib.suppress(OSError):
            place = os.readlink(f"/proc/self/fd/{number}")
            found += [place] if place.startswith(f"{folder}/") else []
    return found


def run(request):
    """(exit code, names of the classes of what was raised, its text) of an input."""
    try:
        if "arguments" in request:
            from gradsim.cli import main

            main(request["arguments"])
        else:
            namespace = {"__name__": "__main__"}
            exec(request["source"], namespace)
        return 0, None, None
    except SystemExit as error:
        return error.code, None, None
    except BaseException as error:
        kinds = [kind.__name__ for kind in type(error).__mro__]
        if "arguments" in request or not isinstance(error, Exception):
            traceback.print_exc()
        try:
            return 1, kinds, str(error.args[0]) if isinstance(error, KeyError) and error.args else str(error)
        except BaseException:
            return 1, kinds, "an error whose text raises another"


def answer(request, spool):
    """Runs one input and returns what it did."""
    folder = request["folder"]
    os.chdir(folder)
    path_before, modules_before, threads_before = list(sys.path), set(sys.modules), threading.active_count()
    streams = {}
    for number, name in ((1, "out"), (2, "err")):
        descriptor = os.open(spool / name, os.O_RDWR | os.O_CREAT | os.O_TRUNC)
        os.dup2(descriptor, number)
        os.close(descriptor)
        errors = "strict" if number == 1 else "backslashreplace"
        raw = io.FileIO(number, "wb", closefd=False)
        stream = io.TextIOWrapper(io.BufferedWriter(raw), request.get("encoding", "utf-8"), errors)
        streams["stdout" if number == 1 else "stderr"] = stream
    was = sys.stdout, sys.stderr
    sys.stdout, sys.stderr = streams["stdout"], streams["stderr"]
    start = fresh_peak()
    limits = {"AS": request["room"]} | request.get("limits", {})
    try:
        with limited(limits), nobody(request.get("nobody")):
            code, raised, message = run(request)
            for stream in streams.values():
                try:
                    stream.flush()
                except (OSError, ValueError):
                    code = 120  # as the interpreter ends
    finally:
        sys.stdout, sys.stderr = was
    gc.collect()
    gc.freeze()  # what is left, modules above all, need not be looked at after the next input: half of all the time
    end = time.monotonic() + 5  # for threads that are about to end
    while threading.active_count() > threads_before and time.monotonic() < end:
        time.sleep(0.01)
    reply = {
        "code": code,
        "raised": raised,
        "message": message,
        "memory": status("VmHWM") - start,
        "path": sys.path != path_before,
        "cwd": os.getcwd() if os.path.realpath(os.getcwd()) != os.path.realpath(folder) else None,
        "threads": threading.active_count() - threads_before,
        "open": open_files(os.path.realpath(folder)),
    }
    sys.path[:] = path_before
    theirs = [n for n in set(sys.modules) - modules_before if _of(sys.modules[n], folder)]
    for name in theirs:
        del sys.modules[name]
    return reply | {"modules": sorted(theirs)}


def _of(module, folder):
    place = getattr(module, "__file__", None) or ""
    return os.path.realpath(place).startswith(os.path.realpath(folder))


def serve(spool):
    """Answers until there are no more inputs."""
    requests, replies = os.fdopen(os.dup(0), "r"), os.fdopen(os.dup(1), "w")
    empty = os.open(os.devnull, os.O_RDONLY)
    os.dup2(empty, 0)
    warnings.simplefilter("always", UserWarning)
    warnings.simplefilter("always", RuntimeWarning)
    log = open(spool / "hung.txt", "w")  # noqa: SIM115 - open as long as the process
    room = status("VmSize") + ROOM
    for line in requests:
        request = json.loads(line)
        faulthandler.dump_traceback_later(request["seconds"], exit=True, file=log)
        faulthandler.enable(file=log)
        try:
            reply = answer({"room": room} | request, spool)
        finally:
            faulthandler.cancel_dump_traceback_later()
        os.chdir("/")
        print(json.dumps(reply, default=repr), file=replies, flush=True)


if __name__ == "__main__":
    del sys.path[0]  # this folder
    import numpy as np

    from gradsim.simulation.simulate import warm_up, warm_up_apart
    from gradsim.statistics.quantiles import Histograms

    for arithmetic in ("carried", "float32", "float64"):  # compiled, or loaded: nothing that is looked at compiles
        warm_up(arithmetic)
    warm_up_apart()
    counted = Histograms.of(np.zeros((2, 1)))
    counted + counted
    serve(Path(sys.argv[1]))
