"""Machine code on disk: kept apart from the installation, never trusted blindly, never in the way of a run."""

import errno
import hashlib
import os
import pickle
import shutil
import subprocess
import sys
import time
from pathlib import Path

import numba
import numpy as np
import pytest

import gradsim
from gradsim.cli import main
from gradsim.kernels import cache, interpreter
from gradsim.kernels.compilation import entry_point
from gradsim.telling import compilation_notice

ROOT = Path(gradsim.__file__).parents[1]
IS_ROOT = hasattr(os, "geteuid") and os.geteuid() == 0
NOBODY = 65534


def double(x):
    return 2 * x


def is_loaded():
    """Whether a new process would find the machine code of `double`; it works in either case."""
    dispatcher = entry_point(double)
    assert dispatcher(21) == 42
    return sum(dispatcher.stats.cache_hits.values()) == 1


@pytest.fixture
def home(tmp_path, monkeypatch):
    """The folder of all environments, empty."""
    monkeypatch.setattr(numba.config, "CACHE_DIR", str(tmp_path / "cache"))
    monkeypatch.setattr(cache, "_said", [])
    cache._remove_old.cache_clear()
    return cache.base()


def kept_file():
    (path,) = cache.folder().glob("test_cache.double-*")
    return path


def test_kept_and_found_again(home, capsys):
    assert not is_loaded() and is_loaded() and is_loaded()
    assert sorted(p.name for p in cache.folder().iterdir()) == ["about.txt", kept_file().name]
    assert (cache.folder() / "about.txt").read_text() == cache.ingredients()
    assert capsys.readouterr().err == ""


def test_the_folder_is_the_user_s(monkeypatch, tmp_path):
    monkeypatch.setattr(numba.config, "CACHE_DIR", "")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    monkeypatch.setenv("HOME", str(tmp_path))
    assert tmp_path in cache.base().parents and cache.base().name.lower() == "gradsim"
    assert interpreter.run_chunk._cache.cache_path == str(cache.folder())
    monkeypatch.setattr(numba.config, "CACHE_DIR", "relative")
    monkeypatch.chdir(tmp_path)
    assert cache.base() == tmp_path / "relative" / "gradsim"


PARTS = {
    "the kernels": (cache, "source_digest", lambda: "another"),
    "the order of steps": (cache, "BLOCK_STEPS", tuple(reversed(cache.BLOCK_STEPS))),
    "Numba": (numba, "__version__", "9"),
    "llvmlite": (cache.llvmlite, "__version__", "9"),
    "NumPy": (cache.np, "__version__", "9"),
    "Python": (cache.platform, "python_version", lambda: "9"),
    "the CPU": (type(cache.cpu_target.target_context.codegen()), "magic_tuple", lambda codegen: ("x86_64", "old", "+sse2")),
    "optimisation": (numba.config, "OPT", 0),
}


@pytest.mark.parametrize("part", PARTS)
def test_another_environment_has_another_folder(part, home, monkeypatch):
    before = cache.folder()
    monkeypatch.setattr(*PARTS[part])
    assert cache.folder() != before and cache.folder().parent == before.parent


def test_an_edit_to_any_kernel_or_activation_is_seen(tmp_path, monkeypatch):
    shutil.copytree(ROOT / "gradsim/kernels", tmp_path / "kernels", ignore=shutil.ignore_patterns("__pycache__"))
    monkeypatch.setattr(cache, "__file__", str(tmp_path / "kernels" / "cache.py"))
    found = {cache.source_digest()}
    for number, path in enumerate(sorted(tmp_path.rglob("*.py")), start=2):
        path.write_text(path.read_text(encoding="utf-8") + "#", encoding="utf-8")
        cache.source_digest.cache_clear()
        found.add(cache.source_digest())
        assert len(found) == number, path
    shutil.rmtree(tmp_path / "kernels")
    cache.source_digest.cache_clear()
    with pytest.raises(OSError, match="sources"):
        cache.source_digest()  # in a zip file, say: nothing is kept, and nothing stale is found
    cache.source_digest.cache_clear()


class Planted:
    """Leaves a file when it is unpickled."""

    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        return Path.touch, (self.path,)


def with_checksum(content):
    return hashlib.sha256(content).digest() + content


