"""scripts/slurm.sh with stand-ins for Slurm and gradsim, which write down what they were asked for."""

import os
import shutil
import signal
import subprocess
import time
from pathlib import Path

import pytest

SCRIPT = Path(__file__).parents[1] / "scripts" / "slurm.sh"
pytestmark = pytest.mark.skipif(shutil.which("bash") is None, reason="there is no bash")
LOG = '#!/bin/bash\nprintf "%s" "$(basename "$0")" >> log\nprintf " %s" "$@" >> log\necho >> log\n'
SBATCH = LOG + "echo '17;here'\n"
# Answers SIGTERM as gradsim does: after a while, with 143
SLOW = "if [ -f slow ]; then touch begun; for k in $(seq 300); do sleep 0.1; done; fi\n"
GRADSIM = f"{LOG}trap 'sleep 0.3; exit 143' TERM\n{SLOW}exit $(cat code)\n"


@pytest.fixture(autouse=True)
def _stand_ins(tmp_path, monkeypatch):
    (tmp_path / "bin").mkdir()
    for name, text in (("sbatch", SBATCH), ("scontrol", LOG), ("gradsim", GRADSIM)):
        (tmp_path / "bin" / name).write_text(text)
        (tmp_path / "bin" / name).chmod(0o755)
    (tmp_path / "grid.toml").write_text("width = 4\n")
    (tmp_path / "code").write_text("0")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PATH", f"{tmp_path / 'bin'}:{os.environ['PATH']}")


def slurm(*arguments, **more):
    environment = os.environ | {name: str(value) for name, value in more.items()}
    return subprocess.run(["bash", SCRIPT, *arguments], env=environment, capture_output=True, text=True, timeout=60)


def log():
    return Path("log").read_text().splitlines()


TASK = {"GRADSIM_STEP": "shard", "SLURM_ARRAY_TASK_ID": 3, "SLURM_ARRAY_JOB_ID": 17, "SLURM_CPUS_PER_TASK": 4}


def test_an_array_is_submitted_and_what_combines_its_files_behind_it():
    assert slurm("grid.toml", "20", "--precision", "0.01").returncode == 0
    rest = f"{SCRIPT} grid.toml 20 --precision 0.01"
    assert log() == [
        f"sbatch --parsable --export=ALL,GRADSIM_STEP=shard --array=1-20 {rest}",
        f"sbatch --export=ALL,GRADSIM_STEP=combine --dependency=afterok:17 --kill-on-invalid-dep=yes {rest}",
    ]


@pytest.mark.parametrize(
    "arguments",
    [(), ("grid.toml",), ("nothing.toml", "3"), ("grid.toml", "0"), ("grid.toml", "x"), ("grid.toml", "3", "--out", "a.h5")],
)
def test_what_cannot_be_is_one_line(arguments):
    found = slurm(*arguments)
    assert found.returncode == 2 and found.stderr.startswith("slurm.sh: ") and found.stderr.count("\n") == 1
    assert not Path("log").exists()


@pytest.mark.parametrize("code", [0, 2, 3, 143])
def test_a_task_is_a_shard_and_ends_as_that_does(code):
    Path("code").write_text(f"{code}")
    assert slurm("grid.toml", "20", "--precision", "0.01", **TASK).returncode == code
    assert log() == ["gradsim sweep grid.toml --shard 3/20 --threads 4 --precision 0.01"]


@pytest.mark.parametrize("number, again", [(signal.SIGUSR1, ["scontrol requeue 17_3"]), (signal.SIGTERM, [])])
def test_a_task_whose_time_is_over_goes_back_into_the_queue_and_one_that_is_ended_does_not(number, again):
    Path("slow").touch()
    environment = os.environ | {name: str(value) for name, value in TASK.items()}
    child = subprocess.Popen(["bash", SCRIPT, "grid.toml", "20"], env=environment)
    stop = time.monotonic() + 30
    while not Path("begun").exists() and time.monotonic() < stop:
        time.sleep(0.05)
    child.send_signal(number)
    assert child.wait(30) == 143
    assert log() == ["gradsim sweep grid.toml --shard 3/20 --threads 4", *again]


def test_the_files_of_the_shards_are_combined():
    for name in ("grid.1-of-2.h5", "grid.2-of-2.h5", "grid.1-of-3.h5", "grid.h5", "other.1-of-2.h5"):
        Path(name).touch()
    assert slurm("grid.toml", "2", GRADSIM_STEP="combine").returncode == 0
    assert log() == ["gradsim combine grid.1-of-2.h5 grid.2-of-2.h5 -o grid.h5"]


def test_shellcheck_has_nothing_to_say():
    if shutil.which("shellcheck") is None:
        pytest.skip("there is no shellcheck")
    found = subprocess.run(["shellcheck", SCRIPT], capture_output=True, text=True)
    assert found.returncode == 0, found.stdout
