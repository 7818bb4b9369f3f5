/** The pointer: what a click on a part or a route chooses, and what lights up under pointer or focus. */

import type { Branch } from "./contract";
import { listenToKeys } from "./keyboard";
import type { Questions } from "./questions";
import { clicked, EMPTY, type Target } from "./selection";
import type { Store } from "./store";

// Pixels from where a drag selects text and is no click.
const DRAGGED = 5;

type Item = HTMLElement | SVGElement;

export function listenToGestures(
  root: HTMLElement,
  store: Store,
  questions: Questions,
  signal: AbortSignal,
): void {
  let down = { x: 0, y: 0 };
  const choose = (item: Item, adding: boolean) => {
    if (item.getAttribute("aria-disabled") === "true") return;
    const { family, route } = item.dataset;
    if (route !== undefined) {
      const rank = Number(route);
      store.update({ route: store.state.route === rank ? null : rank, family: null });
    } else if (family !== undefined) {
      const index = Number(family);
      store.update({ family: store.state.family === index ? null : index, route: null });
    } else questions.select(clicked(store.state.selection, facetsOf(item), adding));
  };
  const click = (event: MouseEvent) => {
    const item = (event.target as Element).closest<Item>("[data-item]");
    if (item === null) return;
    const far = Math.hypot(event.clientX - down.x, event.clientY - down.y) > DRAGGED;
    // A click by the keyboard or a screen reader has no place.
    if (far && event.detail > 0 && item.matches(".token, .entry, .named")) return;
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
  root.addEventListener("focusin", (event) => preview(root, event.target as Element), options);
  root.addEventListener("focusout", () => preview(root, null), options);
  listenToKeys(root, { choose, clear: () => questions.select(EMPTY) }, signal);
}

export function facetsOf(item: Item): Target {
  const facets: Record<string, number> = {};
  for (const name of ["layer", "head", "token", "stream"]) {
    const value = item.dataset[name];
    if (value !== undefined) facets[name] = Number(value);
  }
  const branch = item.dataset.branch as Branch | undefined;
  return branch === undefined ? facets : { ...facets, branch };
}

/** Mark, in every pane, what stands for the same thing as the element under the pointer. */
function preview(root: HTMLElement, target: Element | null): void {
  for (const old of root.querySelectorAll(".preview")) old.classList.remove("preview");
  const item = target?.closest<Item>("[data-item], [data-parts]");
  if (!item) return;
  // A sentence is about several parts.
  const about: Record<string, unknown>[] =
    item.dataset.parts === undefined ? [{ ...item.dataset }] : JSON.parse(item.dataset.parts);
  for (const facets of about) {
    const query = ["layer", "branch", "head", "token", "route", "family"]
      .filter((name) => facets[name] !== undefined && facets[name] !== null)
      .map((name) => `[data-${name}="${facets[name]}"]`)
      .join("");
    if (query === "") continue;
    for (const other of root.querySelectorAll<Item>(`[data-item]${query}`))
      if (sameStream(facets, other)) other.classList.add("preview");
  }
}

/** Two inputs have tokens of the same number. */
const sameStream = ({ layer, token, stream }: Record<string, unknown>, { dataset }: Item): boolean =>
  token === undefined ||
  token === null ||
  typeof layer === "number" ||
  typeof layer === "string" ||
  `${stream ?? 0}` === (dataset.stream ?? "0");
