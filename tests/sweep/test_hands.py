"""Small cells computed by other processes of this machine: to the same bits, however these end."""

import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

import gradsim
from gradsim import RequestError
from gradsim.sweep import batches, crew, hands, read_plan, runner, single
from gradsim.sweep.precision import Precision
from gradsim.sweep.tasks import Tasks
from gradsim.sweep.work import Stopped, Work
from tests.oracles.alike import same

GRID = {"activation": ["relu", "tanh"], "weight_gain": [0.9, 1.0, 1.3], "width": 5, "depth": 4, "replicas": 7}


@pytest.fixture(autouse=True)
def _folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)


@pytest.fixture
def at_once(monkeypatch):
    """Processes are begun for any work at all, and batches are of two cells; how many there were."""
    begun, begin = [], hands.Hands._begun

    def noted(self):
        begun.append(begin(self))
        return begun[-1]

    monkeypatch.setattr(runner, "HANDS_SECONDS", 0.0)
    monkeypatch.setattr(crew, "MOST", 2)
    monkeypatch.setattr(hands.Hands, "_begun", noted)
    return begun


@pytest.fixture(scope="module")
def expected():
    return gradsim.sweep.run(GRID)


def test_the_same_bits(at_once, expected):
    assert same(gradsim.sweep.run(GRID, 2), expected) and len(at_once) == 2
    assert all(process.poll() is not None for process in at_once)  # none is left
    assert same(gradsim.sweep.run(GRID, 1), expected) and len(at_once) == 2  # one core has no use for them
    gradsim.sweep.run(GRID | {"replicas": 5}, 2, out="a.h5")
    assert len(at_once) == 4 and os.listdir("a.h5.draws")


def test_what_is_drawn_comes_back_and_is_gone_on_with(at_once, expected, monkeypatch):
    gradsim.sweep.run(GRID | {"replicas": 5}, 2, out="a.h5")
    assert os.listdir("a.h5.draws")
    assert same(gradsim.sweep.run(GRID, 2, out="a.h5"), expected) and len(at_once) == 4
    wanted = Precision(0.2, most=20)
    precise = gradsim.sweep.run(GRID, 2, out="b.h5", precision=wanted)
    assert len(at_once) == 6
    monkeypatch.setattr(runner, "HANDS_SECONDS", 1e9)
    assert same(gradsim.sweep.run(GRID, 2, out="c.h5", precision=wanted), precise) and len(at_once) == 6


def test_a_process_that_is_killed_is_replaced(at_once, expected, monkeypatch):
    ready = hands.Hands._ready

    def killed(self, process):
        ready(self, process)
        if at_once.index(process) < 3:
            process.kill()
        return process

    monkeypatch.setattr(hands.Hands, "_ready", killed)
    assert same(gradsim.sweep.run(GRID, 2), expected) and len(at_once) in (4, 5)
    assert all(process.poll() is not None for process in at_once)


class Deadly:
    """A crew in this process, of which task 2 ends whoever computes it."""

    places, tries = 3, 2

    def __init__(self, tasks):
        self.order, self.lost = batches.Order.of(tasks, False), 0

    def submit(self, batch, done):
        dead = 2 in batch.numbers
        self.lost += dead
        done(crew.Lost() if dead else self.order.answer(batch))


def test_a_cell_that_ends_its_process_is_named_and_the_others_go_on():
    tasks, found = Tasks(read_plan(GRID)), []
    work, deadly = Work(sum(task.work for task in tasks)), Deadly(tasks)
    crew.compute_by(deadly, tasks, range(len(tasks)), found.append, work)
    assert [(number, str(error)) for number, error in work.failed] == [(2, "the process that computed it ended 2 times")]
    assert len(found) == work.finished == 5 and deadly.lost == 3  # in its batch, and twice alone


class Blaming(Deadly):
    """Of which a death takes all with it that is out, as a worker's does that has several batches."""

    places = 4

    def __init__(self, tasks):
        super().__init__(tasks)
        self._waiting = []

    def submit(self, batch, done):
        self._waiting.append((batch, done))
        if len(self._waiting) == 1:
            threading.Timer(0.05, self._answer).start()

    def _answer(self):
        waiting, self._waiting = self._waiting, []
        dead = any(2 in batch.numbers for batch, _ in waiting)
        for batch, done in waiting:
            done(crew.Lost() if dead else self.order.answer(batch))


