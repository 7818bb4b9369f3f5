"""A saved notebook, opened again with a kernel that knows nothing of its widgets."""

import shutil

import pytest
from playwright.sync_api import expect

from tests.browser.notebooks import Notebook, lab_address, notebook_address, saved_outputs
from tests.browser.patience import eventually


@pytest.fixture(scope="module")
def saved(open_lab):
    """A notebook that was run and saved."""
    notebook = open_lab("import scenes\nscenes.explanation()")
    notebook.view(0).expect_state("done")
    notebook.save()
    eventually(lambda: saved_outputs(notebook.path), "an output in the saved notebook")
    notebook.page.close()
    return notebook.path


@pytest.mark.parametrize("address", [lab_address, notebook_address])
def test_it_shows_its_picture_and_the_widget_after_a_run(saved, watched, jupyter, address):
    # Under another name: for this one the server still has the old kernel.
    again = shutil.copy(saved, saved.with_name(f"{address.__name__}.ipynb"))
    notebook = Notebook(watched(), address(jupyter, again.name))
    picture = notebook.cells.first.locator(".jp-OutputArea-output img")
    expect(picture).to_be_visible()
    expect(picture).to_have_js_property("naturalWidth", 1080)
    assert "logit(are) - logit(is)" in picture.get_attribute("alt")
    expect(notebook.cells.first.locator(".jp-OutputArea")).not_to_contain_text("Error displaying widget")
    notebook.view(0).expect_state("done")
    expect(picture).to_have_count(0)
