/** What tests mount the app on: a model like that of the kernel, which shows the messages of the fixtures. */
import { readFileSync } from "node:fs";
import { expect, vi } from "vitest";
import { mountApp } from "./app";
import { fromBase64 } from "./columns";
import { withEffects, withoutEffects } from "./fake-answer";
import { fieldOf } from "./fields/field";
import { partOf, same, type Target } from "./selection";

const path = `${process.cwd()}/../tests/fixtures/messages.json`;
export const fixtures = JSON.parse(readFileSync(path, "utf-8")) as Record<
  string,
  { header: unknown; buffer: string }
>;

fixtures.answered = withEffects(fixtures.explanation);
fixtures.untested = withoutEffects(fixtures.explanation);

type Callback = (...args: unknown[]) => void;

export class FakeModel {
  sent: Record<string, unknown>[] = [];
  values: Record<string, unknown>;
  private readonly callbacks = new Map<string, Set<Callback>>();

  constructor(name: string) {
    const { header, buffer } = fixtures[name] ?? { header: null, buffer: "" };
    this.values = { summary: structuredClone(header), summary_buffer: fromBase64(buffer), theme: "light" };
  }
  get = (name: string) => this.values[name];
  set = (name: string, value: unknown) => {
    this.values[name] = value;
  };
  save_changes = () => {};
  on = (name: string, callback: Callback) => {
    const known = this.callbacks.get(name) ?? new Set();
    this.callbacks.set(name, known.add(callback));
  };
  off = (name: string, callback: Callback) => {
    this.callbacks.get(name)?.delete(callback);
  };
  send = (content: unknown) => {
    this.sent.push(content as Record<string, unknown>);
  };
  emit(name: string, ...args: unknown[]) {
    for (const callback of this.callbacks.get(name) ?? []) callback(...args);
  }
  listeners() {
    return [...this.callbacks.values()].reduce((sum, known) => sum + known.size, 0);
  }
}

export function mounted(name: string) {
  const model = new FakeModel(name);
  const el = document.createElement("div");
  document.body.replaceChildren(el);
  const stop = new AbortController();
  const root = mountApp(model as never, el, stop.signal);
  return { model, el, root, stop };
}

/** Let the next frame draw what has changed. */
export const frame = () => vi.advanceTimersByTime(20);

/** The focus on a part in a picture that has no element for it; gives the one that stands for it there. */
export function placed(root: Element, pane: string, target: Target): HTMLElement {
  const field = fieldOf(root.querySelector(`[data-pane="${pane}"] .field`)) ?? expect.fail(`no ${pane}`);
  const wanted = partOf(target);
  for (let place = 0; place < 10_000; place++) {
    if (field.face?.has(place) !== true) continue;
    const found = field.face.spoken(place).target;
    if (found === null || !same([partOf(found)], [wanted])) continue;
    field.go(place);
    return field.element.querySelector<HTMLElement>(".rover") ?? expect.fail("no focus");
  }
  return expect.fail(`not in ${pane}: ${JSON.stringify(target)}`);
}

const PICTURES = /^\[data-pane="(flow|heads|scatter)"\] (.*)$/;

/** An element, or of a picture the one that stands for a part: `[data-pane="flow"] [data-layer="1"][data-token="2"]`. */
export function element(root: Element, selector: string): HTMLElement | null {
  const [, pane, facets] = PICTURES.exec(selector) ?? [];
  if (pane === undefined || facets === undefined) return root.querySelector<HTMLElement>(selector);
  const target = [...facets.matchAll(/\[data-(\w+)="(\w+)"\]/g)].map(([, name, value]) => [
    name,
    name === "branch" ? value : Number(value),
  ]);
  return placed(root, pane, Object.fromEntries(target));
}

export const click = (root: Element, selector: string) =>
  element(root, selector)?.dispatchEvent(new MouseEvent("click", { bubbles: true }));

/** Open the numbers of all paths. */
export function unfold(root: Element): void {
  const details = root.querySelector<HTMLDetailsElement>("details.numbers") ?? expect.fail("no numbers");
  details.open = true;
  details.dispatchEvent(new Event("toggle"));
  frame();
}

/** Take a choice of the switch. */
export function choose(root: Element, name: string): void {
  const choice = root.querySelector<HTMLInputElement>(`[data-measure][value="${name}"]`);
  if (choice !== null) choice.checked = true;
  choice?.dispatchEvent(new Event("change", { bubbles: true }));
  frame();
}