def one_bit_flipped(content):
    flipped = bytearray(content)
    flipped[len(flipped) // 2] ^= 1
    return bytes(flipped)


DAMAGE = {
    "empty": lambda content: b"",
    "within the checksum": lambda content: content[:20],
    "cut in half": lambda content: content[: len(content) // 2],
    "without its last byte": lambda content: content[:-1],
    "one bit flipped": one_bit_flipped,
    "something else": lambda content: b"hello " * 100,
    "whole, but no pickle": lambda content: with_checksum(b"hello"),
    "whole, of a class that is gone": lambda content: with_checksum(b"cgone.kernels\nThing\n."),
    "whole, of another shape": lambda content: with_checksum(pickle.dumps((1, 2, 3))),
}


@pytest.mark.parametrize("damage", DAMAGE)
def test_a_damaged_file_is_replaced(damage, home, capsys):
    is_loaded()
    path = kept_file()
    path.write_bytes(DAMAGE[damage](path.read_bytes()))
    assert not is_loaded() and is_loaded()
    assert capsys.readouterr().err == ""


def others_can_write_the_file():
    kept_file().chmod(0o666)


def others_can_write_the_folder():
    cache.folder().chmod(0o777)


def others_can_write_the_base():
    cache.base().chmod(0o775)


def another_s_file():
    os.chown(kept_file(), NOBODY, NOBODY)


def another_s_folder():
    os.chown(cache.folder(), NOBODY, NOBODY)


def another_s_base():
    os.chown(cache.base(), NOBODY, NOBODY)


OPEN = [others_can_write_the_file, others_can_write_the_folder, others_can_write_the_base]
FOREIGN = [another_s_file, another_s_folder, another_s_base]


@pytest.mark.skipif(not hasattr(os, "geteuid"), reason="no such permissions on this system")
@pytest.mark.parametrize(
    "change", [*OPEN, *(pytest.param(f, marks=pytest.mark.skipif(not IS_ROOT, reason="takes root")) for f in FOREIGN)]
)
def test_what_others_can_write_is_never_unpickled(change, home, tmp_path, capsys, monkeypatch):
    is_loaded()
    kept_file().write_bytes(with_checksum(pickle.dumps(Planted(tmp_path / "trap"))))
    change()
    assert not is_loaded() and not (tmp_path / "trap").exists()
    if change in (another_s_folder, another_s_base):  # theirs stays as it is
        assert not is_loaded() and capsys.readouterr().err.count("other users can write there") == 1
        assert not (tmp_path / "trap").exists()
    else:  # ours is put right
        assert is_loaded() and capsys.readouterr().err == ""


def test_a_trap_in_a_file_of_ours_would_have_worked(home, tmp_path):
    """So that the test above tests something."""
    is_loaded()
    kept_file().write_bytes(with_checksum(pickle.dumps(Planted(tmp_path / "trap"))))
    assert not is_loaded() and (tmp_path / "trap").exists()


def blocked_by_a_file(home, monkeypatch):
    home.parent.mkdir()
    home.write_text("not a folder")


def no_home(home, monkeypatch):
    monkeypatch.setattr(numba.config, "CACHE_DIR", "")
    monkeypatch.setattr("platformdirs.user_cache_dir", lambda *names, **more: "~/.cache/gradsim")


def refused(number):
    def fail(*arguments, **more):
        raise OSError(number, os.strerror(number))

    return fail


def full(home, monkeypatch):
    monkeypatch.setattr(cache.os, "replace", refused(errno.ENOSPC))


def read_only(home, monkeypatch):
    monkeypatch.setattr(cache.tempfile, "TemporaryFile", refused(errno.EROFS))


@pytest.mark.parametrize("circumstance", [blocked_by_a_file, no_home, full, read_only])
def test_where_nothing_can_be_kept_it_is_said_once(circumstance, home, monkeypatch, tmp_path, capsys):
    monkeypatch.chdir(tmp_path)
    circumstance(home, monkeypatch)
    assert not is_loaded() and not is_loaded()
    printed = capsys.readouterr()
    assert printed.out == "" and printed.err.count("\n") == 1 and "NUMBA_CACHE_DIR" in printed.err
    assert [p for p in tmp_path.rglob("*") if p.is_file() and p != home] == []


def test_a_folder_that_vanishes_under_way_is_made_again(home, monkeypatch, capsys):
    made = cache.prepared

    def vanishes():
        path = made()
        monkeypatch.setattr(cache, "prepared", made)
        shutil.rmtree(path.parent)
        return path

    monkeypatch.setattr(cache, "prepared", vanishes)
    assert not is_loaded() and is_loaded() and capsys.readouterr().err == ""


def environment(name, days):
    """A folder last used so many days ago."""
    path = cache.base() / name
    path.mkdir(parents=True)
    (path / "kernel").write_bytes(b"code")
    os.utime(path, (time.time() - days * cache.DAY,) * 2)
    return path


def test_what_was_not_used_for_long_is_removed(home):
    recent = [environment(f"{k:032x}", 2 + k / 10) for k in range(cache.KEPT_FOLDERS - 2)]
    today = [environment(f"{100 + k:032x}", k / 100) for k in range(5)]
    old, others = environment("f" * 32, 31), [environment(name, 900) for name in ("mine", "F" * 32, "e" * 31)]
    broken, writing = cache.prepared() / "kernel.x.tmp", cache.prepared() / "kernel.y.tmp"
    for path, days in ((broken, 2), (writing, 0)):
        path.write_bytes(b"half")
        os.utime(path, (time.time() - days * cache.DAY,) * 2)
    is_loaded()
    assert not old.exists() and not broken.exists() and writing.exists() and all(p.exists() for p in [*today, *others])
    assert [p.exists() for p in recent] == [True, True, True, False, False, False]  # three places are left by today's five


def test_use_keeps_a_folder_young(home):
    is_loaded()
    os.utime(cache.folder(), (time.time() - 29 * cache.DAY,) * 2)
    assert is_loaded() and time.time() - cache.folder().stat().st_mtime < 60


SCRIPT = """
import os, sys, resource
from gradsim.kernels.compilation import entry_point
from gradsim.telling import compilation_notice
if len(sys.argv) > 1:
    resource.setrlimit(resource.RLIMIT_FSIZE, (int(sys.argv[1]),) * 2)
def double(x):
    return 2 * x
print(entry_point(double)(21), sum(entry_point(double).stats.cache_hits.values()))
"""


def started(folder, *arguments):
    environment = os.environ | {"NUMBA_CACHE_DIR": str(folder), "PYTHONPATH": str(ROOT)}
    pipe = subprocess.PIPE
    return subprocess.Popen([sys.executable, "-c", SCRIPT, *arguments], stdout=pipe, stderr=pipe, text=True, env=environment)


def test_processes_side_by_side(tmp_path):
    for process in [started(tmp_path) for _ in range(4)]:
        assert process.communicate() == ("42 0\n", "")
    files = [p for p in tmp_path.rglob("*") if p.is_file()]
    assert len(files) == 2 and not any(p.suffix == ".tmp" for p in files)


@pytest.mark.skipif(sys.platform == "win32", reason="no limit of this kind")
def test_a_file_that_cannot_be_written_to_its_end_stops_nothing(tmp_path):
    out, err = started(tmp_path, "1000").communicate()
    assert out == "42 0\n" and err.count("\n") == 1 and "File too large" in err and "NUMBA_CACHE_DIR" in err
    assert [p for p in tmp_path.rglob("*") if p.is_file()] == []


def test_nothing_is_written_into_the_installation(tmp_path):
    """Numba's own place would be __pycache__ there, which outlives pip uninstall and then hides the next installation."""
    shutil.copytree(ROOT / "gradsim", tmp_path / "site/gradsim", ignore=shutil.ignore_patterns("__pycache__"))
    files = sorted((tmp_path / "site").rglob("*"))
    environment = os.environ | {"PYTHONPATH": str(tmp_path / "site"), "PYTHONDONTWRITEBYTECODE": "1"}
    script = "import gradsim; print(gradsim.__file__); gradsim.simulate(gradsim.mlp(width=2, depth=2), 2)"
    done = subprocess.run([sys.executable, "-c", script], env=environment, cwd=tmp_path, capture_output=True, text=True)
    assert done.returncode == 0 and done.stdout.startswith(str(tmp_path / "site")), done.stderr
    assert sorted((tmp_path / "site").rglob("*")) == files


def test_numba_s_settings_stay_the_user_s(tmp_path):
    """A cached function of the user's own goes where Numba puts it."""
    (tmp_path / "own.py").write_text("import numba\n@numba.njit(cache=True)\ndef f(x):\n    return x + 1\n")
    script = "import gradsim.kernels.interpreter, own; own.f(1); print(own.f.stats.cache_path)"
    environment = {k: v for k, v in os.environ.items() if k != "NUMBA_CACHE_DIR"} | {
        "PYTHONPATH": f"{ROOT}{os.pathsep}{tmp_path}"
    }
    done = subprocess.run([sys.executable, "-c", script], env=environment, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == str(tmp_path / "__pycache__")


def test_machine_code_from_the_disk_gives_the_same_bits(home):
    """As what has just been compiled."""
    fresh, loaded = entry_point(horner), entry_point(horner)
    x = np.linspace(-2, 2, 1001)
    assert fresh(x) == loaded(x) and sum(loaded.stats.cache_hits.values()) == 1


def horner(x):
    total = 0.0
    for value in x:
        total += ((0.1 * value + 0.3) * value - 0.7) * value
    return total


def test_warmup_says_where(capsys):
    with pytest.raises(SystemExit) as exit:
        main(["warmup"])
    assert exit.value.code == 0 and capsys.readouterr().out.endswith(f"; kept in {cache.folder()}\n")


@pytest.mark.parametrize("nowhere", [False, True])
def test_the_notice_does_not_promise_once_where_nothing_is_kept(nowhere, home, monkeypatch, capsys):
    if nowhere:
        blocked_by_a_file(home, monkeypatch)
    with compilation_notice():
        entry_point(double)(21)
    first, *rest = capsys.readouterr().err.splitlines()
    assert first.startswith("compiling the kernels") and ("once for" in first) is not nowhere
    assert len(rest) == nowhere and all("NUMBA_CACHE_DIR" in line for line in rest)
