/** Pointer and keys: a click chooses a cell, a head or a route, and what is pointed at lights up everywhere. */

import { fieldOf, WENT } from "../fields/field";
import { listenToKeys } from "../keyboard";
import { type Pointed, pointedBy, targetOf } from "../pointed";
import { preview } from "../preview";
import { EMPTY } from "../selection";
import type { Store } from "../store";
import { afterClick } from "./choice";

export function listenToChoices(root: HTMLElement, store: Store, signal: AbortSignal): void {
  const choose = (pointed: Pointed) => {
    const rank = "item" in pointed ? pointed.item.dataset.route : undefined;
    const target = targetOf(pointed);
    if (rank !== undefined) store.update({ route: store.state.route === Number(rank) ? null : Number(rank) });
    else if (target !== null) store.update({ selection: afterClick(store.state.selection, target) });
  };
  const on = (name: string, act: (event: Event) => void) => root.addEventListener(name, act, { signal });
  on("mousedown", (event) => {
    const pointed = pointedBy(event);
    if (pointed === null || !("field" in pointed) || (event as MouseEvent).button !== 0) return;
    // The focus goes to the cell, not to what a canvas lies in.
    event.preventDefault();
    pointed.field.go(pointed.place, false);
  });
  on("click", (event) => {
    const pointed = pointedBy(event);
    if (pointed !== null) choose(pointed);
  });
  const point = (event: Event) => preview(root, store, pointedBy(event));
  for (const name of ["pointerover", "focusin"]) on(name, point);
  on(WENT, (event) => {
    // The element that has the focus is the same, and stands for another place.
    preview(root, store, null);
    point(event);
  });
  on("pointermove", (event) => {
    if (fieldOf(event.target as Element) !== null) point(event);
  });
  for (const name of ["pointerleave", "focusout"]) on(name, () => preview(root, store, null));
  const clear = () => store.update({ selection: EMPTY, route: null });
  const keys = {
    choose: (item: HTMLElement) => choose({ item }),
    act: (name: string) => (name === "clear" ? clear : undefined),
  };
  listenToKeys(root, keys, signal);
}
