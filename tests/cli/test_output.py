"""What a command prints and writes when something fails at the end, and when a signal ends it."""

import errno
import io
import os
import resource
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

import gradsim
from gradsim.cli import main
from gradsim.cli.terminal import PLAIN, any_terminal, printable

SMALL = ["--width", "4", "--depth", "3", "--replicas", "8"]


def call(*arguments):
    with pytest.raises(SystemExit) as exit:
        main([str(a) for a in arguments])
    return exit.value.code


def process(*arguments, **more):
    return subprocess.run([sys.executable, "-m", "gradsim", *arguments], capture_output=True, text=True, **more)


@pytest.fixture(autouse=True)
def _in_a_folder_of_its_own(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)


def files():
    return sorted(os.listdir("."))


def _raise(error):
    def fail(*arguments, **more):
        raise error

    return fail


FULL = OSError(errno.ENOSPC, "No space left on device")
# What fails, what of --out a.h5 --plot a.png is there all the same, and the lines on stderr
LAST_STEPS = {
    "the file": ([("gradsim.store.write.image", FULL)], ["a.png"], ["No space left"]),
    "the picture": ([("gradsim.show.picture.image", gradsim.RequestError("--plot: cannot be drawn"))], ["a.h5"], ["--plot"]),
    "both": (
        [("gradsim.store.write.image", FULL), ("gradsim.show.picture.image", OSError(5, "broken"))],
        [],
        ["No space", "broken"],
    ),
    "both alike": ([("gradsim.store.files._write", FULL)], [], ["--out: cannot write 'a.h5'", "--plot: cannot write 'a.png'"]),
    "the table": ([("gradsim.show.table.show", FULL)], ["a.h5", "a.png"], ["stdout: No space left"]),
    "theory": ([("gradsim.curves.Curves.with_theory", gradsim.RequestError("--x"))], ["a.h5", "a.png"], ["--x"]),
}


@pytest.mark.parametrize("name", LAST_STEPS)
def test_what_fails_at_the_last_step_takes_nothing_else_away(name, monkeypatch, capsys):
    faults, there, lines = LAST_STEPS[name]
    for target, error in faults:
        monkeypatch.setattr(target, _raise(error))
    options = ["--theory"] if name == "theory" else []
    assert call("run", *SMALL, *options, "--out", "a.h5", "--plot", "a.png") == 2
    out, err = capsys.readouterr()
    assert files() == there and ("verdict" in out) == (name != "the table")
    assert ("written: " + ", ".join(there) in out) == bool(there)
    assert err.count("\n") == bool(lines) and all(words in part for words, part in zip(lines, err.split("; "), strict=True))


def test_a_folder_that_vanishes_meanwhile(monkeypatch, capsys):
    from gradsim.show.table import show

    os.mkdir("folder")
    monkeypatch.setattr("gradsim.show.table.show", lambda *a: (show(*a), shutil.rmtree("folder")))
    assert call("run", *SMALL, "--out", "folder/a.h5", "--plot", "a.png") == 2
    out, err = capsys.readouterr()
    assert "verdict" in out and err == "gradsim: --out: cannot write 'folder/a.h5': No such file or directory\n"
    assert files() == ["a.png"]


def test_the_table_comes_before_the_files(monkeypatch, capsys):
    seen = []
    monkeypatch.setattr("gradsim.store.write.image", lambda *_: seen.append(capsys.readouterr().out) or b"")
    assert call("run", *SMALL, "--out", "a.h5") == 0 and "verdict" in seen[0]


SAME = [
    ["run", *SMALL, "--out", "b.png", "--plot", "./b.png"],
    ["run", *SMALL, "--out", "B.png", "--plot", "b.PNG"],
    ["run", *SMALL, "--out", "round/b.png", "--plot", "b.png"],
    ["run", *SMALL, "--input-file", "x.csv", "--width", "2", "--out", "x.csv", "--overwrite"],
    ["run", *SMALL, "--input-file", "x.csv", "--width", "2", "--out", "hard.csv", "--overwrite"],
    ["run", *SMALL, "--input-file", "r.h5:/cell", "--width", "1", "--out", "link.h5", "--overwrite"],
    ["sweep", "grid.toml", "--out", "grid.toml", "--overwrite"],
    ["sweep", "rows.toml", "--out", "round/r.h5", "--overwrite"],
    ["sweep", "grid.h5"],
    ["sweep", "grid.toml", "--plot", "grid.png", "--out", "grid.png"],
    ["plot", "r.h5", "--out", "r.h5", "--overwrite"],
    ["plot", "r.png", "--overwrite"],
    ["plot", "r.h5", "--out", "s.png", "--overwrite"],
    ["phase", "--out", "s.png", "--overwrite"],
    ["run", *SMALL, "--plot", "s.png", "--overwrite"],
    ["run", *SMALL, "--out", "/dev/null", "--overwrite"],
    ["run", *SMALL, "--out", "x.csv", "--overwrite"],
]


