"""Where results go: over what is not ours, under names that cannot be, onto disks that are full."""

import os
import subprocess
from pathlib import Path

import numpy as np
import pytest

from . import result_files
from .special import circle, device, fifo
from .truths import AnyOf, Either, Input, Refused, done, either, refused

SMALL = ("run", "--width", "4", "--depth", "3", "--replicas", "8")
PNG = b"\x89PNG\r\n\x1a\n" + bytes(40)


def results(folder, name="a.h5"):
    """A good file of results."""
    (folder / name).write_bytes(result_files.GOOD["r.h5"])


def text(name, content=b"mine\n"):
    return lambda folder: (folder / name).write_bytes(content)


def several(*makers):
    return lambda folder: [make(folder) for make in makers] and None


def at(name, make):
    """One of special.py's at a name."""
    return lambda folder: make(folder / name)


def link(name, to, how=os.symlink):
    return lambda folder: how(to if how is os.symlink else folder / to, folder / name)


def run(note, more, truth, prepare=None, command=SMALL, **rest):
    return Input(f"output {note}", truth, (*command, *more.split("|")) if more else command, prepare=prepare, **rest)


BOTH = ("--out", "--plot")
SAME_FILE = [
    run("the same name twice", "--out|a.png|--plot|a.png", refused(*BOTH)),
    run("the same name, written otherwise", "--out|./a.png|--plot|a.png", refused(*BOTH)),
    run("the same name through a folder", "--out|d/../a.png|--plot|a.png", refused(*BOTH), lambda f: (f / "d").mkdir()),
    run("the same folder through a link", "--out|d/a.png|--plot|a.png", refused(*BOTH), link("d", ".")),
    run("an absolute name", "", refused(*BOTH), command=(*SMALL, "--out", f"{os.sep}proc/self/cwd/a.png", "--plot", "a.png")),
    run(
        "the same file through a symbolic link",
        "--out|a.png|--plot|b.png|--overwrite",
        refused(("--out", "--plot")),
        several(text("a.png", PNG), link("b.png", "a.png")),
    ),
    run(
        "the same file through a hard link",
        "--out|a.png|--plot|b.png|--overwrite",
        refused(("--out", "--plot")),
        several(text("a.png", PNG), link("b.png", "a.png", os.link)),
    ),
]


def x_npy(folder):
    np.save(folder / "x.npy", np.eye(4))
    np.save(folder / "t.npy", np.eye(4))


def x_csv(folder):
    (folder / "x.csv").write_text("1,2\n3,4\n")


