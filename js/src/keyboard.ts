/**
 * The keyboard: one Tab stop for each pane, arrows within it, Enter or Space to choose, Escape to clear.
 *
 * Arrows follow the picture: up is the next layer, wherever the document has it.
 */

interface Keys {
  choose(item: HTMLElement, adding: boolean): void;
  clear(): void;
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

function pressed(event: KeyboardEvent, keys: Keys): void {
  if (event.key === "Escape") {
    keys.clear();
    return;
  }
  const item = itemOf(event);
  // Beside an entry of a list are its buttons, which the arrows reach.
  const line = (event.target as Element).closest(".listed");
  const entry = item ?? line?.querySelector<HTMLElement>("[data-item]");
  if (!entry) return;
  if (event.key === "Enter" || event.key === " ") {
    if (item === null) return;
    event.preventDefault();
    keys.choose(item, event.shiftKey || event.ctrlKey || event.metaKey);
    return;
  }
  const turn = { ArrowRight: [1, 0], ArrowLeft: [-1, 0], ArrowUp: [0, 1], ArrowDown: [0, -1] }[event.key];
  if (turn === undefined) return;
  event.preventDefault();
  const [right = 0, up = 0] = turn;
  if (line !== null && right !== 0) along(line, event.target as HTMLElement, right)?.focus();
  else neighbour(entry, right, up)?.focus();
}

function along(line: Element, from: HTMLElement, right: number): HTMLElement | undefined {
  const stops = [...line.querySelectorAll<HTMLElement>("[data-item], button")];
  return stops[stops.indexOf(from) + right];
}

function neighbour(item: HTMLElement, right: number, up: number): HTMLElement | undefined {
  const { layer, branch, head, token } = item.dataset;
  const pane = item.closest<HTMLElement>("[data-pane]");
  const items = [...(pane?.querySelectorAll<HTMLElement>("[data-item]") ?? [])];
  // Lists, sentences and points have one order, whatever they stand for.
  if (pane?.dataset.order === "line") return items[items.indexOf(item) + right - up];
  if (layer === undefined) {
    // Rows of tokens lie below each other in the order of the document.
    const row = up === 0 ? items : items.filter((i) => i.dataset.token === token);
    return row[row.indexOf(item) + right - up];
  }
  if (up !== 0) {
    const wanted = { layer: String(Number(layer) + up), branch, head, token };
    const facets = Object.entries(wanted);
    return items.find((i) => facets.every(([name, value]) => i.dataset[name] === value));
  }
  const row = items.filter((i) => i.dataset.layer === layer);
  return row[row.indexOf(item) + right];
}
