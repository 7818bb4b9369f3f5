"""A saved notebook, opened again with a kernel that knows nothing of its widgets, and printed."""

import re
import shutil

import pytest
from nbconvert import HTMLExporter
from playwright.sync_api import expect

from tests.browser.notebooks import Notebook, lab_address, notebook_address, saved_notebook, saved_outputs
from tests.browser.patience import eventually, patiently
from tests.browser.view import View

# The colour of its first pixel.
CORNER = """(image) => {
  const canvas = document.createElement("canvas");
  canvas.getContext("2d").drawImage(image, 0, 0);
  return [...canvas.getContext("2d").getImageData(2, 2, 1, 1).data];
}"""


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


@pytest.fixture(scope="module")
def with_state(open_lab):
    """A notebook that was saved with the state of its widgets, as a setting of JupyterLab does it."""
    notebook = open_lab("import scenes\nscenes.explanation()")
    view = notebook.view(0)
    view.token(1).click()
    view.expect_conditioned("ready")
    notebook.page.locator(".lm-MenuBar-item", has_text="Settings").click()
    notebook.page.locator(".lm-Menu-item", has_text="Save Widget State Automatically").click()

    def saved():
        # The setting is stored on its way; a notebook that was saved before that has no state.
        notebook.save()
        notebook.page.wait_for_timeout(1_000)
        assert saved_notebook(notebook.path).metadata.get("widgets") is not None

    patiently(saved)
    notebook.page.close()
    return notebook.path


@pytest.mark.parametrize("address", [lab_address, notebook_address])
def test_with_its_state_it_shows_the_view_without_its_kernel(with_state, watched, jupyter, address):
    again = shutil.copy(with_state, with_state.with_name(f"state-{address.__name__}.ipynb"))
    opened = Notebook(watched(), address(jupyter, again.name))
    view = View(opened.cells.first.locator(".semiring-widgets").first)
    view.expect_state("done")
    view.expect_selection([{"token": 1}])
    view.token(2).click()
    view.expect_selection([{"token": 2}])
    expect(view.root).to_contain_text("No kernel has answered. Unless it is busy, run the cell again.")


def test_converted_to_html_and_pdf_it_shows_its_picture(saved, chromium, tmp_path):
    """As ``nbconvert --to webpdf`` does it, with this Chromium and without a network."""
    page = tmp_path / "page.html"
    page.write_text(HTMLExporter(template_name="webpdf").from_filename(str(saved))[0], "utf-8")
    context = chromium.new_context(color_scheme="dark")
    try:
        context.route(re.compile("^https?:"), lambda route: route.abort())
        printed = context.new_page()
        printed.emulate_media(media="print")
        printed.goto(page.as_uri())
        picture = printed.locator(".jp-OutputArea-output img")
        expect(picture).to_have_js_property("naturalWidth", 1080)
        # GitHub and a printer show it on their own ground: it brings its own.
        assert picture.evaluate(CORNER) == [255, 255, 255, 255]
        pdf = printed.pdf(print_background=True)
    finally:
        context.close()
    assert re.search(rb"/Subtype\s*/Image\s+/Width\s+1080\b", pdf)


def test_what_others_read_of_it_is_small(saved):
    """GitHub takes the picture, a terminal the text; neither can be HTML, which some would prefer."""
    (output,) = saved_outputs(saved)
    assert set(output.data) == {"application/vnd.jupyter.widget-view+json", "image/png", "text/plain"}
    assert len(output.data["image/png"]) < 400_000
    assert "logit(are) - logit(is)" in output.data["text/plain"]
