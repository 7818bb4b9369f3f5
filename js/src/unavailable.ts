/** What a page without a kernel cannot answer is shown as not to be clicked, before anybody clicks. */

import { facetsOf } from "./gestures";
import { partOf } from "./selection";
import type { Store } from "./store";
import { known } from "./tested";
import type { Model } from "./transport";

const WHY = "not in this page: its numbers need a notebook";

/** Mark every part whose numbers are not there, and say so in `hint`; where all are there, it goes. */
export function markUnavailable(root: HTMLElement, hint: HTMLElement, model: Model, store: Store): void {
  const { state } = store;
  const parts = "[data-item]:not([data-route], [data-family])";
  const items = [...root.querySelectorAll<HTMLElement | SVGElement>(parts)];
  const missing = items.filter((item) => {
    const selection = [partOf(facetsOf(item))];
    if (model.holds?.(selection) !== false) return false;
    // A part that was tested has something to say, whatever is known of the paths through it.
    return (
      state.summary?.type !== "explanation" || known(state, state.summary, { selection, steps: [] }) === null
    );
  });
  for (const item of missing) {
    item.setAttribute("aria-disabled", "true");
    item.setAttribute("aria-description", WHY);
  }
  if (missing.length === 0) hint.remove();
  else if (missing.length === items.length)
    hint.textContent = "This page was written without the model, so its parts cannot be selected.";
  else
    hint.textContent = "What has a dashed edge cannot be selected in this page: its numbers need a notebook.";
}