@pytest.mark.parametrize("tries", [1, 2])
@pytest.mark.parametrize("most", [1, 2])
def test_nobody_is_blamed_for_the_task_beside_him(tries, most, monkeypatch):
    monkeypatch.setattr(crew, "MOST", most)
    monkeypatch.setattr(Blaming, "tries", tries)
    tasks, found = Tasks(read_plan(GRID)), []
    work = Work(sum(task.work for task in tasks))
    crew.compute_by(Blaming(tasks), tasks, range(len(tasks)), found.append, work)
    assert [number for number, _ in work.failed] == [2] and len(found) == work.finished == 5


def test_what_else_goes_wrong_is_told(at_once, monkeypatch):
    monkeypatch.setattr(batches, "code", lambda: ("0", "f" * 64, "0", "0", "0"))
    with pytest.raises(RequestError, match=r"a worker has gradsim \d.*, and here is gradsim 0 \(kernels ffffffff\)"):
        gradsim.sweep.run(GRID, 2)
    assert all(process.poll() is not None for process in at_once)


def test_where_no_process_comes_to_life_threads_do_it(at_once, expected, monkeypatch):
    monkeypatch.setattr(hands, "START", "raise SystemExit")
    assert same(gradsim.sweep.run(GRID, 2), expected) and len(at_once) == 2
    monkeypatch.setattr(sys, "executable", "/nowhere/python")
    assert same(gradsim.sweep.run(GRID, 2), expected) and len(at_once) == 2


def test_they_stop_when_told(at_once):
    work = Work(1.0)
    work.stopping.set()
    with pytest.raises(Stopped):
        runner.compute(Tasks(read_plan(GRID)), range(6), 2, lambda record: None, work)
    assert all(process.poll() is not None for process in at_once)


def test_a_terminal_ends_them_without_a_word():
    """Ctrl-C goes to all processes of a terminal: one of them says what is kept."""
    Path("grid.toml").write_text("weight_gain = {from = 0.5, to = 2.0, points = 400}\nwidth = 32\ndepth = 60\nreplicas = 200\n")
    code = "from gradsim.sweep import crew, runner\nrunner.HANDS_SECONDS = 0.0\ncrew.SECONDS = 0.1\n"
    code += "from gradsim.cli import main\nmain(['sweep', 'grid.toml', '--no-draws', '--threads', '2'])\n"
    options = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True, "start_new_session": True}
    with subprocess.Popen([sys.executable, "-c", code], **options) as child:
        limit = time.monotonic() + 120
        while not list(Path("grid.h5.work/parts").glob("*.part")) and time.monotonic() < limit:
            time.sleep(0.05)
        os.killpg(child.pid, signal.SIGINT)
        out, err = child.communicate(timeout=60)
    told = [line for line in err.splitlines() if "% done" not in line]
    assert child.returncode == 130 and out == "" and len(told) == 1 and "cells are kept in grid.h5.work" in told[0], err


def test_they_end_with_whoever_began_them():
    """Killed, and nothing is left of it: they read the end of their stdin."""
    code = (
        "import gradsim\nfrom gradsim.sweep import runner\nrunner.HANDS_SECONDS = 0.0\n"
        "gradsim.sweep.run({'weight_gain': [1 + k / 1000 for k in range(20000)], 'width': 4, 'depth': 4, 'replicas': 5}, 2)"
    )
    child = subprocess.Popen([sys.executable, "-c", code])

    def theirs():
        return [
            p for p in Path("/proc").glob("[0-9]*/stat") if f") S {child.pid} " in (t := text(p)) or f") R {child.pid} " in t
        ]

    def text(path):
        try:
            return path.read_text()
        except OSError:
            return ""

    limit = time.monotonic() + 60
    while len(theirs()) < 2 and time.monotonic() < limit:
        assert child.poll() is None
        time.sleep(0.05)
    numbers = [int(path.parent.name) for path in theirs()]
    child.send_signal(signal.SIGKILL)
    child.wait()
    limit = time.monotonic() + 20
    while any(Path(f"/proc/{n}").exists() for n in numbers) and time.monotonic() < limit:
        time.sleep(0.05)
    assert len(numbers) == 2 and not any(Path(f"/proc/{n}").exists() for n in numbers)


def test_batches_are_cut_by_work(monkeypatch):
    tasks = Tasks(read_plan(GRID))
    monkeypatch.setattr(crew, "SECONDS", 3 * crew.work_of(tasks[0]) / 1e9)
    sizes = [len(batch.numbers) for batch in crew._cut(tasks, range(len(tasks)), None)]
    assert sizes == [3, 3] and single.is_small(tasks[0])
