/** What tests mount the app on: a model like that of the kernel, which shows the messages of the fixtures. */
import { readFileSync } from "node:fs";
import { vi } from "vitest";
import { mountApp } from "./app";
import { fromBase64 } from "./columns";
import { withEffects, withoutEffects } from "./fake-answer";

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

export const click = (root: Element, selector: string) =>
  root.querySelector(selector)?.dispatchEvent(new MouseEvent("click", { bubbles: true }));

/** Take a choice of the switch. */
export function choose(root: Element, name: string): void {
  const choice = root.querySelector<HTMLInputElement>(`[data-measure][value="${name}"]`);
  if (choice !== null) choice.checked = true;
  choice?.dispatchEvent(new Event("change", { bubbles: true }));
  frame();
}
