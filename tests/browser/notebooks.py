"""A notebook open in JupyterLab or Notebook 7, driven as a reader drives it."""

import re
import uuid

import nbformat
from playwright.sync_api import expect

from tests.browser.view import View


def write_notebook(folder, *sources):
    """Writes a notebook with these code cells under a new name, and gives the name."""
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(source) for source in sources])
    notebook.metadata.kernelspec = {"name": "python3", "display_name": "Python 3", "language": "python"}
    name = f"{uuid.uuid4().hex[:8]}.ipynb"
    nbformat.write(notebook, folder / name)
    return name


def lab_address(server, name):
    # A workspace of its own: Lab reopens the tabs of the last one otherwise.
    return f"{server}/lab/workspaces/{uuid.uuid4().hex[:8]}/tree/{name}"


def notebook_address(server, name):
    return f"{server}/notebooks/{name}"


def saved_notebook(path):
    """The notebook on disk; an empty one while the server is writing, which it does in place."""
    try:
        return nbformat.read(path, 4)
    except nbformat.reader.NotJSONError:
        return nbformat.v4.new_notebook()


def saved_cells(path):
    """The cells on disk; none while the server is writing."""
    return saved_notebook(path).cells


def saved_outputs(path):
    """The outputs of the first cell on disk, as far as it is there."""
    return [output for cell in saved_cells(path)[:1] for output in cell.outputs]


class Notebook:
    """Runs cells and finds what they show."""

    def __init__(self, page, address):
        self.page = page
        page.goto(address)
        self.cells = page.locator(".jp-Notebook .jp-CodeCell")
        expect(self.cells.first).to_be_visible()
        # A cell that is started before the kernel is there is not run; the first "idle" is shown without one.
        expect(page.locator(".jp-Toolbar-kernelName").first).to_contain_text("Python 3")
        indicator = page.locator(".jp-Notebook-ExecutionIndicator").first
        expect(indicator).to_have_attribute("data-status", "idle")

    def start(self, index):
        """Runs a cell without waiting for its end."""
        cell = self.cells.nth(index)
        cell.locator(".cm-content").first.click()
        self.page.keyboard.press("Control+Enter")
        return cell

    def run(self, index):
        """Runs a cell to its end and gives it; an error in the cell is an error of the test."""
        prompt = self.cells.nth(index).locator(".jp-InputPrompt").first
        before = prompt.inner_text()
        cell = self.start(index)
        expect(prompt).not_to_have_text(before)
        expect(prompt).to_have_text(re.compile(r"\[\d+\]"))
        failed = cell.locator(
            '[data-mime-type="application/vnd.jupyter.stderr"], .jp-RenderedText .ansi-red-fg'
        )
        # Matplotlib says so the first time on a machine; it is no fault.
        failed = failed.filter(has_not_text="Matplotlib is building the font cache")
        assert failed.count() == 0, failed.first.inner_text()
        return cell

    def view(self, index):
        """Runs a cell and gives the widget that it shows."""
        return View(self.run(index).locator(".semiring-widgets").first)

    def save(self):
        self.page.keyboard.press("Control+s")
