"""Sweeps as processes: killed, interrupted, out of disk, two at once; then gone on with, to the bits of an undisturbed one."""

import json
import os
import random
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

import gradsim

KILLS = int(os.environ.get("GRADSIM_KILLS", "5"))
SEED = int(os.environ.get("GRADSIM_KILL_SEED", "0")) or random.SystemRandom().randrange(1, 2**32)
CELLS = 40
GRID = (
    f"weight_gain = {[round(1 + k / 100, 2) for k in range(CELLS)]}\nwidth = 32\ndepth = 20\nreplicas = 300\nengine = 'dense'\n"
)
SMALL = "weight_gain = [1.0, 1.1, 1.2]\nwidth = 4\ndepth = 3\nreplicas = 5\n"
# seals every 50 ms, so that a short sweep is killed at all stages of its way
QUICK = "from gradsim.sweep import shelf\nshelf.SECONDS = 0.05\n"
# small cells computed by other processes, few as they are, and not by threads
OTHERS = "from gradsim.sweep import crew, runner\nrunner.HANDS_SECONDS, crew.MOST = 0.0, 2\n"
RUN = "from gradsim.cli import main\nmain()"


@pytest.fixture(autouse=True)
def _folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)


def start(*arguments, before="", **more):
    command = [sys.executable, "-c", before + RUN, *arguments]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, **more)


def ended(child):
    out, err = child.communicate(timeout=120)
    return child.returncode, out, err


def finish(*arguments, **more):
    return ended(start(*arguments, **more))


def data(path):
    """All that the cells of a file hold, to the bit."""
    return [
        (curves.network, curves.run, {name: np.asarray(array).tobytes() for name, array in curves.variables.items()})
        for curves in gradsim.open(path)
    ]


def until(what, child=None, seconds=60):
    stop = time.monotonic() + seconds
    while not (found := what()):
        assert child is None or child.poll() is None, child.communicate()
        assert time.monotonic() < stop
        time.sleep(0.01)
    return found


def sealed(folder="grid.h5.work"):
    return sorted(Path(folder).glob("parts/*.part"))


def test_killed_at_any_moment_and_gone_on_with():
    """SIGKILL at moments that are drawn, while cells are computed, by threads or by other processes, sealed and packed."""
    Path("grid.toml").write_text(GRID)
    os.mkdir("undisturbed")
    begun = time.monotonic()
    code, _, err = finish("sweep", "../grid.toml", cwd="undisturbed", before=QUICK)
    whole = time.monotonic() - begun
    assert code == 0, err
    chance, moments = random.Random(SEED), []
    print(f"seed of the moments: GRADSIM_KILL_SEED={SEED}")
    for kill in range(KILLS):
        child = start("sweep", "grid.toml", "--threads", "2", before=QUICK + (OTHERS if kill % 2 else ""))
        moments.append(chance.uniform(0.3, 1.1) * whole)
        time.sleep(moments[-1])
        child.kill()
        child.communicate()
        for path in Path().glob("grid.h5"):
            assert len(gradsim.open(path)) == CELLS  # whole, or not there
    code, _, err = finish("sweep", "grid.toml", before=QUICK)
    assert code == 0, (err, SEED, moments)
    assert data("grid.h5") == data("undisturbed/grid.h5"), (SEED, moments)
    assert sorted(os.listdir(".")) == ["grid.h5", "grid.h5.draws", "grid.toml", "undisturbed"], (SEED, moments)
    assert not [name for name in os.listdir("grid.h5.draws") if not name.endswith(".part")]


PACKING = """
import os, signal
from gradsim.store import files, write
def killed(then):
    def call(*arguments):
        result = then(*arguments)
        if then.__name__ != "sync_folder" or os.path.exists("grid.h5"):  # folders are flushed before that too
            os.kill(os.getpid(), signal.SIGKILL)
        return result
    return call
"""


@pytest.mark.parametrize("where", ["write._contents", "write.seal", "files._place_new", "files.sync_folder"])
def test_killed_while_the_output_is_written(where):
    Path("grid.toml").write_text(SMALL)
    child = start("sweep", "grid.toml", before=f"{PACKING}{where} = killed({where})\n")
    assert ended(child)[0] == -signal.SIGKILL
    assert sealed() and (Path("grid.h5").exists() == where.startswith("files."))
    code, _, err = finish("sweep", "grid.toml")
    assert code == 0, err
    assert sorted(os.listdir(".")) == ["grid.h5", "grid.h5.draws", "grid.toml"]
    assert data("grid.h5") == [
        (c.network, c.run, {n: np.asarray(a).tobytes() for n, a in c.variables.items()}) for c in gradsim.sweep.run("grid.toml")
    ]


def test_killed_between_write_and_rename_of_a_part():
    Path("grid.toml").write_text(SMALL)
    before = "import os, signal\nreplace = os.replace\n"
    before += "os.replace = lambda a, b: os.kill(os.getpid(), signal.SIGKILL) if str(b).endswith('.part') else replace(a, b)\n"
    assert finish("sweep", "grid.toml", "--no-draws", before=before)[0] == -signal.SIGKILL
    assert len(os.listdir("grid.h5.work/parts")) == 1 and not sealed()
    code, _, err = finish("sweep", "grid.toml", "--no-draws")
    assert code == 0 and sorted(os.listdir(".")) == ["grid.h5", "grid.toml"], err


