/** What a page without a kernel cannot answer is shown as not to be clicked, before anybody clicks. */

import { facetsOf } from "./gestures";
import { partOf } from "./selection";
import type { Model } from "./transport";

const WHY = "not in this page: its numbers need a notebook";

/** Mark every part whose numbers are not there; gives a sentence about them, null where all are. */
export function markMissing(root: HTMLElement, model: Model): string | null {
  if (model.holds === undefined) return null;
  const items = [...root.querySelectorAll<HTMLElement | SVGElement>("[data-item]:not([data-route])")];
  const missing = items.filter((item) => !model.holds?.([partOf(facetsOf(item))]));
  for (const item of missing) {
    item.setAttribute("aria-disabled", "true");
    item.setAttribute("aria-description", WHY);
  }
  if (missing.length === 0) return null;
  if (missing.length === items.length) {
    return "This page was written without the model, so its parts cannot be selected.";
  }
  return "What is grey cannot be selected in this page: its numbers need a notebook.";
}