GRID = text("grid.toml", b"width = 4\ndepth = 2\nreplicas = 4\n")
SWEEP = ("sweep", "grid.toml")
NOT_OURS = [
    run("over its inputs", "--input-file|x.npy|--out|x.npy|--overwrite", refused("--out", "x.npy"), x_npy),
    run("over its table of inputs", "--input-file|x.csv|--out|x.csv|--overwrite", refused("--out", "x.csv"), x_csv),
    run(
        "over its inputs in HDF5",
        "--input-file|x.h5:layer|--out|x.h5|--overwrite",
        refused("--out", "x.h5"),
        lambda f: results(f, "x.h5"),
    ),
    run(
        "over its inputs through a link",
        "--input-file|x.npy|--out|l.h5|--overwrite",
        refused("--out"),
        several(x_npy, link("l.h5", "x.npy")),
    ),
    run(
        "over its targets",
        "--input-file|x.npy|--target-file|t.npy|--loss|mse|--out|t.npy|--overwrite",
        refused("--out", "t.npy"),
        x_npy,
    ),
    run("over its grid", "--out|grid.toml|--overwrite", refused("--out", "grid.toml"), GRID, SWEEP),
    run(
        "over the inputs of its grid",
        "--out|x.npy|--overwrite",
        refused("--out", "x.npy"),
        several(x_npy, text("grid.toml", b"input_file = 'x.npy'\nwidth = 4\ndepth = 2\nreplicas = 4\n")),
        SWEEP,
    ),
    run("picture over results", "--plot|a.png|--overwrite", refused("--plot", "a.png"), lambda f: results(f, "a.png")),
    run("results over a picture", "--out|a.png|--overwrite", refused("--out", "a.png"), text("a.png", PNG)),
    run("results over a text", "--out|notes.txt|--overwrite", refused("--out", "notes.txt"), text("notes.txt")),
    run("results over a text called .h5", "--out|a.h5|--overwrite", refused("--out", "a.h5"), text("a.h5")),
    run(
        "results over an empty file",
        "--out|a.h5|--overwrite",
        either("--out", words=("relu",), changes=("a.h5",)),
        text("a.h5", b""),
    ),
    run("results over results, unasked", "--out|a.h5", refused("--out", "a.h5", "--overwrite"), results),
    run("results over results", "--out|a.h5|--overwrite", done("relu", changes=("a.h5",)), results),
    run("picture over a picture", "--plot|a.png|--overwrite", done("relu", changes=("a.png",)), text("a.png", PNG)),
    run("picture over a text", "--plot|a.png|--overwrite", refused("--plot", "a.png"), text("a.png")),
    run("plot over the file itself", "", refused("g.png"), lambda f: results(f, "g.png"), ("plot", "g.png", "--overwrite")),
    run(
        "plot over other results",
        "",
        refused("b.png"),
        several(results, lambda f: results(f, "b.png")),
        ("plot", "a.h5", "-o", "b.png", "--overwrite"),
    ),
    run(
        "page over the file itself",
        "",
        refused("p.html"),
        lambda f: results(f, "p.html"),
        ("report", "p.html", "-o", "p.html", "--overwrite"),
    ),
    run(
        "page over a stranger's page",
        "",
        refused("b.html", "page of gradsim"),
        several(results, text("b.html", b"<!DOCTYPE html>")),
        ("report", "a.h5", "-o", "b.html", "--overwrite"),
    ),
    run("page in a picture's name", "", refused("--out", "b.png"), results, ("report", "a.h5", "-o", "b.png")),
    run("a page", "", done("b.html", writes=("b.html",)), results, ("report", "a.h5", "-o", "b.html")),
    run(
        "phase over results",
        "",
        refused("p.png"),
        lambda f: results(f, "p.png"),
        ("phase", "--points", "3", "-o", "p.png", "--overwrite"),
    ),
]

SPECIAL = [
    *(
        run(f"{name}{' --overwrite' * over}", "--out|a.h5" + "|--overwrite" * over, refused("--out", "a.h5"), at("a.h5", make))
        for name, make in (
            ("null device", device(1, 3)),
            ("full device", device(1, 7)),
            ("fifo", fifo),
            ("folder", Path.mkdir),
            ("link to itself", circle),
        )
        for over in (False, True)
    ),
    run("picture onto a device", "--plot|a.png|--overwrite", refused("--plot", "a.png"), at("a.png", device(1, 3))),
    run("picture onto a fifo", "--plot|a.png|--overwrite", refused("--plot", "a.png"), at("a.png", fifo)),
    run(
        "link to a device",
        "--out|l.h5|--overwrite",
        refused("--out", "l.h5"),
        several(at("null", device(1, 3)), link("l.h5", "null")),
    ),
    run("link to a folder", "--out|l.h5|--overwrite", refused("--out", "l.h5"), link("l.h5", ".")),
    run("link to nothing", "--out|l.h5", either("--out", "l.h5", writes=("nothing",)), link("l.h5", "nothing")),
    run("below a file", "--out|notes.txt/a.h5", refused("--out"), text("notes.txt")),
    run("below nothing", "--out|nowhere/a.h5", refused("--out", "nowhere")),
    run("picture below nothing", "--plot|nowhere/a.png", refused("--plot", "nowhere")),
    run("in /proc", "--out|/proc/a.h5", refused("--out", "/proc/a.h5")),
    run("a trailing slash", "--out|a.h5/", either("--out", writes=("a.h5",))),
    run("no such form", "--plot|a.jpg", refused("--plot", "a.jpg", "png")),
    run("no name at all", "--plot|.png", refused("--plot", ".png")),
    run("upper case", "--plot|a.PNG", done("relu", writes=("a.PNG",))),
]

