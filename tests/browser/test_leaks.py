"""What fifty questions, and fifty views that come and go, leave in a real browser: nothing."""

import pytest

from tests.browser import scenes
from tests.browser.live import write_live
from tests.browser.view import View

RUNS = 50
# Until everything was made that is made once.
FIRST = 12

# Each with a selection, which is drawn, and with a list of ten questions.
ASKED = """async (number) => {
  const past = Array.from({ length: 10 }, (_, place) => number - place).map(
    (number) => ({ number, arguments: [], label: `question ${number}`, value: 1, held: true }));
  const status = { state: "running", done: 0, total: 1, message: "starting" };
  const inquiry = { number, attempts: number, arguments: [], wrong: "", past };
  const frame = () => new Promise(requestAnimationFrame);
  arrives({ inquiry: { ...inquiry, number: number - 1, status } });
  await frame();
  arrives({ inquiry: { ...inquiry, status: null } });
  document.querySelector(".semiring-widgets [data-token='2']").click();
  await frame();
  await frame();
}"""
SHOWN = """async () => {
  const frame = () => new Promise(requestAnimationFrame);
  remove();
  await frame();
  show();
  await frame();
  document.querySelector(".semiring-widgets [data-token='2']").click();
  await frame();
  await frame();
}"""


def held(page):
    """How many nodes and listeners the page holds when what is garbage was collected."""
    session = page.context.new_cdp_session(page)
    session.send("Performance.enable")
    for _ in range(2):
        session.send("HeapProfiler.collectGarbage")
    metrics = {entry["name"]: entry["value"] for entry in session.send("Performance.getMetrics")["metrics"]}
    session.detach()
    return metrics["Nodes"], metrics["JSEventListeners"]


@pytest.mark.parametrize("act", [ASKED, SHOWN], ids=["questions", "views"])
def test_nothing_grows(watched, tmp_path, act):
    page = watched()
    page.goto(write_live(tmp_path / "live.html", scenes.explanation(), running=False))
    View(page.locator(".semiring-widgets").first).expect_state("done")
    for number in range(FIRST):
        page.evaluate(act, number + 1)
    before = held(page)
    for number in range(RUNS):
        page.evaluate(act, FIRST + number + 1)
    after = held(page)
    # Less than one for every two.
    assert [now - then < RUNS / 2 for now, then in zip(after, before, strict=True)] == [True, True], (
        before,
        after,
    )
    assert page.watch.errors == []