@pytest.mark.parametrize("arguments", SAME, ids=[" ".join(a) for a in SAME])
def test_nothing_is_written_over_another_file(arguments, monkeypatch, capsys):
    grid = "width = 4\ndepth = 2\nreplicas = 5\n"
    for name, text in {
        "x.csv": "1,2\n3,4\n",
        "grid.toml": grid,
        "grid.h5": grid,
        "rows.toml": "input-file = 'r.h5:/cell'",
    }.items():
        Path(name).write_text(text)
    gradsim.simulate(gradsim.mlp(width=2, depth=2), 3).save("r.h5")
    for name in ("r.png", "s.png"):  # results under a picture's name
        shutil.copy("r.h5", name)
    os.symlink("r.h5", "link.h5")
    os.symlink(".", "round")
    os.link("x.csv", "hard.csv")
    before = {name: Path(name).read_bytes() for name in files() if name != "round"}
    monkeypatch.setattr("gradsim.simulation.chunks.run_chunk", None)  # found out before computing
    assert call(*arguments) == 2
    out, err = capsys.readouterr()
    assert err.count("\n") == 1 and out == "" and err.startswith("gradsim: --")
    assert {name: Path(name).read_bytes() for name in files() if name != "round"} == before


class Terminal(io.TextIOWrapper):
    def __init__(self, encoding, errors="strict"):
        super().__init__(io.BytesIO(), encoding=encoding, errors=errors)

    @property
    def text(self):
        self.flush()
        return self.buffer.getvalue().decode(self.encoding)


@pytest.mark.parametrize("encoding", ["ascii", "cp1252", "latin-1", "cp437", "utf-8", "utf-16"])
def test_every_terminal_prints_every_character(encoding, monkeypatch):
    stdout, stderr = Terminal(encoding), Terminal(encoding, "backslashreplace")
    monkeypatch.setattr(sys, "stdout", stdout)
    monkeypatch.setattr(sys, "stderr", stderr)
    assert call("run", *SMALL, "--activation", "sigmoid", "--theory") == 0 and "verdict" in stdout.text
    assert call("run", "--activation", "ré∞\udce9\x1b[31m") == 2
    assert "\x1b" not in stderr.text and stderr.text.count("\n") == 1
    with any_terminal():
        print("".join(PLAIN), "中\udce9")
    last = stdout.text.splitlines()[-1]
    assert last.endswith("\\xe9") and (encoding != "ascii" or last == f"{''.join(PLAIN.values())} \\u4e2d\\xe9")
    assert stdout.errors == "strict" and stderr.errors == "backslashreplace"


def test_who_asks_for_question_marks_gets_them(monkeypatch):
    stdout = Terminal("ascii", "replace")
    monkeypatch.setattr(sys, "stdout", stdout)
    with any_terminal():
        print("∞")
    assert stdout.text == "?\n"


def test_messages_are_one_printable_line():
    assert printable("a\tb\n c\x1b[31m \x07\udce9\u202e") == "a b c\\x1b[31m \\x07\\xe9\\u202e" and printable("é∞ü") == "é∞ü"


@pytest.mark.parametrize(
    "redirected, code, words",
    [
        (">/dev/full", 2, "stdout: No space left on device\n"),
        (">&-", 2, "stdout: closed, nothing could be printed\n"),
        ("2>&-", 0, ""),
        ("2>/dev/full", 0, ""),
        ("| true", 141, ""),
    ],
)
def test_streams_that_take_nothing_cost_nothing_else(redirected, code, words):
    # the reader of the pipe is gone before anything is printed
    command = f'"{sys.executable}" -m gradsim run {" ".join(SMALL)} --out a.h5 {redirected}'
    if redirected.startswith("|"):
        command += "; exit ${PIPESTATUS[0]}"
    done = subprocess.run(["bash", "-c", command], capture_output=True, text=True)
    assert done.returncode == code and files() == ["a.h5"]
    assert done.stderr == (f"gradsim: {words}" if words else "")


def test_a_limit_on_the_size_of_files():
    def limit():
        resource.setrlimit(resource.RLIMIT_FSIZE, (50_000, 50_000))

    done = process("run", *SMALL, "--out", "a.h5", preexec_fn=limit)
    assert done.returncode == 2 and "verdict" in done.stdout and files() == []
    assert done.stderr == "gradsim: --out: cannot write 'a.h5': File too large\n"


