"""PyTorch is an extra: nothing loads it but what needs it, and where it is not there one line says so."""

import subprocess
import sys

import pytest

import gradsim
from gradsim import RequestError


def test_nothing_else_loads_it():
    program = "import sys, gradsim; gradsim.torch.observe, gradsim.simulate; print('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True).stdout == "False\n"


@pytest.mark.parametrize("call", [lambda: gradsim.torch.observe(lambda: None, None), lambda: gradsim.torch.translate(None)])
def test_without_it_one_line_says_so(call, monkeypatch):
    monkeypatch.setitem(sys.modules, "torch", None)
    with pytest.raises(RequestError, match=r"gradsim\.torch\.\w+ needs PyTorch: pip install 'gradsim\[torch\]'"):
        call()
