"""A notebook host that we cannot run here, imitated: a page around a frame around the widget."""

import json

from playwright.sync_api import expect

from semiring_widgets.contract import messages
from semiring_widgets.contract.bundle import read_bundle
from tests.browser import scenes
from tests.browser.imitated_model import MODEL, told
from tests.browser.view import View

OUTER = """<!doctype html><meta charset="utf-8"><title>host</title>
<style>iframe {{ display: none; width: 100%; height: 950px; border: 0; }}</style>
<body><iframe id="output" sandbox="allow-scripts"></iframe>
<script type="application/json" id="inner">{inner}</script>
<script>
const frame = document.getElementById("output");
frame.srcdoc = JSON.parse(document.getElementById("inner").textContent);
window.reveal = () => {{ frame.style.display = "block"; }};
window.heights = [];
addEventListener("message", ({{ data }}) => {{
  if (typeof data.height !== "number") return;
  window.heights.push(data.height);
  frame.style.height = `${{data.height}}px`;
}});
</script>"""

# A kernel whose traits have not arrived when the widget is drawn, and that forgets its first `lost` requests.
INNER = """<!doctype html><meta charset="utf-8"><title>output</title>
<body><div id="out"></div>
<script type="application/json" id="given">{given}</script>
<script type="module">
const given = JSON.parse(document.getElementById("given").textContent);
new Function(given.host)();
{model}const values = {{ ...given.traits, selection: [], theme: "auto" }};
if (values.buffer !== undefined) values.summary_buffer = new DataView(bytes(values.buffer).buffer);
const say = ([header, buffer], id) =>
  emit("msg:custom", {{ ...header, id }}, buffer === "" ? [] : [new DataView(bytes(buffer).buffer)]);
let lost = given.lost;
const model = modelOf(values, (message) => {{
  if (lost-- > 0) return;
  const answer = given.answers[message.type];
  if (answer === undefined) return;
  // Twice; the summary before the last comes after the last.
  const all = message.type === "pull" ? [answer, given.older, answer] : [answer, answer];
  all.forEach((one, turn) => setTimeout(() => say(one, message.id), 30 * (turn + 1)));
}});
await new Promise((done) => setTimeout(done, 300));
const code = URL.createObjectURL(new Blob([given.bundle], {{ type: "text/javascript" }}));
const {{ default: widget }} = await import(code);
widget.render({{ model, el: document.getElementById("out") }});
</script>"""


def written(page, path, *, lost=0, known=True, host=""):
    """Opens a host's page with the widget in its frame, which nobody sees yet, and gives its root.

    Args:
        page: of the browser.
        path: where to write it.
        lost: how many of the widget's first messages nobody hears.
        known: whether the traits are there when the widget is drawn.
        host: JavaScript that the frame runs first.
    """
    result = scenes.explanation()
    partial = scenes._made().build_explanation(known=False)
    given = {
        "bundle": read_bundle(),
        "host": host,
        "lost": lost,
        "traits": dict(zip(("summary", "buffer"), told(messages.encode(result, 2)), strict=True))
        if known
        else {},
        "older": told(messages.encode(partial, 1)),
        "answers": {"pull": told(messages.encode(result, 2))},
    }
    inner = INNER.format(model=MODEL, given=json.dumps(given).replace("<", "\\u003c"))
    path.write_text(OUTER.format(inner=json.dumps(inner).replace("<", "\\u003c")), encoding="utf-8")
    page.goto(path.as_uri())
    return page.frame_locator("#output").locator(".semiring-widgets").first


def opened(page, path, **settings):
    """The same where somebody sees it."""
    root = written(page, path, **settings)
    # While nobody sees it, it is drawn already.
    expect(root).to_have_attribute("data-state", "done")
    expect(root).to_be_hidden()
    page.evaluate("reveal()")
    return View(root)
