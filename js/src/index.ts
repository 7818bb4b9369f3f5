/** The anywidget module; in an exported page it finds its payload and draws by itself. */

import { mountApp } from "./app";
import { mountCorpus } from "./corpus/view";
import { keepKeys } from "./host-keys";
import { mountOverlay } from "./image/view";
import { pageModel } from "./page-model";
import type { Model } from "./transport";

interface RenderContext {
  model: Model;
  el: HTMLElement;
  signal?: AbortSignal;
}

function render({ model, el, signal }: RenderContext): (() => void) | undefined {
  const summary = model.get("summary");
  const kind = typeof summary === "object" && summary !== null ? Reflect.get(summary, "type") : "";
  const mount = kind === "corpus" ? mountCorpus : kind === "overlay" ? mountOverlay : mountApp;
  const own = new AbortController();
  const end = signal ?? own.signal;
  mount(model, el, end);
  keepKeys(el, end);
  return signal === undefined ? () => own.abort() : undefined;
}

/** Draw the payload inside an element of an exported page; what it showed before is the fallback. */
function mountStatic(root: HTMLElement): void {
  if (root.dataset.mounted !== undefined) return;
  root.dataset.mounted = "true";
  const model = pageModel(root);
  for (const fallback of [...root.children]) if (fallback.tagName !== "SCRIPT") fallback.remove();
  render({ model, el: root });
  // A page has no other use for keys that are pressed while nothing has the focus.
  document.addEventListener("keydown", (event) => {
    if (event.target === document.body)
      root.querySelector(".semiring-widgets")?.dispatchEvent(new KeyboardEvent("keydown", event));
  });
}

for (const root of document.querySelectorAll<HTMLElement>('[data-semiring-widgets="page"]'))
  mountStatic(root);

export default { render };