def test_a_kill_takes_two_seconds_of_work_at_most():
    """What was finished more than 2 s (and the time of a seal) before the kill is there."""
    Path("grid.toml").write_text(GRID.replace("replicas = 300", "replicas = 4000"))
    log = "import time\nfrom gradsim.sweep import shelf\nadd = shelf.Shelf.add\n"
    log += "def noted(self, record):\n    add(self, record)\n"
    log += "    print('cell', time.time(), flush=True)\nshelf.Shelf.add = noted\n"
    with open("log", "w") as stream:
        child = subprocess.Popen([sys.executable, "-c", log + RUN, "sweep", "grid.toml", "--no-draws"], stdout=stream)
        until(lambda: len(Path("log").read_text().splitlines()) >= 12, child, 120)
        killed = time.time()
        child.kill()
        child.wait()
    lines = Path("log").read_text().splitlines(keepends=True)
    finished = [line.split() for line in lines if line.count(" ") == 1 and line.endswith("\n")]  # the last may be cut
    kept = len(gradsim.open("grid.h5.work")) if sealed() else 0
    early = sum(float(moment) < killed - 2.0 - 1.0 for _, moment in finished)
    print(f"{len(finished)} finished, {early} of them 3 s before the kill; {kept} kept")
    assert kept >= early and len(finished) - kept <= sum(float(moment) >= killed - 3.0 for _, moment in finished)


@pytest.mark.parametrize("others", ["", OTHERS], ids=["threads", "processes"])
@pytest.mark.parametrize("number, code, word", [(signal.SIGINT, 130, "interrupted"), (signal.SIGTERM, 143, "terminated")])
def test_a_signal_keeps_what_is_finished_and_says_how_to_go_on(number, code, word, others):
    Path("grid.toml").write_text(GRID)
    child = start("sweep", "grid.toml", "--no-draws", "--threads", "2", before=QUICK + others)
    until(sealed, child)
    child.send_signal(number)
    begun = time.monotonic()
    found, out, err = ended(child)
    assert time.monotonic() - begun < 10 and found == code and out == ""
    kept = re.search(
        rf"^gradsim: {word}; (\d+) of {CELLS} cells are kept in grid.h5.work; the same command goes on from there$", err, re.M
    )
    assert kept and not Path("grid.h5").exists()
    assert len(gradsim.open("grid.h5.work")) == int(kept[1]) > 0
    code, out, err = finish("sweep", "grid.toml", "--no-draws")
    assert code == 0 and re.search(rf"^{kept[1]} of {CELLS} cells are there already$", err, re.M)
    assert sorted(os.listdir(".")) == ["grid.h5", "grid.toml"] and len(gradsim.open("grid.h5")) == CELLS


def test_two_processes_on_one_output():
    """The second is refused with the process of the first, and begins at once when that is killed."""
    Path("grid.toml").write_text(GRID.replace("replicas = 300", "replicas = 2000"))
    child = start("sweep", "grid.toml", before=QUICK)
    until(sealed, child)
    child.send_signal(signal.SIGSTOP)  # so that it does not finish meanwhile; what it holds it holds
    code, out, err = finish("sweep", "grid.toml")
    assert code == 2 and out == ""
    assert re.fullmatch(rf"gradsim: --out: 'grid.h5': process {child.pid} on \S+, since \S+, is at work on it\n", err)
    code, out, _ = finish("status", "grid.h5")
    assert code == 0 and out.startswith(f"grid.h5: running, process {child.pid} on ")
    assert re.search(rf"^\d+ of {CELLS} cells, \d+ % of the work$", out, re.M) or "no cell is finished yet" in out
    assert child.poll() is None
    child.kill()
    child.communicate()
    code, out, _ = finish("status", "grid.h5")
    assert code == 0 and out.startswith("grid.h5: not finished, and nobody is at work on it; the same command goes on")
    code, _, err = finish("sweep", "grid.toml")
    assert code == 0, err
    code, out, _ = finish("status", "grid.h5")
    assert (code, out) == (0, f"grid.h5: finished, {CELLS} cells\n")
    code, _, err = finish("status", "other.h5")
    assert code == 2 and "'other.h5' is not there" in err