@pytest.mark.skipif(shutil.which("cc") is None or sys.platform != "linux", reason="needs a C compiler and LD_PRELOAD")
def test_a_file_system_without_locks():
    source = "#include <errno.h>\n#include <fcntl.h>\n"
    source += "int flock(int f, int o) { errno = ENOLCK; return -1; }\n"
    Path("shim.c").write_text(source)
    subprocess.run(["cc", "-shared", "-fPIC", "-o", "shim.so", "shim.c"], check=True)
    env = os.environ | {"LD_PRELOAD": os.path.abspath("shim.so")}
    code = "import sys; from gradsim.cli import main; import gradsim, fcntl, os\n"
    code += "try:\n    fcntl.flock(1, fcntl.LOCK_EX); sys.exit('locks after all')\nexcept OSError:\n    pass\n"
    code += "try:\n    main(sys.argv[1:])\nexcept SystemExit as exit:\n    assert exit.code == 0\n"
    code += "print(len(gradsim.open('a.h5')))\n"
    done = subprocess.run([sys.executable, "-c", code, "run", *SMALL, "--out", "a.h5"], env=env, capture_output=True, text=True)
    assert done.returncode == 0 and done.stderr == "" and done.stdout.endswith("written: a.h5\n1\n")


def signalled(number, script, *arguments):
    """The process of `script` with `arguments`, sent a signal when it says so by a file called `now`."""
    child = subprocess.Popen(
        [sys.executable, "-c", PREPARE + script + "\nmain()", *arguments],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    while not os.path.exists("now"):
        assert child.poll() is None, child.communicate()
        time.sleep(0.01)
    os.remove("now")
    start = time.monotonic()
    child.send_signal(number)
    out, err = child.communicate(timeout=60)
    return child.returncode, out, err, time.monotonic() - start


PREPARE = """
import time
from gradsim.cli import main
from gradsim.store import files, write
from gradsim.show import picture as plotting, table as report
from gradsim.simulation import simulate as simulation

def now(then, seconds):
    def call(*arguments, **more):
        open("now", "w").close()
        stop = time.monotonic() + seconds
        while time.monotonic() < stop:
            time.sleep(0.05)
        return then(*arguments, **more)
    return call
"""
OUTPUTS = ["--out", "a.h5", "--plot", "a.png"]


@pytest.mark.parametrize(
    "number, code, word",
    [(signal.SIGINT, 130, "interrupted"), (signal.SIGTERM, 143, "terminated"), (signal.SIGHUP, 129, "terminal closed")],
)
def test_a_signal_ends_a_run_and_leaves_nothing(number, code, word):
    script = "simulation.simulate = now(simulation.simulate, 20)"
    found, out, err, seconds = signalled(number, script, "run", *SMALL, *OUTPUTS)
    assert (found, out, err) == (code, "", f"gradsim: {word}; nothing was written\n")
    assert files() == [] and seconds < 10


def test_a_signal_between_the_files_says_which_is_written():
    script = "plotting.image = now(plotting.image, 20)"
    code, out, err, seconds = signalled(signal.SIGINT, script, "run", *SMALL, *OUTPUTS)
    assert code == 130 and "verdict" in out and err == "gradsim: interrupted; written: a.h5; not written: a.png\n"
    assert files() == ["a.h5"] and len(gradsim.open("a.h5")) == 1 and seconds < 10


def test_a_file_that_is_being_written_is_finished_first():
    script = "files._holds = now(files._holds, 1)"
    code, _, err, _ = signalled(signal.SIGTERM, script, "run", *SMALL, *OUTPUTS)
    assert code == 143 and err == "gradsim: terminated; written: a.h5; not written: a.png\n"
    assert files() == ["a.h5"] and len(gradsim.open("a.h5")) == 1


def test_compilation_does_not_hold_up_a_signal():
    """Code of another language that holds the thread, as LLVM does, but not the interpreter's lock."""
    script = "import ctypes\nsimulation.warm_up = now(lambda *_: ctypes.CDLL(None).sleep(20), 0)"
    code, _, err, seconds = signalled(signal.SIGINT, script, "run", *SMALL)
    assert code == 130 and err == "gradsim: interrupted; nothing was written\n" and seconds < 10


def test_a_second_signal_does_not_wait():
    script = "files._holds = now(files._holds, 20)\nimport threading, os, signal\n"
    script += "threading.Timer(4, lambda: os.kill(os.getpid(), signal.SIGINT)).start()"
    code, _, err, seconds = signalled(signal.SIGINT, script, "run", *SMALL, "--out", "a.h5")
    assert code == 130 and err == "gradsim: interrupted; nothing was written\n" and files() == [] and seconds < 15


def test_what_is_ignored_stays_ignored():
    script = "import signal\nsignal.signal(signal.SIGHUP, signal.SIG_IGN)\nwrite.image = now(write.image, 0.5)"
    code, _, err, _ = signalled(signal.SIGHUP, script, "run", *SMALL, "--out", "a.h5")
    assert code == 0 and err == "" and files() == ["a.h5"]


def test_in_a_process_of_someone_else_handlers_come_back(capsys):
    before = [signal.getsignal(n) for n in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)]
    assert call("list", "activations") == 0 and "relu" in capsys.readouterr().out
    assert [signal.getsignal(n) for n in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)] == before