LONG = [
    *(
        run(f"a name of {len(os.fsencode(name))} bytes", f"--out|{name}", done("relu", writes=(name,)))
        for name in ("x" * 252 + ".h5", "ä" * 126 + ".h5", "🙂" * 63 + ".h5")
    ),
    *(
        run(f"a name of {len(os.fsencode(name))} bytes", f"--out|{name}", refused("--out"))
        for name in ("x" * 253 + ".h5", "ä" * 127 + ".h5", "x" * 5000, "d/" * 2500 + "a.h5")
    ),
    run("a picture's name of 255 bytes", f"--plot|{'x' * 251}.png", done("relu", writes=("x" * 251 + ".png",))),
    run("a picture's name of 256 bytes", f"--plot|{'x' * 252}.png", refused("--plot")),
    run("an empty name", "", refused("--out"), command=(*SMALL, "--out", "")),
    run("an empty picture", "", refused("--plot"), command=(*SMALL, "--plot", "")),
    run("a name with NUL", "--out|a\0.h5", refused("--out")),
    run("a picture with NUL", "--plot|a\0.png", refused("--plot")),
    run("a name that no file can have", "--out|\ud800.h5", refused("--out")),
    run("a name that is not UTF-8", "--out|\udcff.h5", done("relu", writes=("\udcff.h5",))),
    run("a picture that is not UTF-8", "--plot|\udcff.png", done("relu", writes=("\udcff.png",))),
    run("a line break in a name", "--out|a\nb.h5", done("relu", writes=("a\nb.h5",))),
    run("a name like an option", "--out|--plot", Either(refused("--out"), done(writes=("--plot",)))),
]


def mode(bits, *before):
    """A folder d of somebody else's, or of nobody's."""

    def make(folder):
        if os.geteuid() != 0:
            pytest.skip("only root can become nobody")
        (folder / "d").mkdir()
        for maker in before:
            maker(folder / "d")
        for path in (*folder.parents,)[:3]:
            if str(path).startswith(("/tmp/pytest", "/var/tmp")):
                path.chmod(path.stat().st_mode | 0o055)
        folder.chmod(0o755)
        os.chown(folder / "d", 65534, 65534)
        (folder / "d").chmod(bits)

    return make


NOBODY = {"nobody": True}
RIGHTS = [
    run("a folder to write, not to read", "--out|d/a.h5", done("relu", writes=("d/a.h5",)), mode(0o333), settings=NOBODY),
    run("a picture in such a folder", "--plot|d/a.png", done("relu", writes=("d/a.png",)), mode(0o333), settings=NOBODY),
    run("a folder to read, not to write", "--out|d/a.h5", refused("--out", "d/a.h5"), mode(0o555), settings=NOBODY),
    run("a picture in such a folder", "--plot|d/a.png", refused("--plot", "d/a.png"), mode(0o555), settings=NOBODY),
    run("a folder not to enter", "--out|d/a.h5", refused("--out", "d/a.h5"), mode(0o000), settings=NOBODY),
    run("a folder of root", "--out|a.h5", refused("--out", "a.h5"), mode(0o555), settings=NOBODY),
]


def tmpfs(folder):
    """A disk of 32 KB."""
    (folder / "small").mkdir()
    command = ["mount", "-t", "tmpfs", "-o", "size=32k", "none", str(folder / "small")]
    try:
        subprocess.run(command, check=True, capture_output=True)
    except (OSError, subprocess.CalledProcessError) as error:
        pytest.skip(f"no disk can be made here: {error}")


def unmount(folder):
    subprocess.run(["umount", str(folder / "small")], check=True)


def full(note, more, *words, size=4096, writes=(), command=SMALL, **rest):
    """A run whose files may not be larger than `size` bytes: the table is there all the same."""
    truth = Refused(words, late=True, writes=writes)
    return run(note, more, truth, command=command, settings={"limits": {"FSIZE": size}}, **rest)


