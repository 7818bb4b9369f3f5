"""Save as picture: what a reader gets in a file or in the clipboard, from a page without a kernel."""

import io
import re
from xml.etree import ElementTree as ET

import pytest
from PIL import Image
from playwright.sync_api import expect

from semiring_widgets._version import __version__
from semiring_widgets.export.page import write_page
from tests.browser import scenes
from tests.browser.view import View, colours

SVG = "{http://www.w3.org/2000/svg}"


def words_of(svg):
    """All words that a picture has, in the order of drawing."""
    return [" ".join("".join(found.itertext()).split()) for found in svg.iter(f"{SVG}text")]


@pytest.fixture(scope="module")
def pages(tmp_path_factory):
    folder = tmp_path_factory.mktemp("pictures")
    made = {name: getattr(scenes, name)() for name in ("explanation", "hostile", "comparison", "beside")}
    for name, result in made.items():
        write_page(result, folder / f"{name}.html")
    return folder


@pytest.fixture(scope="module")
def opened(watched, pages):
    def open_page(name, **options):
        page = watched(**options)
        page.goto((pages / f"{name}.html").as_uri())
        view = View(page.locator(".semiring-widgets").first)
        view.expect_state("done")
        view.button("picture").click()
        return view

    return open_page


def saved(view, form):
    with view.page.expect_download() as download:
        view.button(f"picture-{form}").click()
    assert download.value.suggested_filename.endswith(f".{'png' if form == 'copy' else form}")
    return download.value.path().read_bytes()


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_a_png_shows_the_view_and_says_what_was_asked(opened, scheme):
    view = opened("explanation", color_scheme=scheme)
    data = saved(view, "png")
    picture = Image.open(io.BytesIO(data))
    wide, high = view.root.evaluate("root => [root.clientWidth, root.clientHeight]")
    assert abs(picture.width - 2 * wide) < 60
    # Without its controls it is lower than the view.
    assert high < picture.height < 2 * high
    for fact in (f"semiring_widgets {__version__}", "logit(are) - logit(is)"):
        assert fact in picture.text["Description"]
    ground = picture.convert("RGB").getpixel((3, 3))
    assert (sum(ground) > 600) == (scheme == "light")
    # Tints of cells and the line of the strongest route are there, too.
    assert len(colours(data)) > 50


def test_an_svg_has_the_words_as_words(opened):
    view = opened("explanation")
    svg = ET.fromstring(saved(view, "svg"))
    words = words_of(svg)
    for token in view.pane("tokens").locator(".token").all():
        assert token.inner_text().splitlines()[0] in words
    assert "Words × layers" in words
    # What is asked with is not in it, and what is chosen among neither.
    assert not [word for word in words if "Test it" in word[4:] or word in {"Gestures", "Picture"}]
    cited = " ".join(words[-3:])
    for fact in (f"semiring_widgets {__version__}", "BertForMaskedLM", "logit(are) - logit(is)"):
        assert fact in cited
    # The cells are pixels, and inside the document.
    sources = [image.get("href") for image in svg.iter(f"{SVG}image")]
    assert sources
    assert all(source.startswith("data:image/png;base64,") for source in sources)


def test_one_pane_alone(opened):
    view = opened("explanation")
    view.root.locator(".picture-acts select").select_option("heads")
    words = words_of(ET.fromstring(saved(view, "svg")))
    assert words[0] == "Heads and MLPs"
    assert "Routes" not in words


def test_a_hostile_text_is_text(opened):
    view = opened("hostile")
    svg = ET.fromstring(saved(view, "svg"))
    assert not [element.tag for element in svg.iter() if element.tag.endswith(("script", "img"))]
    assert any("<script>" in words for words in words_of(svg))
    assert view.page.evaluate("window.harmed") is None


@pytest.mark.parametrize(("name", "said"), [("comparison", "Saliency"), ("beside", "A − B")])
def test_other_views_have_pictures_too(opened, name, said):
    view = opened(name)
    words = words_of(ET.fromstring(saved(view, "svg")))
    assert any(said in word for word in words), words


def test_it_is_copied_by_the_keyboard_and_where_that_is_refused_saved(opened):
    view = opened("explanation", permissions=["clipboard-read", "clipboard-write"])
    view.token(1).focus()
    view.page.keyboard.press("Shift+C")
    said = view.root.locator("[data-pictured]")
    expect(said).to_have_text("The picture is in the clipboard.")
    copied = view.page.evaluate("navigator.clipboard.read().then(([item]) => item.types)")
    assert copied == ["image/png"]
    view.page.evaluate("() => { navigator.clipboard.write = async () => { throw new Error('refused'); }; }")
    assert saved(view, "copy").startswith(b"\x89PNG")
    expect(said).to_have_text(re.compile(r"^This page may not copy pictures\. Saved as .*\.png\.$"))


def test_the_view_is_as_before(opened):
    view = opened("explanation")
    expect(view.root.locator(".body")).to_have_count(1)
    before = view.root.locator("canvas").first.evaluate("canvas => canvas.width")
    saved(view, "svg")
    expect(view.root.locator(".body")).to_have_count(1)
    assert view.root.locator("canvas").first.evaluate("canvas => canvas.width") == before
    view.page.keyboard.press("s")
    expect(view.root.locator(".picture-acts")).to_have_count(0)
