"""A real kernel: what a notebook holds after a result was shown live by the cell magic."""

import base64
import json
from pathlib import Path

import nbformat
import pytest
from nbclient import NotebookClient

from semiring_widgets.contract import messages

VIEW = "application/vnd.jupyter.widget-view+json"

# The kernel gets a stand-in for the computation and for the bundle; everything else is real.
PREPARE = f"""
import importlib.util, time
from dataclasses import replace
spec = importlib.util.spec_from_file_location("made", {str(Path(__file__).parents[1] / "conftest.py")!r})
made = importlib.util.module_from_spec(spec)
spec.loader.exec_module(made)

import semiring_widgets.explanation
from semiring_widgets.results.explanation import Status
from ipywidgets.widgets import widget
from semiring_widgets.widgets import live, result_widget

def revision():
    return max((getattr(one, "revision", 0) for one in [*widget._instances.values()]), default=0)

live.read_bundle = result_widget.read_bundle = lambda: "export default {{}};"

def explain_run(model, tokenizer, text, *places, **arguments):
    def run(report, check):
        for step in range(3):
            check()
            before = revision()
            report(made.build_explanation(status=Status("running", step, 3, f"layer {{step}}")))
            while revision() == before:  # however late, each is shown
                time.sleep(0.01)
        return made.build_explanation()
    return run

vars(semiring_widgets.explanation).update(
    explain_run=explain_run, load_model=lambda name: ("model", "tokenizer")
)
"""


@pytest.mark.filterwarnings("default")  # of jupyter_client and zmq, on their own threads and sockets
def test_the_magic_streams_and_leaves_a_picture():
    cells = [
        PREPARE,
        "%load_ext semiring_widgets",
        "%%explain --target are\nThe keys to the cabinet [MASK] on the table.",
        "explanation",
        "%%explain --level z\nx",
    ]
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(cell) for cell in cells])
    for cell in notebook.cells:
        cell.metadata["tags"] = ["raises-exception"]
    client = NotebookClient(
        notebook,
        timeout=240,
        kernel_name="python3",
        resources={"metadata": {"path": str(Path(__file__).parents[2])}},
    )
    client.execute()
    prepared, loaded, live, shown, wrong = (cell.outputs for cell in notebook.cells)
    assert prepared == loaded == []

    (output,) = live
    assert set(output.data) == {VIEW, "image/png", "text/plain"}
    assert base64.b64decode(output.data["image/png"]).startswith(b"\x89PNG")
    states = json.loads(json.dumps(notebook.metadata.widgets["application/vnd.jupyter.widget-state+json"]))
    state = states["state"][output.data[VIEW]["model_id"]]
    summary = state["state"]["summary"]
    assert summary["status"]["state"] == "done"
    assert summary["revision"] == state["state"]["revision"] >= 3
    buffers = {entry["path"][0]: base64.b64decode(entry["data"]) for entry in state["buffers"]}
    columns = messages.unpack(summary["columns"], buffers["summary_buffer"])
    assert columns["node_mass_share"].shape == (3, 9)

    assert set(shown[0].data) == {VIEW, "image/png", "text/plain"}
    assert "invalid choice: 'z'" in json.dumps(wrong)
    assert "Traceback" not in json.dumps(wrong)
