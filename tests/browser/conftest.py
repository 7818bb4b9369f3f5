"""Debian's Chromium, a Jupyter server and marimo, each started once; every page is watched.

Whatever a test does, its pages may ask no host but loopback, and our bundle may throw no error.

How a test waits, so that a busy machine makes it slower and never red:

- What is selected is told at once, in attributes of the root; it is drawn a frame later, and answers come
  when they come. So assertions are Playwright's `expect`, or run again: `patience.patiently`.
- Wait for the thing itself, and for nothing that is true already of what a test before has left on the page.
- What is read once, as a box before a press, is read after `View.drawn`; `View.hover` points after it.
- `wait_for_timeout` is for what must *not* happen, or how long a hand takes; what must happen has its time.
- A time of the product, as of a tip or a silent kernel, is no time of a test: `patience.SECONDS`.
"""

import shutil
from functools import partial
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import expect, sync_playwright

from tests.browser import servers
from tests.browser.notebooks import Notebook, lab_address, notebook_address, write_notebook
from tests.browser.patience import SECONDS

# A test waits for several things; each wait ends first and says what it waited for.
LONGEST = 4 * SECONDS

ARGUMENTS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
LOOPBACK = {"127.0.0.1", "localhost", "::1"}


def pytest_collection_modifyitems(items):
    for item in items:
        if "tests/browser" in item.path.as_posix():
            item.add_marker(pytest.mark.browser)
            item.add_marker(pytest.mark.timeout(LONGEST))


@pytest.fixture(scope="session")
def chromium():
    path = shutil.which("chromium")
    if path is None:
        pytest.fail(
            "The browser tests need Chromium on PATH as 'chromium' (Debian: apt-get install chromium); "
            "`make test` installs it where it may. To leave them out: pytest -m 'not browser'."
        )
    expect.set_options(timeout=SECONDS * 1000)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=ARGUMENTS, timeout=SECONDS * 1000)
        yield browser
        browser.close()


class Watch:
    """What the pages of one browser context asked for, and what went wrong in them."""

    def __init__(self, context):
        self.requests = []
        self.errors = []
        context.on("request", lambda request: self.requests.append(request.url))
        context.on("weberror", lambda error: self.heard(str(error.error)))

    def heard(self, error):
        # Browsers say so of any page, ours or a notebook's, that is measured again in the next frame.
        if "ResizeObserver loop" not in error:
            self.errors.append(error)

    def outside(self):
        """Addresses that are neither on loopback nor inside the page."""
        parts = [(url, urlsplit(url)) for url in self.requests]
        return [url for url, p in parts if p.scheme.startswith(("http", "ws")) and p.hostname not in LOOPBACK]


@pytest.fixture(scope="module")
def watched(chromium):
    """Makes watched pages; at the end nothing was asked of any host but this one."""
    opened = []

    def new_page(**options):
        context = chromium.new_context(viewport={"width": 1400, "height": 1000}, **options)
        context.set_default_timeout(SECONDS * 1000)
        watch = Watch(context)
        opened.append((context, watch))
        page = context.new_page()
        page.watch = watch
        return page

    yield new_page
    outside = [url for _, watch in opened for url in watch.outside()]
    for context, _ in opened:
        context.close()
    assert outside == [], f"the pages asked the network for {outside}"


@pytest.fixture(scope="session")
def notebooks(tmp_path_factory):
    """The folder that the Jupyter server serves."""
    return tmp_path_factory.mktemp("notebooks")


@pytest.fixture(scope="session")
def jupyter(notebooks, tmp_path_factory):
    with servers.jupyter(notebooks, tmp_path_factory.mktemp("jupyter")) as address:
        yield address


@pytest.fixture(scope="module")
def kernels(jupyter):
    """The address of the server, whose kernels end with the tests of a file: each holds a model in memory."""
    yield jupyter
    servers.end_kernels(jupyter)


@pytest.fixture(scope="module")
def open_lab(watched, kernels, notebooks):
    """Opens a new notebook with the given cells in JupyterLab."""
    return partial(_opened, watched, kernels, notebooks, lab_address)


@pytest.fixture(scope="module")
def open_notebook7(watched, kernels, notebooks):
    """Opens a new notebook with the given cells in Notebook 7."""
    return partial(_opened, watched, kernels, notebooks, notebook_address)


def _opened(watched, kernels, notebooks, address, *sources):
    name = write_notebook(notebooks, *sources)
    opened = Notebook(watched(), address(kernels, name))
    opened.path = notebooks / name
    return opened
