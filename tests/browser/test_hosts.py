"""Notebook hosts that we cannot run here, imitated: what VS Code and Colab do to a widget, and worse.

The bundle is loaded late, inside a frame without a theme, into an output that is hidden and has no size; what
a kernel says first is lost, and what it says later comes twice and out of order.
"""

import pytest
from playwright.sync_api import expect

from tests.browser.hosts import opened, written
from tests.browser.patience import patiently
from tests.browser.view import View

# What it gives no output: fonts to wait for, a clipboard, storage (a sandboxed frame has none). A file is
# saved where a link to it is clicked within the page.
VS_CODE = """
Object.defineProperty(document, "fonts", { value: undefined });
Object.defineProperty(navigator, "clipboard", { value: undefined });
window.saved = [];
document.addEventListener("click", (event) => {
  const link = event.composedPath().find((one) => one.localName === "a");
  if (link === undefined || !link.href.startsWith("blob:")) return;
  event.preventDefault();
  window.saved.push(link.download);
});
"""

# The frame is made as high as its content says.
COLAB = """
const tell = () => parent.postMessage({ height: document.documentElement.offsetHeight }, "*");
new ResizeObserver(tell).observe(document.documentElement);
"""

# Tries of a view that hears nothing, each with two messages, and the seconds that it waits after each.
TRIES, WAIT = 5, 4


def test_late_hidden_doubled_and_out_of_order(watched, tmp_path):
    page = watched(color_scheme="dark")
    view = opened(page, tmp_path / "host.html", lost=2, known=False)
    said = view.root.evaluate("() => window.sent.map(({ type }) => type)")
    assert said == ["shown", "pull"] * 2
    view.expect_state("done")
    expect(view.root).to_have_attribute("data-revision", "2")
    expect(view.root).to_have_attribute("data-theme", "dark")
    expect(view.pane("tokens")).to_be_visible()

    def has_its_width():
        assert view.pane("flow").locator("canvas").first.bounding_box()["width"] > 300

    patiently(has_its_width)
    assert page.watch.errors == []


def test_a_kernel_that_hears_nothing_is_told_in_a_sentence(watched, tmp_path):
    page = watched()
    view = opened(page, tmp_path / "host.html", lost=1000)
    view.token(2).click()
    expect(view.root).to_contain_text("No kernel has answered")
    view.expect_selection([{"token": 2}])
    assert page.watch.errors == []


def test_what_is_lost_altogether_is_said_and_asked_for_again(watched, tmp_path):
    page = watched()
    page.clock.install()
    root = written(page, tmp_path / "host.html", lost=2 * TRIES, known=False)
    page.evaluate("reveal()")
    expect(root).to_contain_text("Waiting for the kernel")
    for _ in range(TRIES):
        page.clock.fast_forward(1000 * WAIT)
    silent = root.locator("[data-silent]")
    expect(silent).to_be_visible()
    expect(silent).to_contain_text("Nothing has come from the kernel. Try again, or run the cell again.")
    silent.get_by_role("button", name="Try again").click()
    view = View(root)
    view.expect_state("done")
    expect(view.pane("tokens")).to_be_visible()
    expect(silent).to_have_count(0)
    assert page.watch.errors == []


def test_vs_code_changes_its_theme_late(watched, tmp_path):
    page = watched(color_scheme="light")
    view = opened(page, tmp_path / "host.html", host=VS_CODE)
    expect(view.root).to_have_attribute("data-theme", "light")
    for kind, theme in (
        ("vscode-dark", "dark"),
        ("vscode-high-contrast-light", "light"),
        ("vscode-high-contrast", "dark"),
        ("vscode-light", "light"),
    ):
        view.root.evaluate("(_, kind) => { document.body.dataset.vscodeThemeKind = kind; }", kind)
        expect(view.root).to_have_attribute("data-theme", theme)
    assert page.watch.errors == []


def test_vs_code_is_given_a_link_that_it_can_save(watched, tmp_path):
    page = watched()
    view = opened(page, tmp_path / "host.html", host=VS_CODE)
    view.button("picture").click()
    view.button("picture-copy").click()
    said = view.root.locator("[data-pictured]")
    expect(said).to_contain_text("This page may not copy pictures. Given to this notebook to be saved as")
    (name,) = view.root.evaluate("() => window.saved")
    assert name.endswith(".png")
    expect(said).to_contain_text(name)
    assert page.watch.errors == []


@pytest.mark.parametrize("width", [420, 1400])
def test_colab_makes_the_frame_as_high_as_its_content(watched, tmp_path, width):
    page = watched()
    page.set_viewport_size({"width": width, "height": 900})
    view = opened(page, tmp_path / "host.html", host=COLAB)
    view.root.evaluate("() => document.documentElement.setAttribute('theme', 'dark')")
    expect(view.root).to_have_attribute("data-theme", "dark")
    view.unfold()

    def all_is_seen():
        below = "() => document.documentElement.scrollHeight - innerHeight"
        assert view.root.evaluate(below) <= 1

    patiently(all_is_seen)
    # And it comes to rest: what is drawn for one height asks for no other.
    page.wait_for_timeout(500)
    heights = page.evaluate("heights.length")
    page.wait_for_timeout(1000)
    assert page.evaluate("heights.length") == heights
    assert page.watch.errors == []
