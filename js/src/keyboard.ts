/**
 * The keyboard: one Tab stop for each pane, arrows within it, Enter or Space to choose, Escape to clear.
 *
 * Arrows follow the picture: up is the next layer, wherever the document has it.
 */

import { type CommandName, commandOf, modeOf } from "./commands";
import { fieldOf } from "./fields/field";
import type { Mode } from "./selection";

interface Keys {
  choose(item: HTMLElement, mode: Mode): void;
  /** What a command does wherever the focus is. */
  act(name: CommandName): (() => void) | undefined;
}

export function listenToKeys(root: HTMLElement, keys: Keys, signal: AbortSignal): void {
  root.addEventListener("keydown", (event) => pressed(event, keys), { signal });
  root.addEventListener("focusin", (event) => enter(itemOf(event)), { signal });
}

/** Keep one item of a pane in the order of the Tab key: the first, until another has had the focus. */
export function keepEntry(within: Element): void {
  const pane = within.closest("[data-pane]");
  if (pane === null || pane.querySelector('[data-item][tabindex="0"]') !== null) return;
  pane.querySelector("[data-item]")?.setAttribute("tabindex", "0");
}

/** Go to where the Tab key would go next from an element, among the items of its widget. */
export function focusEntry(from: Element): void {
  const entries = from
    .closest(".semiring-widgets")
    ?.querySelectorAll<HTMLElement>('[data-item][tabindex="0"]');
  const next = [...(entries ?? [])].find(
    (entry) => from.compareDocumentPosition(entry) & Node.DOCUMENT_POSITION_FOLLOWING,
  );
  next?.focus({ preventScroll: true });
}

function enter(item: HTMLElement | null): void {
  if (item === null || item.tabIndex === 0) return;
  for (const other of item.closest("[data-pane]")?.querySelectorAll('[data-item][tabindex="0"]') ?? [])
    other.setAttribute("tabindex", "-1");
  item.setAttribute("tabindex", "0");
}

function itemOf(event: Event): HTMLElement | null {
  return (event.target as Element).closest<HTMLElement>("[data-item]");
}

const TURNS: Record<string, readonly [number, number]> = {
  ArrowRight: [1, 0],
  ArrowLeft: [-1, 0],
  ArrowUp: [0, 1],
  ArrowDown: [0, -1],
};

function pressed(event: KeyboardEvent, keys: Keys): void {
  const command = commandOf(event);
  if (command === null) return;
  const target = event.target as Element;
  const act = keys.act(command);
  if (act !== undefined) {
    if (command !== "clear") event.preventDefault();
    act();
    return;
  }
  const item = itemOf(event);
  if (command === "choose" || command === "add" || command === "exclude") {
    if (item === null) return;
    event.preventDefault();
    keys.choose(item, modeOf(event));
    return;
  }
  // Beside an entry of a list are its buttons, which the arrows reach.
  const line = target.closest(".listed");
  const [right, up] = TURNS[event.key] ?? [0, 0];
  const field = fieldOf(target);
  const entry = item ?? line?.querySelector<HTMLElement>("[data-item]");
  if (field === null && !entry) return;
  event.preventDefault();
  if (field !== null && command === "ends") field.end(event.key === "End");
  else if (field !== null) field.step(right, up);
  else if (line !== null && right !== 0) along(line, target as HTMLElement, right)?.focus();
  else if (entry) neighbour(entry, right, up, event.key)?.focus();
}

function along(line: Element, from: HTMLElement, right: number): HTMLElement | undefined {
  const stops = [...line.querySelectorAll<HTMLElement>("[data-item], button")];
  return stops[stops.indexOf(from) + right];
}

/** The item beside another, or the first or the last of its pane. */
function neighbour(item: HTMLElement, right: number, up: number, end: string): HTMLElement | undefined {
  const pane = item.closest<HTMLElement>("[data-pane]");
  const items = [...(pane?.querySelectorAll<HTMLElement>("[data-item]") ?? [])];
  if (end === "Home") return items[0];
  if (end === "End") return items.at(-1);
  // Rows of tokens lie below each other in the order of the document; all else has one order.
  const below = up !== 0 && pane?.dataset.order !== "line";
  const row = below ? items.filter(({ dataset }) => dataset.token === item.dataset.token) : items;
  return row[row.indexOf(item) + right - up];
}
