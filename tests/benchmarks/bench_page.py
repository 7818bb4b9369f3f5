"""How long a page takes on screen: first paint, a click, the pointer, panning; software-rendered Chromium.

    python -m tests.benchmarks.bench_page [--small] [--folder DIR]

Processor time is that of the page's main thread, so that other work on the machine does not count; what is
given in milliseconds of the clock is an upper bound.
"""

from __future__ import annotations

import argparse
import shutil
import statistics
import tempfile
from pathlib import Path
from typing import Any

from playwright.sync_api import CDPSession, Page, sync_playwright

from tests.benchmarks.measuring import Report
from tests.browser import scenes
from tests.browser.conftest import ARGUMENTS

# Layers, heads, tokens.
SIZES = [(12, 12, 128), (24, 16, 512)]
MOVES, CLICKS, FRAMES = 80, 6, 90
# Milliseconds until a page is certainly at rest.
REST = 600

# From the moment at which the data are read to the end of the first frame that shows a grid.
WATCH = """(() => {
  const parse = JSON.parse;
  JSON.parse = (text, ...rest) => {
    const value = parse(text, ...rest);
    if (text.length > 20000) window.given ??= performance.now();
    return value;
  };
  const look = () => {
    if (document.querySelector('[data-pane="flow"] :is(rect.cell, canvas)') === null)
      return requestAnimationFrame(look);
    const { port1, port2 } = new MessageChannel();
    port1.onmessage = () => { window.painted = performance.now() - window.given; };
    port2.postMessage(0);
  };
  requestAnimationFrame(look);
})()"""
# Milliseconds from a move of the pointer to the end of the frame that it leads to.
HOVER = """() => {
  window.waits = [];
  addEventListener("pointermove", () => {
    const start = performance.now();
    requestAnimationFrame(() => {
      const { port1, port2 } = new MessageChannel();
      port1.onmessage = () => window.waits.push(performance.now() - start);
      port2.postMessage(0);
    });
  }, { capture: true });
}"""
PAN = """async (frames) => {
  const pane = document.querySelector('[data-pane="flow"]');
  const port = [...pane.querySelectorAll("*")].find((e) =>
    e.scrollWidth > e.clientWidth + 4 && e.clientWidth > 0 && getComputedStyle(e).overflowX !== "visible");
  const times = [];
  for (let frame = 0; frame < frames; frame++) {
    if (port) port.scrollLeft = (port.scrollWidth * frame) / frames;
    times.push(await new Promise(requestAnimationFrame));
  }
  return times.slice(1).map((time, index) => time - times[index]);
}"""


def page_of(size: tuple[int, int, int], folder: Path) -> Path:
    """A page of a synthetic explanation."""
    layers, heads, tokens = size
    path = folder / f"{layers}x{heads}x{tokens}.html"
    if not path.exists():
        words = [f"word{number}" for number in range(tokens)]
        scenes._made().build_explanation(words, layers, heads).to_html(path)
    return path


def spent(session: CDPSession) -> float:
    """Processor seconds of the page's main thread."""
    metrics = session.send("Performance.getMetrics")["metrics"]
    return next(metric["value"] for metric in metrics if metric["name"] == "TaskDuration")


def measure(page: Page, path: Path) -> dict[str, Any]:
    """One page, from opening it to panning."""
    session = page.context.new_cdp_session(page)
    session.send("Performance.enable", {"timeDomain": "threadTicks"})
    page.add_init_script(WATCH)
    page.goto(path.as_uri())
    page.wait_for_function("window.painted !== undefined")
    page.wait_for_timeout(3 * REST)
    load = spent(session)
    tokens = page.locator('[data-pane="tokens"] [data-token]')
    clicks = []
    for number in range(CLICKS):
        token = tokens.nth(1 + number)
        token.scroll_into_view_if_needed()
        page.wait_for_timeout(REST)
        start = spent(session)
        token.click()
        page.wait_for_timeout(REST)
        clicks.append(spent(session) - start)
    page.keyboard.press("Escape")
    flow = page.locator('[data-pane="flow"]')
    flow.scroll_into_view_if_needed()
    page.wait_for_timeout(REST)
    box = flow.bounding_box()
    assert box is not None
    page.evaluate(HOVER)
    start = spent(session)
    for number in range(MOVES):
        x = box["x"] + 90 + (box["width"] - 120) * number / MOVES
        page.mouse.move(x, box["y"] + 90 + (37 * number) % max(1, int(box["height"] - 190)))
        page.wait_for_timeout(20)
    hover = (spent(session) - start) / MOVES
    waits = sorted(page.evaluate("window.waits"))
    page.mouse.move(0, 0)
    page.wait_for_timeout(REST)
    frames = sorted(page.evaluate(PAN, FRAMES))
    return {
        "first paint ms": round(page.evaluate("window.painted")),
        "load cpu ms": round(1000 * load),
        "click cpu ms": round(1000 * statistics.median(clicks)),
        "hover cpu ms": round(1000 * hover, 1),
        "hover p95 ms": round(waits[int(0.95 * len(waits))], 1),
        "pan median ms": round(statistics.median(frames), 1),
        "pan p95 ms": round(frames[int(0.95 * len(frames))], 1),
        "elements": page.evaluate("document.querySelectorAll('.semiring-widgets *').length"),
        "page kB": round(path.stat().st_size / 1000),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--small", action="store_true", help="only the smaller page")
    parser.add_argument("--folder", type=Path, help="where the pages are kept")
    asked = parser.parse_args()
    report = Report("page")
    with tempfile.TemporaryDirectory() as made, sync_playwright() as playwright:
        folder = asked.folder or Path(made)
        folder.mkdir(parents=True, exist_ok=True)
        browser = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=ARGUMENTS)
        for size in SIZES[: 1 if asked.small else None]:
            page = browser.new_page(viewport={"width": 1240, "height": 900})
            report.add(size="x".join(map(str, size)), **measure(page, page_of(size, folder)))
            page.close()
        browser.close()
    report.write()


if __name__ == "__main__":
    main()
