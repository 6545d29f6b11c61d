"""What is told while something takes long: to whom, where, and by whom if calls call one another."""

import io
import re
import sys
import threading

import pytest

import gradsim
from gradsim import telling
from gradsim.verification import verify

GRID = {"width": 3, "depth": 2, "activation": ["tanh", "relu"], "replicas": 4}


class Terminal(io.StringIO):
    def isatty(self):
        return True


class Notebook(io.StringIO):
    """What ipykernel has for stderr is no terminal."""

    __module__ = "ipykernel.iostream"


def network():
    return gradsim.mlp(width=3, depth=2)


CALLS = {
    "simulate": (lambda **more: gradsim.simulate(network(), 700, **more), "700/700 networks"),
    "sweep.run": (lambda **more: gradsim.sweep.run(GRID, **more), "2/2 cells"),
    "sweep.run to a file": (lambda **more: gradsim.sweep.run(GRID, out="a.h5", **more), "2/2 cells"),
    "recommend": (lambda **more: gradsim.recommend(network(), **more), " networks"),
    "verify": (lambda **more: verify(["tenths", "times 2"], **more), "2/2 checks"),
}


@pytest.fixture
def listening(monkeypatch, tmp_path):
    """listening(kind of stderr): the stream that stands there, told from the first moment on."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("TERM", "xterm")
    for name in ("CALL_SECONDS", "LINE_SECONDS", "BAR_SECONDS"):
        monkeypatch.setattr(telling, name, 0.0)

    def stream(kind):
        monkeypatch.setattr(sys, "stderr", found := kind())
        return found

    return stream


@pytest.mark.parametrize("name", CALLS)
@pytest.mark.parametrize("kind", [Terminal, Notebook])
def test_calls_tell_where_a_person_looks_on(name, kind, listening, capsys):
    call, words = CALLS[name]
    stream = listening(kind)
    call()
    said = stream.getvalue()
    assert words in said and capsys.readouterr().out == ""
    assert kind is Terminal or re.fullmatch(r"(\r[^\r\n]+)+, \d+ s *\n", said)  # one line, written over


@pytest.mark.parametrize("name", CALLS)
@pytest.mark.parametrize(
    ("kind", "progress"), [(io.StringIO, None), (Terminal, False), (Notebook, False), (lambda: None, True), (object, None)]
)
def test_they_are_quiet_elsewhere_and_where_they_are_told_to(name, kind, progress, listening, capsys):
    stream = listening(kind)
    CALLS[name][0](progress=progress)
    assert capsys.readouterr().out == "" and getattr(stream, "getvalue", str)() in ("", str(stream))


def test_told_everywhere(listening, monkeypatch):
    stream = listening(io.StringIO)
    for name in ("FIRST_SECONDS", "PLAIN_SECONDS"):
        monkeypatch.setattr(telling, name, 0.0)
    gradsim.simulate(network(), 3000, threads=1, progress=True)
    assert "/3,000 networks, " in stream.getvalue() and "% done" in stream.getvalue()


@pytest.mark.parametrize("name", CALLS)
def test_a_function_is_called_instead(name, listening):
    stream, seen = listening(Terminal), []
    CALLS[name][0](progress=lambda *numbers: seen.append(numbers))
    assert seen and stream.getvalue() == ""
    assert len(seen[-1]) == (1 if name in ("simulate", "recommend") else 2)


def test_one_at_a_time(listening):
    """A second bar would write over the first."""
    stream = listening(Terminal)
    with telling.told(None, 10, "checks") as update:
        update(0.1, 1)
        thread = threading.Thread(target=gradsim.simulate, args=(network(), 700))
        thread.start()
        thread.join()
        gradsim.simulate(network(), 700)
    assert "checks" in stream.getvalue() and "networks" not in stream.getvalue()
    gradsim.simulate(network(), 700)
    assert "networks" in stream.getvalue()


def test_short_calls_say_nothing(monkeypatch):
    monkeypatch.setattr(sys, "stderr", stream := Terminal())
    gradsim.simulate(network(), 700)
    monkeypatch.setattr(sys, "stderr", line := Notebook())
    gradsim.simulate(network(), 700)
    assert stream.getvalue() == line.getvalue() == ""


@pytest.mark.parametrize(("kind", "said"), [(io.StringIO, 0), (Terminal, 1)])
def test_compilation_is_told_of_where_a_person_looks_on(kind, said, listening, monkeypatch, tmp_path):
    from numba.core import config

    from gradsim.kernels.compilation import entry_point

    monkeypatch.setattr(config, "CACHE_DIR", str(tmp_path))
    stream = listening(kind)
    with telling.told(None, 1, "networks"):
        entry_point(lambda x: x + 1)(1)
    assert stream.getvalue().count("compiling the kernels, once for") == said
    with telling.told(False, 1, "networks"), telling.told(None, 1, "networks"):
        entry_point(lambda x: x + 2)(1)
    assert stream.getvalue().count("compiling the kernels, once for") == said


def test_the_bar_is_on_stderr(monkeypatch, capsys):
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setattr("sys.stderr", terminal := Terminal())
    with telling.progress(10, "networks") as update:
        update(0.5, 5)
        print("a table")
    assert capsys.readouterr().out == "a table\n" and "5/10 networks" in terminal.getvalue()


def test_lines(monkeypatch, capsys):
    """Where there is no terminal: after two seconds, every ten from then on, and none at the end; counted from the first that
    is done, before which kernels may have been compiled."""
    now = [0.0]
    monkeypatch.setattr(telling.time, "monotonic", lambda: now[0])
    with telling.progress(100, "cells") as update:
        for second, done in ((1, 10), (3, 25), (9, 75), (13, 80), (20, 99), (99, 100)):
            now[0] = float(second)
            update(done / 100, done)
    out, err = capsys.readouterr()
    lines = ["25/100 cells, 25 % done, 7.5 cells/s, about 10 s left", "80/100 cells, 80 % done, 5.83 cells/s, about 3 s left"]
    assert out == "" and err.splitlines() == lines
