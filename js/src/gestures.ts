/** What is done where: the pointer and the keys of a widget, led to the commands that they stand for. */

import { openQuestion } from "./ask/bar";
import { type CommandName, modeOf } from "./commands";
import { stepsOfRoute, unitsOf } from "./drill/inside";
import { fieldOf, WENT } from "./fields/field";
import { listenToKeys } from "./keyboard";
import { COPY, TURN } from "./picture/menu";
import { actOf, isDisabled, type Pointed, pointedBy, targetOf } from "./pointed";
import { preview } from "./preview";
import type { Questions } from "./questions";
import { clicked, EMPTY, isEmpty, type Mode, testable } from "./selection";
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
  const choose = (pointed: Pointed, mode: Mode) => {
    if (isDisabled(pointed)) return;
    const act = actOf(pointed);
    if (act !== undefined) return act();
    const { family, route } = "item" in pointed ? pointed.item.dataset : {};
    if (route !== undefined) {
      const rank = Number(route);
      store.update({ route: store.state.route === rank ? null : rank, family: null });
    } else if (family !== undefined) {
      const index = Number(family);
      store.update({ family: store.state.family === index ? null : index, route: null });
    } else {
      const target = targetOf(pointed);
      const { selection, avoiding, among } = store.state;
      const kept = mode === "alone" ? EMPTY : among;
      if (target !== null) questions.select(...clicked(selection, avoiding, target, mode), kept);
    }
  };
  const click = (event: MouseEvent) => {
    const pointed = pointedBy(event);
    if (pointed === null) return;
    const far = Math.hypot(event.clientX - down.x, event.clientY - down.y) > DRAGGED;
    // A click by the keyboard or a screen reader has no place.
    const text = "item" in pointed && pointed.item.matches(".token, .entry, .named");
    if (far && event.detail > 0 && (text || "field" in pointed)) return;
    choose(pointed, modeOf(event));
  };
  const options = { signal };
  root.addEventListener(
    "pointerdown",
    (event) => {
      down = { x: event.clientX, y: event.clientY };
    },
    options,
  );
  root.addEventListener(
    "mousedown",
    (event) => {
      if (event.button !== 0) return;
      const pointed = pointedBy(event);
      if (pointed !== null && "field" in pointed) {
        // The focus goes to the cell, not to what a canvas lies in.
        event.preventDefault();
        pointed.field.go(pointed.place, false);
      } else if (pointed !== null && event.shiftKey) {
        // With Shift, browsers mark all text from the place before to this one.
        event.preventDefault();
        pointed.item.focus({ preventScroll: true });
      }
    },
    options,
  );
  root.addEventListener("click", click, options);
  const point = (event: Event) => preview(root, store, pointedBy(event, "[data-item], [data-parts]"));
  root.addEventListener("pointerover", point, options);
  root.addEventListener(
    "pointermove",
    (event) => {
      if (fieldOf(event.target as Element) !== null) point(event);
    },
    options,
  );
  root.addEventListener("pointerleave", () => preview(root, store, null), options);
  root.addEventListener("focusin", point, options);
  root.addEventListener(WENT, point, options);
  root.addEventListener("focusout", () => preview(root, store, null), options);
  const acts: Partial<Record<CommandName, () => void>> = {
    clear: () => {
      if (store.state.helping) store.update({ helping: false });
      else if (store.state.naming) store.update({ naming: false });
      else questions.select(EMPTY);
    },
    back: () => questions.back(),
    forward: () => questions.forward(),
    test: () => {
      const parts = testable(store.state);
      if (!isEmpty(parts)) questions.tests.ask(parts);
    },
    question: () => openQuestion(root, store),
    copy: () => root.querySelector(".ask")?.dispatchEvent(new Event("semiring-widgets-copy")),
    picture: () => root.querySelector(".picture")?.dispatchEvent(new Event(TURN)),
    copyPicture: () => root.querySelector(".picture")?.dispatchEvent(new Event(COPY)),
    group: () => {
      if (store.state.selection.length > 1) store.update({ naming: true });
    },
    units: () => {
      const part = unitsOf(store.state);
      if (part !== null && store.state.kernel) questions.units(part);
    },
    walk: () => {
      if (store.state.kernel) questions.walk(stepsOfRoute(store.state));
    },
    help: () => store.update({ helping: !store.state.helping }),
  };
  listenToKeys(root, { choose: (item, mode) => choose({ item }, mode), act: (name) => acts[name] }, signal);
}
