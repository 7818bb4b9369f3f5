/** What a page without a kernel cannot answer is shown as not to be clicked, before anybody clicks. */

import type { ExplanationHeader, Part } from "./contract";
import { availability } from "./fields/available";
import { UNAVAILABLE } from "./fields/field";
import { facetsOf } from "./pointed";
import { isEmpty, partOf } from "./selection";
import type { Store } from "./store";

const LACKING = "What has a dashed edge cannot be selected in this page: its numbers need a notebook.";
const NOT_TOGETHER = "What has a dashed edge cannot be added: this page holds the likeliest pairs.";

/** Mark every part whose numbers are not there, and say so in `hint`; while Shift is held, of pairs. */
export function markUnavailable(
  root: HTMLElement,
  hint: HTMLElement,
  store: Store,
  signal: AbortSignal,
): void {
  const { summary } = store.state;
  const all = summary?.type === "explanation" ? partsOf(summary) : [];
  const alone = availability({ ...store.state, adding: false });
  const missing = all.filter((part) => !alone(part)).length;
  const always =
    missing === 0
      ? ""
      : missing === all.length
        ? "This page was written without the model, so its parts cannot be selected."
        : LACKING;
  const hold = (event: KeyboardEvent) => {
    if (event.key === "Shift") store.update({ adding: event.type === "keydown" });
  };
  document.addEventListener("keydown", hold, { signal });
  document.addEventListener("keyup", hold, { signal });
  window.addEventListener("blur", () => store.update({ adding: false }), { signal });
  store.effect((state) => {
    const available = availability(state);
    const together = state.adding && !isEmpty(state.selection);
    for (const item of root.querySelectorAll<HTMLElement | SVGElement>(PARTS))
      mark(item, available(facetsOf(item)));
    const said = together ? NOT_TOGETHER : always;
    hint.hidden = said === "";
    if (hint.textContent !== said) hint.textContent = said;
  }, signal);
}

const PARTS = "[data-item]:not([data-route], [data-family], .rover)";

function mark(item: HTMLElement | SVGElement, available: boolean): void {
  if (!available) {
    item.setAttribute("aria-disabled", "true");
    item.setAttribute("aria-description", UNAVAILABLE);
  } else if (item.getAttribute("aria-description") === UNAVAILABLE) {
    item.removeAttribute("aria-disabled");
    item.removeAttribute("aria-description");
  }
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
