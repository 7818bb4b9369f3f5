/**
 * What is under the pointer or has the focus, in a sentence: for mouse, keyboard and touch alike.
 *
 * `data-tip` says it; of an item its label says it, and the `data-explained` of its pane what the number means.
 */

import { h } from "../dom";

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
  let shown: Element | null = null;

  const hide = () => {
    clearTimeout(timer);
    if (shown === null) return;
    shown.removeAttribute("aria-describedby");
    shown = null;
    tip.hidden = true;
  };
  const show = (element: Element, [title, sentence]: [string, string]) => {
    clearTimeout(timer);
    shown?.removeAttribute("aria-describedby");
    shown = element;
    name.textContent = title;
    why.textContent = sentence;
    tip.hidden = false;
    if (sentence !== "") element.setAttribute("aria-describedby", id);
    place(root, tip, element);
  };
  const about = (event: Event, delay: number) => {
    const element = (event.target as Element).closest?.("[data-tip], [data-item][aria-label]") ?? null;
    const words = element === null ? null : wordsOf(element);
    if (element === null || words === null) return hide();
    if (element === shown) return;
    clearTimeout(timer);
    if (delay === 0 || !tip.hidden) show(element, words);
    else timer = setTimeout(() => show(element, words), delay);
  };
  const options = { signal };
  let touched = false;
  root.addEventListener(
    "pointerover",
    (event) => {
      touched = event.pointerType === "touch";
      about(event, touched ? 0 : DELAY);
    },
    options,
  );
  root.addEventListener("pointerleave", hide, options);
  // A press of the mouse focuses too, and what it does must not be covered.
  root.addEventListener(
    "focusin",
    (event) => (event.target as Element).matches(":focus-visible") && about(event, 0),
    options,
  );
  root.addEventListener("focusout", hide, options);
  root.addEventListener("click", (event) => event.detail > 0 && !touched && hide(), options);
  root.addEventListener("scroll", hide, { signal, capture: true });
  root.addEventListener("keydown", (event) => event.key === "Escape" && hide(), options);
  signal.addEventListener("abort", () => clearTimeout(timer));
}

/** A title and a sentence; a label is the title, since whoever hears the label needs it no second time. */
function wordsOf(element: Element): [string, string] | null {
  const { tip } = (element as HTMLElement).dataset;
  if (tip !== undefined) return ["", tip];
  const label = element.getAttribute("aria-label") ?? "";
  const explained = element.closest<HTMLElement>("[data-explained]")?.dataset.explained;
  return label === "" ? null : [label, explained ?? ""];
}

/** Above the element, or below where there is no room, and never outside of the widget. */
function place(root: HTMLElement, tip: HTMLElement, element: Element): void {
  const [frame, box] = [root.getBoundingClientRect(), element.getBoundingClientRect()];
  const { offsetWidth: width, offsetHeight: height } = tip;
  const middle = box.left + box.width / 2 - frame.left;
  const left = Math.max(4, Math.min(frame.width - width - 4, middle - width / 2));
  const above = box.top - frame.top - height - GAP;
  const below = box.bottom - frame.top + GAP;
  const out = above < 0 || box.top - height - GAP < 0;
  tip.style.left = `${left}px`;
  tip.style.top = `${out ? below : above}px`;
}
