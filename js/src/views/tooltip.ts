/**
 * What is under the pointer or has the focus, in a sentence: for mouse, keyboard and touch alike.
 *
 * `data-tip` says it; of a place of a picture the picture does; of an item its label says it, and the `data-explained` of its pane what the number means.
 */

import { h } from "../dom";
import type { Box } from "../fields/face";
import { fieldOf, WENT } from "../fields/field";
import { boxOf, type Pointed, pointedBy, samePointed } from "../pointed";

// Milliseconds until a hint shows; between neighbours it goes along at once.
const DELAY = 250;
const GAP = 8;

let count = 0;

export function mountTooltip(root: HTMLElement, signal: AbortSignal): void {
  count += 1;
  const id = `semiring-widgets-tip-${count}-${Math.floor(Math.random() * 1e9)}`;
  const name = h("strong");
  const why = h("span", { id });
  const tip = h("div", { class: "tip", role: "tooltip" }, name, why);
  tip.hidden = true;
  root.append(tip);
  let timer: ReturnType<typeof setTimeout> | undefined;
  let shown: Pointed | null = null;
  // What a moment is waited for.
  let next: Pointed | null = null;
  // The keyboard brings what it goes to into sight, and the tip stays with it.
  let focused = false;

  const describe = (pointed: Pointed | null, as: string) => {
    if (pointed === null || !("item" in pointed)) return;
    if (as === "") pointed.item.removeAttribute("aria-describedby");
    else pointed.item.setAttribute("aria-describedby", as);
  };
  const hide = () => {
    clearTimeout(timer);
    next = null;
    if (shown === null) return;
    describe(shown, "");
    shown = null;
    tip.hidden = true;
  };
  const show = (pointed: Pointed, [title, sentence]: [string, string]) => {
    clearTimeout(timer);
    describe(shown, "");
    shown = pointed;
    name.textContent = title;
    why.textContent = sentence;
    tip.hidden = false;
    if (sentence !== "") describe(pointed, id);
    place(root, tip, boxOf(pointed));
  };
  const about = (event: Event, delay: number) => {
    const pointed = pointedBy(event, "[data-tip], [data-item][aria-label], .rover");
    if (samePointed(pointed, shown) && !(event instanceof CustomEvent)) return;
    if (samePointed(pointed, next) && delay > 0) return;
    const words = pointed === null ? null : wordsOf(pointed);
    if (pointed === null || words === null) return hide();
    clearTimeout(timer);
    focused = event.type === "focusin" || event.type === WENT;
    next = pointed;
    if (delay === 0 || !tip.hidden) show(pointed, words);
    else timer = setTimeout(() => show(pointed, words), delay);
  };
  const options = { signal };
  let touched = false;
  // Where the keyboard scrolls, other things come under a pointer that rests; nobody points at them.
  let at = "";
  // On what is in sight, which scrolls away from under it.
  let pointer = { x: Number.NaN, y: Number.NaN };
  const rests = ({ screenX, screenY, clientX, clientY }: MouseEvent): boolean => {
    const before = at;
    at = `${screenX},${screenY}`;
    pointer = { x: clientX, y: clientY };
    return focused && shown !== null && at === before;
  };
  document.addEventListener("pointermove", rests, { signal, passive: true });
  root.addEventListener(
    "pointerover",
    (event) => {
      touched = event.pointerType === "touch";
      if (rests(event)) return;
      about(event, touched ? 0 : DELAY);
    },
    options,
  );
  root.addEventListener(
    "pointermove",
    (event) => {
      if (!rests(event) && fieldOf(event.target as Element) !== null) about(event, touched ? 0 : DELAY);
    },
    options,
  );
  root.addEventListener(WENT, (event) => about(event, 0), options);
  root.addEventListener("pointerleave", (event) => rests(event) || hide(), options);
  // A press of the mouse focuses too, and what it does must not be covered.
  root.addEventListener(
    "focusin",
    (event) => (event.target as Element).matches(":focus-visible") && about(event, 0),
    options,
  );
  root.addEventListener("focusout", hide, options);
  root.addEventListener("click", (event) => event.detail > 0 && !touched && hide(), options);
  const scrolled = ({ target }: Event) => {
    const about = shown ?? next;
    if (about === null || !(target as Element).contains("item" in about ? about.item : about.field.element))
      return;
    const box = boxOf(about);
    if (!focused && !isIn(box, pointer.x, pointer.y)) hide();
    else if (shown !== null) place(root, tip, box);
  };
  root.addEventListener("scroll", scrolled, { signal, capture: true });
  root.addEventListener("keydown", (event) => event.key === "Escape" && hide(), options);
  signal.addEventListener("abort", () => clearTimeout(timer));
}

/** A title and a sentence; a label is the title, since whoever hears the label needs it no second time. */
function wordsOf(pointed: Pointed): [string, string] | null {
  const element = "item" in pointed ? pointed.item : pointed.field.element;
  if ("item" in pointed && pointed.item.dataset.tip !== undefined) return ["", pointed.item.dataset.tip];
  const label =
    "item" in pointed ? element.getAttribute("aria-label") : pointed.field.face?.spoken(pointed.place).label;
  const explained = element.closest<HTMLElement>("[data-explained]")?.dataset.explained;
  return label ? [label, explained ?? ""] : null;
}

const isIn = ({ left, top, width, height }: Box, x: number, y: number): boolean =>
  x >= left && x < left + width && y >= top && y < top + height;

/** Above the element, or below where there is no room, and never outside of the widget. */
function place(root: HTMLElement, tip: HTMLElement, box: Box): void {
  const frame = root.getBoundingClientRect();
  const { offsetWidth: width, offsetHeight: height } = tip;
  const middle = box.left + box.width / 2 - frame.left;
  const left = Math.max(4, Math.min(frame.width - width - 4, middle - width / 2));
  const above = box.top - frame.top - height - GAP;
  const below = box.top + box.height - frame.top + GAP;
  const out = above < 0 || box.top - height - GAP < 0;
  tip.style.left = `${left}px`;
  tip.style.top = `${out ? below : above}px`;
}
