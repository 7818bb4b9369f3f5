/** What a page without a kernel cannot answer is shown as not to be clicked, before anybody clicks. */

import type { ExplanationHeader, Part } from "./contract";
import { availability } from "./fields/available";
import { UNAVAILABLE } from "./fields/field";
import { facetsOf } from "./pointed";
import { partOf } from "./selection";
import type { Store } from "./store";

/** Mark every part whose numbers are not there, and say so in `hint`; where all are there, it goes. */
export function markUnavailable(root: HTMLElement, hint: HTMLElement, store: Store): void {
  const { summary } = store.state;
  const available = availability(store.state);
  const parts = "[data-item]:not([data-route], [data-family], .rover)";
  for (const item of root.querySelectorAll<HTMLElement | SVGElement>(parts)) {
    if (available(facetsOf(item))) continue;
    item.setAttribute("aria-disabled", "true");
    item.setAttribute("aria-description", UNAVAILABLE);
  }
  const all = summary?.type === "explanation" ? partsOf(summary) : [];
  const missing = all.filter((part) => !available(part)).length;
  if (missing === 0) hint.remove();
  else if (missing === all.length)
    hint.textContent = "This page was written without the model, so its parts cannot be selected.";
  else
    hint.textContent = "What has a dashed edge cannot be selected in this page: its numbers need a notebook.";
}

/** Every part that a picture shows. */
function partsOf({ streams, layers }: ExplanationHeader): Part[] {
  const words = streams.flatMap(({ tokens }, stream) =>
    tokens.map(({ index }) => partOf({ token: index, stream })),
  );
  return layers.reduce((parts, { index, heads, stream }) => {
    for (let head = 0; head < heads; head++) parts.push(partOf({ layer: index, head }));
    for (const token of streams[stream]?.tokens ?? [])
      parts.push(partOf({ layer: index, token: token.index }));
    parts.push(partOf({ layer: index }), partOf({ layer: index, branch: "mlp" }));
    return parts;
  }, words);
}
