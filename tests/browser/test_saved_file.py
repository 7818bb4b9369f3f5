"""A saved result in the list of files of a real JupyterLab and Notebook 7: a double click opens the view."""

import urllib.error
import urllib.request
import uuid

import h5py
import numpy as np
import pytest
from playwright.sync_api import expect

from tests.browser import scenes, servers
from tests.browser.patience import SECONDS
from tests.browser.view import View


@pytest.fixture(scope="module")
def folder(notebooks):
    """Results of each kind, and files of others that end alike, in a folder that is served."""
    files = notebooks / "saved"
    files.mkdir()
    scenes.explanation().save(files / "keys.nc")
    scenes.hostile().save(files / "hostile <b>&.nc")
    scenes.comparison().save(files / "methods.nc")
    scenes.image().save(files / "circle.npz")
    np.savez(files / "weights.npz", [1.0, 2.0])
    (files / "classic.nc").write_bytes(b"CDF\x01" + bytes(100))
    with h5py.File(files / "ocean.nc", "w") as file:
        file["temperature"] = [1.0, 2.0]
    return files


@pytest.fixture(scope="module")
def lab(watched, jupyter, folder):
    """JupyterLab with the list of files of the folder."""
    page = watched()
    page.goto(f"{jupyter}/lab/workspaces/{uuid.uuid4().hex[:8]}/tree/{folder.name}")
    expect(page.locator(".jp-DirListing-item").first).to_be_visible()
    return page


def opened(page, name):
    page.locator(".jp-DirListing-item", has=page.get_by_text(name, exact=True)).dblclick()
    panel = page.locator(".semiring-widgets-saved-file:visible")
    expect(panel).to_have_count(1)
    return panel


def test_a_double_click_shows_the_view(lab):
    panel = opened(lab, "keys.nc")
    view = View(panel.frame_locator("iframe").locator(".semiring-widgets"))
    view.expect_state("done")
    expect(view.pane("tokens").locator(".token")).to_have_count(9)
    expect(view.root).to_have_attribute("data-theme", "light")
    # The frame can run its view and reach nothing around it.
    frame = panel.locator("iframe")
    assert "allow-same-origin" not in frame.get_attribute("sandbox")
    inside = frame.element_handle().content_frame()
    assert inside.evaluate("try { parent.document.title } catch (error) { error.name }") == "SecurityError"
    assert lab.watch.errors == []


def test_a_double_click_shows_what_was_said_of_a_picture(lab):
    panel = opened(lab, "circle.npz")
    view = panel.frame_locator("iframe").locator(".semiring-widgets")
    expect(view).to_have_attribute("data-view", "overlay")
    expect(view).to_contain_text("circle")
    expect(view.locator('[data-pane="picture"] .rover')).to_be_visible()
    assert lab.watch.errors == []


@pytest.mark.parametrize(
    ("name", "sentence"),
    [
        ("ocean.nc", "it was not written by semiring_widgets; open it with xarray.open_dataset"),
        ("classic.nc", "'classic.nc' was not written by .save(path)"),
        ("weights.npz", "'weights.npz' was not written by .save(path)"),
    ],
)
def test_a_file_of_others_gets_a_sentence(lab, name, sentence):
    panel = opened(lab, name)
    expect(panel.locator("[role=status]")).to_contain_text(sentence)
    expect(panel.locator("[role=status]")).to_contain_text("Open With")
    expect(panel.locator("iframe")).to_have_count(0)


def test_what_is_in_a_file_is_not_run(lab):
    panel = opened(lab, "hostile <b>&.nc")
    view = View(panel.frame_locator("iframe").locator(".semiring-widgets"))
    expect(view.pane("tokens")).to_contain_text("<script>window.harmed=1</script>")
    inside = panel.locator("iframe").element_handle().content_frame()
    assert inside.evaluate("window.harmed") is None
    assert lab.evaluate("window.harmed") is None


def test_notebook_7_opens_it_too(watched, jupyter, folder):
    page = watched()
    page.goto(f"{jupyter}/edit/{folder.name}/methods.nc")
    view = page.frame_locator(".semiring-widgets-saved-file iframe").locator(".semiring-widgets")
    expect(view).to_have_attribute("data-view", "comparison")


@pytest.mark.parametrize(
    ("path", "token", "status"),
    [
        ("keys.nc", "secret", 200),
        ("keys.nc", "", 403),
        ("keys.nc", "guessed", 403),
        ("..%2Foutside.nc", "secret", 404),
        ("%2Fetc%2Fpasswd", "secret", 404),
        (".hidden.nc", "secret", 404),
        ("missing.nc", "secret", 404),
        ("other.nc", "secret", 422),
    ],
)
def test_the_server_gives_only_what_it_serves_and_to_whom_it_may(private, path, token, status):
    request = urllib.request.Request(f"{private}/semiring-widgets/saved/{path}")
    if token:
        request.add_header("Authorization", f"token {token}")
    try:
        with urllib.request.urlopen(request, timeout=SECONDS) as answer:
            found, kind = answer.status, answer.headers["Content-Type"]
    except urllib.error.HTTPError as error:
        found, kind = error.code, error.headers["Content-Type"]
    assert found == status
    # Never a page that a browser would run with the server's rights.
    assert status == 403 or kind.startswith("application/json")


@pytest.fixture(scope="module")
def private(tmp_path_factory):
    """A server that wants a token, on a folder with a result in it and one beside it."""
    outer = tmp_path_factory.mktemp("private")
    served = outer / "served"
    served.mkdir()
    for path in (served / "keys.nc", served / ".hidden.nc", outer / "outside.nc"):
        scenes.explanation().save(path)
    (served / "other.nc").write_bytes(b"CDF\x01")
    with servers.jupyter(served, tmp_path_factory.mktemp("private-home"), token="secret") as address:
        yield address
