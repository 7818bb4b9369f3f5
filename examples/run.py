"""Runs the example notebooks and keeps their outputs, for readers who only look: `make examples`.

Kept are the forms that a web page shows: pictures, tables, text. A widget
needs the kernel that made it, so its state and its view are left out.
"""

import sys
from pathlib import Path

import nbformat
from nbclient import NotebookClient

VIEW = "application/vnd.jupyter.widget-view+json"
HERE = Path(__file__).parent


def without_widget(output):
    """The output's other forms; nothing where only a text stands for the widget, as of a progress bar."""
    widget = output.get("data", {}).pop(VIEW, None)
    return None if widget is not None and set(output.data) <= {"text/plain"} else output


def run(path):
    """Runs one notebook in its place and writes it back with its outputs."""
    notebook = nbformat.read(path, 4)
    NotebookClient(notebook, timeout=900, resources={"metadata": {"path": str(path.parent)}}).execute()
    notebook.metadata = {"kernelspec": notebook.metadata["kernelspec"], "language_info": {"name": "python"}}
    for cell in notebook.cells:
        cell.metadata = {}
        if "outputs" in cell:
            cell.outputs = [output for output in map(without_widget, cell.outputs) if output]
    nbformat.write(notebook, path)


if __name__ == "__main__":
    for path in [Path(name) for name in sys.argv[1:]] or sorted(HERE.glob("*.ipynb")):
        print(path)
        run(path)