def test_a_full_disk_keeps_what_is_finished(tmp_path):
    """Files may have so many bytes and no more: parts fit in, the output does not; nothing that is half written stays."""
    Path("grid.toml").write_text(GRID)
    limit = "import resource\nresource.setrlimit(resource.RLIMIT_FSIZE, (150_000, 150_000))\n"
    many = f"{limit}from gradsim.sweep import shelf\nshelf.SECONDS, shelf.BYTES = 1000, 60_000\n"
    code, out, err = finish("sweep", "grid.toml", "--no-draws", before=many)
    assert code == 2 and "decades" in out  # what is computed is told all the same
    kept = f"{CELLS} of {CELLS} cells are kept in grid.h5.work; the same command goes on from there"
    assert f"gradsim: --out: cannot write 'grid.h5': File too large; {kept}\n" in err
    assert not Path("grid.h5").exists() and not [name for name in os.listdir("grid.h5.work/parts") if name[0] == "."]
    assert not list(Path("grid.h5.work").glob(".gradsim-*"))
    code, out, err = finish("sweep", "grid.toml", "--no-draws")
    assert code == 0 and sorted(os.listdir(".")) == ["grid.h5", "grid.toml"] and len(gradsim.open("grid.h5")) == CELLS


def test_a_full_file_system(tmp_path):
    """One of a megabyte, where the system lets us have it."""
    os.mkdir("small")
    if subprocess.run(["mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", "small"], capture_output=True).returncode:
        pytest.skip("no file system of our own here")
    try:
        Path("grid.toml").write_text(GRID)
        code, out, err = finish("sweep", "grid.toml", "--no-draws", "--out", "small/a.h5", before=QUICK)
        assert code == 2 and "decades" in out and "No space left on device" in err
        kept = len(gradsim.open("small/a.h5.work"))
        assert f"{kept} of {CELLS} cells are kept in small/a.h5.work" in err and not Path("small/a.h5").exists()
        subprocess.run(["mount", "-o", "remount,size=100m", "small"], check=True)
        code, out, err = finish("sweep", "grid.toml", "--no-draws", "--out", "small/a.h5")
        assert code == 0 and f"{kept} of {CELLS} cells are there already" in err and os.listdir("small") == ["a.h5"]
    finally:
        subprocess.run(["umount", "small"], check=True)


def test_a_read_only_folder():
    Path("grid.toml").write_text(SMALL)
    code, out, err = finish("sweep", "grid.toml", "--out", "/proc/grid.h5")
    assert code == 2 and out == "" and err.count("\n") == 1 and "--out: cannot write '/proc/grid.h5'" in err


def test_a_sweep_that_is_finished_and_its_difference_to_another():
    Path("grid.toml").write_text(SMALL)
    assert finish("sweep", "grid.toml")[0] == 0
    before = Path("grid.h5").read_bytes()
    code, out, err = finish("sweep", "grid.toml")
    assert code == 0 and "grid.h5 has all of it already" in out and "verdict" in out and Path("grid.h5").read_bytes() == before
    Path("grid.toml").write_text(SMALL.replace("1.2", "1.3"))
    code, out, err = finish("sweep", "grid.toml")
    assert code == 2 and out == "" and Path("grid.h5").read_bytes() == before
    assert "weight_gain: [1.0, 1.1, 1.2] there, [1.0, 1.1, 1.3] now" in err and "--overwrite" in err
    code, out, err = finish("sweep", "grid.toml", "--overwrite", "--replicas", "9")
    assert code == 0 and [c.run["replicas"] for c in gradsim.open("grid.h5")] == [9, 9, 9]


def test_precision_on_the_command_line():
    Path("grid.toml").write_text(SMALL)
    arguments = ("sweep", "grid.toml", "--precision", "0.05", "--precision-of", "activation", "--most-replicas", "9000")
    assert finish(*arguments)[0] == 0
    for curves in gradsim.open("grid.h5"):
        said = curves.run["precision"]
        assert said == {"error": 0.05, "others": ["activation"], "most": 9000, "least": 5}
        for name in ("gradient", "activation"):
            count = curves.run["replicas"] - curves[f"{name}_zero_count"]
            assert np.nanmax(np.sqrt(curves[f"{name}_log_variance"] / count)) <= 0.05
    assert "has all of it already" in finish(*arguments)[1]
    for wrong, words in ((["--precision", "0"], "--precision: 0"), (["--most-replicas", "5"], "--most-replicas: goes with")):
        code, _, err = finish("sweep", "grid.toml", *wrong)
        assert code == 2 and words in err


def test_a_file_of_a_newer_schema_is_not_gone_on_with():
    import h5py

    Path("grid.toml").write_text(SMALL)
    assert finish("sweep", "grid.toml")[0] == 0
    with h5py.File("grid.h5", "a") as file:
        file.attrs["schema_version"] = 99
    before = Path("grid.h5").read_bytes()
    code, _, err = finish("sweep", "grid.toml", "--replicas", "8")
    assert code == 2 and "schema version 99" in err and Path("grid.h5").read_bytes() == before


def test_the_state_is_json_for_other_programs():
    Path("grid.toml").write_text(GRID)
    child = start("sweep", "grid.toml", "--no-draws", before=QUICK)
    path = Path("grid.h5.work/status.json")
    said = until(lambda: path.exists() and (found := json.loads(path.read_text()))["finished"] > 0 and found, child)
    assert (
        0 < said["share"] <= 1
        and said["cells"] == CELLS
        and "weight_gain" in said["at_work"] + "weight_gain" * (said["share"] == 1)
    )
    child.kill()
    child.communicate()
