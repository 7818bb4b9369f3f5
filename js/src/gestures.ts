/** The pointer: what a click on a part or a route chooses, and what lights up under the pointer. */

import { listenToKeys } from "./keyboard";
import type { Questions } from "./questions";
import { clicked, EMPTY, type Target } from "./selection";
import type { Store } from "./store";

// Pixels from where a drag selects text and is no click.
const DRAGGED = 5;

export function listenToGestures(
  root: HTMLElement,
  store: Store,
  questions: Questions,
  signal: AbortSignal,
): void {
  let down = { x: 0, y: 0 };
  const choose = (item: HTMLElement | SVGElement, adding: boolean) => {
    if (item.getAttribute("aria-disabled") === "true") return;
    if (item.dataset.route !== undefined) {
      const rank = Number(item.dataset.route);
      store.update({ route: store.state.route === rank ? null : rank });
    } else questions.select(clicked(store.state.selection, facetsOf(item), adding));
  };
  const click = (event: MouseEvent) => {
    const item = (event.target as Element).closest<HTMLElement | SVGElement>("[data-item]");
    if (item === null) return;
    const far = Math.hypot(event.clientX - down.x, event.clientY - down.y) > DRAGGED;
    // A click by the keyboard or a screen reader has no place.
    if (far && event.detail > 0 && item.matches(".token, .entry")) return;
    choose(item, event.shiftKey || event.ctrlKey || event.metaKey);
  };
  const options = { signal };
  root.addEventListener(
    "pointerdown",
    (event) => {
      down = { x: event.clientX, y: event.clientY };
    },
    options,
  );
  // With Shift, browsers mark all text from the place before to this one.
  root.addEventListener(
    "mousedown",
    (event) => {
      const item = event.shiftKey ? (event.target as Element).closest<HTMLElement>("[data-item]") : null;
      if (item === null) return;
      event.preventDefault();
      item.focus({ preventScroll: true });
    },
    options,
  );
  root.addEventListener("click", click, options);
  root.addEventListener("pointerover", (event) => preview(root, event.target as Element), options);
  root.addEventListener("pointerleave", () => preview(root, null), options);
  listenToKeys(root, { choose, clear: () => questions.select(EMPTY) }, signal);
}

export function facetsOf(item: HTMLElement | SVGElement): Target {
  const facets: Record<string, number> = {};
  for (const name of ["layer", "head", "token", "stream"]) {
    const value = item.dataset[name];
    if (value !== undefined) facets[name] = Number(value);
  }
  return facets;
}

/** Mark, in every pane, what stands for the same thing as the element under the pointer. */
function preview(root: HTMLElement, target: Element | null): void {
  for (const old of root.querySelectorAll(".preview")) old.classList.remove("preview");
  const item = target?.closest<HTMLElement>("[data-item]");
  if (!item) return;
  const query = ["layer", "head", "token", "route"]
    .map((name) => (item.dataset[name] === undefined ? "" : `[data-${name}="${item.dataset[name]}"]`))
    .join("");
  for (const other of root.querySelectorAll(`[data-item]${query}`)) other.classList.add("preview");
}
