"""The site that `make docs` builds, read from disk: links, requests, live views, accessibility."""

import json
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urlsplit

import pytest
from playwright.sync_api import expect

from tests.browser.test_axe import violations

pytestmark = pytest.mark.docs

SITE = Path(__file__).parents[2] / "examples" / "docs" / "_build" / "html"
# Written by Sphinx for readers of the site; `live` holds exported pages, which other tests look at.
PAGES = sorted(path for path in SITE.rglob("*.html") if path.parent.name not in {"live", "_static"})
NAMES = [path.relative_to(SITE).as_posix() for path in PAGES]
LIVE = sorted((SITE / "live").glob("*.html"))


class Addresses(HTMLParser):
    """What a page points at, and the places in it that can be pointed at."""

    def __init__(self, text):
        super().__init__()
        self.links, self.loaded, self.places = [], [], set()
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        known = dict(attrs)
        self.places |= {known[name] for name in ("id", "name") if known.get(name)}
        if tag == "a" and known.get("href"):
            self.links.append(known["href"])
        if tag == "link" and known.get("href"):
            self.loaded.append(known["href"])
        if known.get("src"):
            self.loaded.append(known["src"])


@pytest.fixture(scope="module")
def read():
    """The addresses of a page; each is read once."""
    kept = {}

    def addresses(path):
        if path not in kept:
            kept[path] = Addresses(path.read_text(encoding="utf-8"))
        return kept[path]

    return addresses


def broken(address, page, read):
    """Why an address of a page leads nowhere on this site; None where it leads somewhere, or off the site."""
    parts = urlsplit(address)
    if parts.scheme or parts.netloc:
        return None
    target = (page.parent / unquote(parts.path)).resolve() if parts.path else page
    if not target.is_file():
        return f"{address}: no such file"
    # The fragment of an exported page is a selection.
    written = target.suffix == ".html" and target.parent.name != "live"
    if written and parts.fragment and unquote(parts.fragment) not in read(target).places:
        return f"{address}: no such place"
    return None


def test_the_site_is_built():
    assert (SITE / "index.html").is_file(), "run `make docs`"
    assert len(PAGES) > 30
    assert len(LIVE) >= 12


@pytest.mark.parametrize("name", NAMES)
def test_no_link_is_broken_and_nothing_is_loaded_from_elsewhere(name, read):
    page = SITE / name
    found = read(page)
    assert [why for a in [*found.links, *found.loaded] if (why := broken(a, page, read))] == []
    assert [a for a in found.loaded if urlsplit(a).scheme not in {"", "data"} or a.startswith("//")] == []


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("name", NAMES)
def test_a_page_from_disk_asks_for_nothing_else_and_axe_finds_nothing_serious(watched, name, theme):
    page = watched(color_scheme=theme)
    page.goto((SITE / name).as_uri(), wait_until="load")
    found = [one for one in violations(page, "body") if one["impact"] in {"serious", "critical"}]
    asked = {urlsplit(url).scheme for url in page.watch.requests}
    errors = page.watch.errors
    page.context.close()
    assert found == [], json.dumps(found, indent=1)
    assert asked <= {"file", "data", "blob"}
    assert errors == []


@pytest.mark.parametrize("page", LIVE, ids=lambda path: path.stem)
def test_a_live_view_opens_from_disk(watched, page):
    seen = watched()
    seen.goto(page.as_uri())
    # A view, or the picture of a result that has none.
    expect(seen.locator(".semiring-widgets, main > img").first).to_be_visible()
    assert seen.watch.errors == []
    seen.context.close()


def test_the_first_view_answers_a_click_where_it_stands(watched):
    page = watched()
    page.goto((SITE / "index.html").as_uri())
    frame = page.frame_locator("iframe.live").first
    token = frame.locator('[data-item][data-token="2"]').first
    token.click()
    expect(token).to_have_attribute("aria-pressed", "true")
