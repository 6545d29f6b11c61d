"""The notebooks in examples/ are executed as Jupyter does it, and lie there without what they show."""

from pathlib import Path

import pytest

nbformat, nbclient = pytest.importorskip("nbformat"), pytest.importorskip("nbclient")
ROOT = Path(__file__).parents[1]
BOOKS = {path.stem: path for path in sorted((ROOT / "examples").glob("*.ipynb"))}
SHOWN = {  # what a reader must come to see: (pictures, texts)
    "figure": (1, ("the same bits: True",)),
    "lecture": (3, ("gradients shrink by 10x every 1.6 layers", "relu    he_normal     stable", "1.0")),
    "trouble": (1, ("weight gain to use: None", "biases normal(0.5)   helps: True", "stable - ", "linear2", "'stable'")),
}


def test_there_is_one_for_each_reader():
    assert BOOKS.keys() == SHOWN.keys()
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    assert all(f"(examples/{name}.ipynb)" in readme for name in BOOKS)


@pytest.mark.parametrize("name", BOOKS)
def test_it_is_kept_without_what_it_shows(name):
    book = nbformat.read(BOOKS[name], 4)
    nbformat.validate(book)
    code = [cell for cell in book.cells if cell.cell_type == "code"]
    assert 4 <= len(code) <= 10 and not any(cell.outputs or cell.execution_count or cell.metadata for cell in code)
    assert sum(len(cell.source.splitlines()) for cell in code) <= 70  # it is to be read


@pytest.mark.parametrize("name", BOOKS)
def test_it_runs_and_shows(name, tmp_path):
    book = nbformat.read(BOOKS[name], 4)
    nbclient.NotebookClient(book, timeout=120, kernel_name="python3", resources={"metadata": {"path": str(tmp_path)}}).execute()
    outputs = [output for cell in book.cells if cell.cell_type == "code" for output in cell.outputs]
    data = [output.get("data", {}) for output in outputs]
    pictures, texts = SHOWN[name]
    assert sum("image/png" in found for found in data) == pictures
    shown = "\n".join([*(output.get("text", "") for output in outputs), *(found.get("text/plain", "") for found in data)])
    assert [text for text in texts if text not in shown] == []
