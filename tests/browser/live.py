"""The widget beside a stand-in for a kernel, all in one page: updates arrive as from a running one."""

import json
from dataclasses import replace

from semiring_widgets.contract import messages
from semiring_widgets.contract.answers import ANSWERED, answer
from semiring_widgets.contract.bundle import read_bundle
from semiring_widgets.results.parts import Status
from tests.browser.imitated_model import MODEL, told

PAGE = """<!doctype html>
<meta charset="utf-8"><title>live</title><body><div id="out"></div>
<script type="application/json" id="given">{given}</script>
<script type="module">
const given = JSON.parse(document.getElementById("given").textContent);
{model}const values = {{ selection: [], theme: "light" }};
const take = ([header, buffer]) => {{
  values.summary = header;
  values.summary_buffer = bytes(buffer);
  values.revision = header.revision;
}};
take(given.summaries[0]);
const model = modelOf(values);
const url = URL.createObjectURL(new Blob([given.bundle], {{ type: "text/javascript" }}));
const {{ default: widget }} = await import(url);
let stop;
window.show = () => {{
  stop = new AbortController();
  widget.render({{ model, el: document.getElementById("out"), signal: stop.signal }});
}};
window.show();
window.remove = () => stop.abort();
let number = 0;
window.arrives = (change = {{}}) => {{
  number += 1;
  take(given.summaries[number % given.summaries.length]);
  values.summary = {{ ...values.summary, revision: number + 100, ...change }};
  emit("change:revision");
}};
window.answer = ([header, buffer]) =>
  emit("msg:custom", header, buffer === "" ? [] : [new DataView(bytes(buffer).buffer)]);
window.run = (milliseconds) => setInterval(() => window.arrives(), milliseconds);
</script>
"""


def write_live(path, *results, running=True, inquiry=None):
    """A page of a widget that shows the first result, and the others in turn when ``arrives`` is called.

    Args:
        path: of the page.
        results: what it shows.
        running: whether each is on its way.
        inquiry: the questions of the widget; without any, nothing else can be asked.
    """
    summaries = []
    for number, result in enumerate(results):
        status = Status("running", number, len(results), f"step {number}") if running else result.status
        message = messages.encode(replace(result, status=status), 1)
        summaries.append(told(message if inquiry is None else messages.inquiring(message, inquiry)))
    given = json.dumps({"summaries": summaries, "bundle": read_bundle()}).replace("<", "\\u003c")
    path.write_text(PAGE.format(model=MODEL, given=given), encoding="utf-8")
    return path.as_uri()


class Kernel:
    """Answers what a page asks, and keeps it."""

    def __init__(self, page, result):
        self.page, self.result, self.asked = page, result, []

    def answer(self):
        """Everything that was asked since."""
        sent = self.page.evaluate("window.sent.splice(0)")
        for request in sent:
            if request["type"] in ANSWERED:
                self.asked.append(request)
                header, buffer = answer(self.result, request)
                self.page.evaluate("window.answer", told((header, buffer)))
        return [request for request in sent if request["type"] in ANSWERED]

    def last(self, kind):
        """What was asked last of a kind; the keys that name something."""
        request = [one for one in self.asked if one["type"] == kind][-1]
        return {key: named(value) for key, value in request.items()}


def named(value):
    """Parts, each by what it names."""
    if not isinstance(value, list):
        return value
    return [{k: v for k, v in part.items() if v is not None and k != "stream"} for part in value]