LARGE = ("run", "--width", "4", "--depth", "20", "--replicas", "600", "--keep-samples")
LONGER = ("run", "--width", "64", "--depth", "100", "--replicas", "20000")
FULL = [
    full("files of 4 KB", "--out|a.h5", "a.h5"),
    full("files of 30 KB", "--out|a.h5", "a.h5", size=30_000),
    full("samples in files of 300 KB", "--out|a.h5", "a.h5", size=300_000, command=LARGE),
    full("a picture of 4 KB", "--plot|a.png", "a.png"),
    full("results and a picture of 4 KB", "--out|a.h5|--plot|a.png", ("a.h5", "a.png")),
    full("a picture fits, samples do not", "--out|a.h5|--plot|a.png", "a.h5", size=300_000, command=LARGE, writes=("a.png",)),
    full("a grid's results in files of 4 KB", "--out|a.h5", "a.h5", command=SWEEP, prepare=GRID),
    full("over old results", "--out|a.h5|--overwrite", "a.h5", prepare=results),
    run("a full disk", "--out|small/a.h5", Refused(("small/a.h5",), late=True), tmpfs, finish=unmount),
    run("a picture on a full disk", "--plot|small/a.png", Refused(("small/a.png",), late=True), tmpfs, finish=unmount),
    run(
        "samples on a full disk", "--out|small/a.h5", Refused(("small/a.h5",), late=True), tmpfs, command=LARGE, finish=unmount
    ),
]

TERMINALS = [
    run(
        f"a terminal of {code}: {' '.join(command)[:40]}",
        "",
        done(*words, writes=writes),
        prepare,
        command,
        settings={"encoding": code},
    )
    for code in ("ascii", "cp1252", "latin-1")
    for command, words, writes, prepare in (
        ((*SMALL, "--out", "a.h5"), ("relu", "written"), ("a.h5",), None),
        ((*SMALL, "--theory", "--weight-gain", "1e-30"), ("vanishing",), (), None),
        (SWEEP, ("relu", "written"), ("grid.h5",), GRID),
        (("list", "activations"), ("relu",), (), None),
        (("list", "initializers"), ("he_normal",), (), None),
        (("theory", "--width", "4", "--depth", "3"), ("relu",), (), None),
        (("verify", "--list"), ("exact",), (), None),
    )
]

HALT = """
import os, signal, time
from gradsim.cli import main
{first}
was, called = {home}.{name}, []
def stop(*arguments, **more):
    if not called:
        called.append(True)
        os.kill(os.getpid(), signal.SIGINT)
        time.sleep(0.2)
    return was(*arguments, **more)
{home}.{name} = stop
try:
    main({arguments})
finally:
    {home}.{name} = was
"""


def interrupted(note, home, name, more, truth, first=""):
    """Ctrl-C as soon as a function is called."""
    source = HALT.format(first=first, home=home, name=name, arguments=[*SMALL, *more])
    return Input(f"output interrupted {note}", truth, source=source)


def ended(*writes):
    """Ended by Ctrl-C, with a line that says what is there: `writes`, or nothing."""
    words = writes or ("nothing was written",)
    return Refused(("interrupted", *words), ("nothing was written",) if writes else (), late=True, code=130, writes=writes)


BREAKS = [
    interrupted("before its results are on the disk", "os", "fsync", ("--out", "a.h5"), AnyOf((ended(), ended("a.h5")))),
    interrupted("before its picture is on the disk", "os", "fsync", ("--plot", "a.png"), AnyOf((ended(), ended("a.png")))),
    interrupted(
        "while it draws",
        "Figure",
        "savefig",
        ("--out", "a.h5", "--plot", "a.png"),
        AnyOf((ended("a.h5"), ended("a.h5", "a.png"))),
        "from matplotlib.figure import Figure",
    ),
    Input(
        "output into a folder that goes away",
        Refused(("d/a.h5",), late=True),
        source="import os, shutil, threading\nfrom gradsim.cli import main\n"
        + "threading.Timer(0.3, shutil.rmtree, ['d']).start()\n"
        + f"try:\n    main({[*LONGER, '--out', 'd/a.h5']})\nfinally:\n    os.mkdir('d')",
        prepare=lambda folder: (folder / "d").mkdir(),
    ),
]

INPUTS = [*SAME_FILE, *NOT_OURS, *SPECIAL, *LONG, *RIGHTS, *FULL, *TERMINALS, *BREAKS]
