"""`gradsim advise MODEL`: a user's file is observed, translated where it can be, advised on, and code is printed."""

import json
import sys

import pytest

from gradsim.cli import main
from gradsim.model.importing import imported_file

pytest.importorskip("torch", reason="PyTorch is not installed (extra torch)")
FILE = """
from dataclasses import dataclass
from torch import nn
import beside

@dataclass
class Size:
    width: "int" = 12

def deep():
    width = Size().width
    return nn.Sequential(*(m for _ in range(beside.DEPTH) for m in (nn.Linear(width, width), nn.Tanh())), nn.Linear(width, 3))

class Recurrent(nn.Module):
    def __init__(self):
        super().__init__()
        self.memory, self.out = nn.LSTM(12, 8), nn.Linear(8, 3)

    def forward(self, x):
        return self.out(self.memory(x)[0])

def fails():
    raise ValueError("out of order")

number = 3
"""


@pytest.fixture(autouse=True)
def file(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "torch_like.py").write_text(FILE)
    (tmp_path / "beside.py").write_text("DEPTH = 6\n")
    monkeypatch.setattr(sys, "dont_write_bytecode", True)
    yield
    sys.modules.pop("beside", None)


def advised(capsys, *words):
    with pytest.raises(SystemExit) as exit:
        main(["advise", *words])
    found = capsys.readouterr()
    return exit.value.code, found.out, found.err


def test_a_model_is_observed_advised_on_and_written(capsys):
    code, out, _ = advised(capsys, "torch_like.py:deep", "--input-width", "12", "--models", "5")
    assert code == 0 and out.index("Sequential's own") < out.index("instead of torch_default") < out.index("# PyTorch:")
    lines = {}
    exec(out[out.index("# PyTorch:") :], lines)
    assert len(list(lines["make_model"]().parameters())) == 14


def test_the_same_as_json(capsys):
    words = ("torch_like.py:deep", "--input-width", "12", "--models", "5", "--json", "--for", "keras", "--seconds", "3")
    code, out, _ = advised(capsys, *words)
    found = json.loads(out)
    assert code == 0 and found["not_translated"] == "" and found["in_use"]["options"]["init"] == "torch_default"
    assert found["observed"]["request"]["run"]["replicas"] == 5 and "keras" in found["code"]


def test_what_gradsim_has_no_network_for_is_observed_and_drawn(capsys, tmp_path):
    words = ("torch_like.py:Recurrent", "--input-width", "12", "--models", "3", "-o", "seen.png")
    code, out, _ = advised(capsys, *words)
    assert code == 0 and "Recurrent's own" in out
    assert "Nothing is recommended" in out and "LSTM" in out and (tmp_path / "seen.png").exists()


@pytest.mark.parametrize(
    "words, said",
    [
        (("torch_like.py:deep",), "--input-width: MODEL needs the width of what goes in"),
        (("torch_like.py:deep", "--input-width", "12", "--width", "3"), "--width: MODEL says itself what it is"),
        (("torch_like.py:deep", "--input-width", "12", "--preset", "keras_default"), "--preset: MODEL says itself"),
        (("torch_like.py:deep", "--input-width", "12", "--models", "0"), "--models: 0 is not a whole number"),
        (("torch_like.py:deep", "--input-width", "5"), "make_model: the model fails on inputs of shape (1, 5)"),
        (("torch_like.py:fails", "--input-width", "12"), "make_model: it fails: ValueError: out of order"),
        (("torch_like.py:nothing", "--input-width", "12"), "has no 'nothing'"),
        (("torch_like.py:number", "--input-width", "12"), "has no function 'number'"),
        (("torch_like.py", "--input-width", "12"), "is not FILE.py:FUNCTION"),
        (("missing.py:deep", "--input-width", "12"), "cannot import 'missing.py': FileNotFoundError"),
        (("missing:deep", "--input-width", "12"), "cannot import 'missing': ModuleNotFoundError"),
    ],
)
def test_one_line_where_it_cannot_be(words, said, capsys):
    code, out, err = advised(capsys, *words)
    assert code == 2 and out == "" and err.count("\n") == 1 and said in err


def test_a_file_leaves_no_trace_where_it_fails(tmp_path):
    (tmp_path / "bad.py").write_text("import sys\nsys.exit(3)\n")
    before, path = set(sys.modules), list(sys.path)
    with pytest.raises(Exception, match=r"MODEL: cannot import .bad\.py.: SystemExit: 3"):
        imported_file("bad.py", "MODEL")
    assert set(sys.modules) == before and sys.path == path
