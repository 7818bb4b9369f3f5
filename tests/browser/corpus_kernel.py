"""The widget of a corpus in a page whose messages go to Python: as in a notebook, without its server."""

import base64
import json

from semiring_widgets.contract.bundle import read_bundle
from semiring_widgets.errors import InputError

PAGE = """<!doctype html>
<html lang="en"><meta charset="utf-8"><title>corpus</title><body>
<main><h1>corpus</h1><div id="out"></div></main>
<script type="application/json" id="given">{given}</script>
<script type="module">
const given = JSON.parse(document.getElementById("given").textContent);
const bytes = (text) => Uint8Array.from(atob(text), (c) => c.charCodeAt(0));
const listeners = new Set();
const values = {{ summary: given.summary, summary_buffer: bytes(given.buffer), theme: "light" }};
window.seconds = [];
const model = {{
  get: (name) => values[name],
  set: (name, value) => {{ values[name] = value; }},
  save_changes: () => {{}},
  on: (name, act) => {{ if (name === "msg:custom") listeners.add(act); }},
  off: (name, act) => {{ listeners.delete(act); }},
  send: async (message) => {{
    const asked = performance.now();
    const answer = await window.kernel(JSON.stringify(message));
    if (answer === null) return;
    for (const act of [...listeners]) act(answer.header, answer.buffer === "" ? [] : [bytes(answer.buffer)]);
    window.seconds.push([message.type, (performance.now() - asked) / 1000]);
  }},
}};
const url = URL.createObjectURL(new Blob([given.bundle], {{ type: "text/javascript" }}));
const {{ default: widget }} = await import(url);
widget.render({{ model, el: document.getElementById("out"), signal: new AbortController().signal }});
</script></body></html>
"""


def open_live(page, path, widget):
    """Show a widget whose requests are answered here, one after the other."""

    def kernel(text):
        request = json.loads(text)
        if request["type"] in {"pull", "cancel", "shown", "gone"}:
            return None
        try:
            header, buffer = widget._answer(request, lambda: None)
        except InputError as error:
            header, buffer = {"type": "error", "message": str(error)}, b""
        return {"header": {**header, "id": request["id"]}, "buffer": base64.b64encode(buffer).decode()}

    page.expose_function("kernel", kernel)
    buffer = base64.b64encode(widget.summary_buffer).decode()
    given = json.dumps({"summary": widget.summary, "buffer": buffer, "bundle": read_bundle()})
    path.write_text(PAGE.format(given=given.replace("<", "\\u003c")), encoding="utf-8")
    page.goto(path.as_uri())
