/** What a page without a kernel cannot answer is shown as not to be clicked, before anybody clicks. */

import { facetsOf } from "./gestures";
import { partOf } from "./selection";
import type { Model } from "./transport";

const WHY = "not in this page: its numbers need a notebook";

/** Mark every part whose numbers are not there, and say so in `hint`; where all are there, it goes. */
export function markUnavailable(root: HTMLElement, hint: HTMLElement, model: Model): void {
  const items = [...root.querySelectorAll<HTMLElement | SVGElement>("[data-item]:not([data-route])")];
  const missing = items.filter((item) => model.holds?.([partOf(facetsOf(item))]) === false);
  for (const item of missing) {
    item.setAttribute("aria-disabled", "true");
    item.setAttribute("aria-description", WHY);
  }
  if (missing.length === 0) hint.remove();
  else if (missing.length === items.length)
    hint.textContent = "This page was written without the model, so its parts cannot be selected.";
  else hint.textContent = "What is grey cannot be selected in this page: its numbers need a notebook.";
}
