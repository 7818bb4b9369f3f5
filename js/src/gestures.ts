/** The pointer: what a click chooses, what a choice in a list sets, what lights up under the pointer. */

import type { Asking } from "./asking";
import type { RankedBy } from "./contract";
import { listenToKeys } from "./keyboard";
import { clicked, EMPTY, type Target } from "./selection";
import type { Store } from "./store";

// Pixels from where a drag selects text and is no click.
const DRAGGED = 5;

export function listenToGestures(root: HTMLElement, store: Store, asking: Asking, signal: AbortSignal): void {
  let down = { x: 0, y: 0 };
  const choose = (item: HTMLElement | SVGElement, adding: boolean) => {
    if (item.getAttribute("aria-disabled") === "true") return;
    if (item.dataset.route !== undefined) {
      const rank = Number(item.dataset.route);
      store.update({ route: store.state.route === rank ? null : rank });
    } else asking.select(clicked(store.state.selection, facetsOf(item), adding));
  };
  const click = (event: MouseEvent) => {
    const target = event.target as Element;
    const action = target.closest("[data-action]")?.getAttribute("data-action");
    if (action === "cancel") asking.cancel();
    else if (action === "clear") {
      asking.select(EMPTY);
      // The button goes; the keyboard stays in the widget.
      root.querySelector<HTMLElement>('[data-item][tabindex="0"]')?.focus({ preventScroll: true });
    } else if (action === "chart") asking.chart();
    const item = target.closest<HTMLElement | SVGElement>("[data-item]");
    if (action || item === null) return;
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
  root.addEventListener(
    "change",
    (event) => change(event.target as HTMLSelectElement, store, asking),
    options,
  );
  root.addEventListener("pointerover", (event) => preview(root, event.target as Element), options);
  root.addEventListener("pointerleave", () => preview(root, null), options);
  listenToKeys(root, { choose, clear: () => asking.select(EMPTY) }, signal);
}

function change(choice: HTMLSelectElement, store: Store, asking: Asking): void {
  if (choice.matches("[data-measure]")) store.update({ measure: choice.value });
  if (choice.matches("[data-by]")) asking.rankBy(choice.value as RankedBy);
  if (choice.matches("[data-kind]")) store.update({ kind: Number(choice.value) });
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
