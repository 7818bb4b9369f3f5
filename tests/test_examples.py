"""The example notebooks run from the first cell to the last."""

from pathlib import Path

import nbformat
import pytest

EXAMPLES = sorted((Path(__file__).parents[1] / "examples").glob("*.ipynb"))


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.stem)
def test_is_kept_with_what_a_web_page_shows(path):
    notebook = nbformat.read(path, 4)
    data = [output.get("data", {}) for cell in notebook.cells for output in cell.get("outputs", [])]
    assert any("image/png" in forms for forms in data), "run `make examples`"
    assert not any("widget" in kind for forms in data for kind in forms)
    assert "widgets" not in notebook.metadata
    assert path.stat().st_size < 300_000


@pytest.mark.slow
@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.stem)
@pytest.mark.filterwarnings("ignore")  # the notebook machinery warns about its own event loops and ports
def test_runs(path):
    from nbclient import NotebookClient

    notebook = nbformat.read(path, 4)
    NotebookClient(notebook, timeout=240, resources={"metadata": {"path": str(path.parent)}}).execute()
    pictures = [
        o for cell in notebook.cells for o in cell.get("outputs", []) if "image/png" in o.get("data", {})
    ]
    assert pictures, "no result showed its picture"
