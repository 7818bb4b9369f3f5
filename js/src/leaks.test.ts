// @vitest-environment happy-dom
/** What widgets that came and went leave behind in the page: nothing. */
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { click, FakeModel, frame } from "./fake-model";
import index from "./index";

/** Listeners that a target has now, followed through its two methods and the signals given to the first. */
function followed(target: EventTarget): () => number {
  const open = new Map<unknown, Set<string>>();
  const add = target.addEventListener.bind(target);
  const remove = target.removeEventListener.bind(target);
  const forget = (name: string, act: unknown) => open.get(act)?.delete(name);
  target.addEventListener = (name: string, act: never, options?: AddEventListenerOptions | boolean) => {
    open.set(act, (open.get(act) ?? new Set()).add(name));
    if (typeof options === "object") options.signal?.addEventListener("abort", () => forget(name, act));
    add(name, act, options);
  };
  target.removeEventListener = (name: string, act: never, options?: EventListenerOptions | boolean) => {
    forget(name, act);
    remove(name, act, options);
  };
  return () => [...open.values()].reduce((sum, names) => sum + names.size, 0);
}

/** Observers of a kind that still watch something. */
function watching(name: "ResizeObserver" | "MutationObserver"): () => number {
  const active = new Set<object>();
  vi.stubGlobal(
    name,
    class {
      observe() {
        active.add(this);
      }
      disconnect() {
        active.delete(this);
      }
      takeRecords() {
        return [];
      }
    },
  );
  return () => active.size;
}

const queries = new Map<string, EventTarget>();
let open: (() => number)[];

beforeEach(() => {
  vi.useFakeTimers();
  queries.clear();
  const counted: (() => number)[] = [];
  vi.stubGlobal("matchMedia", (query: string) => {
    const known = queries.get(query);
    if (known !== undefined) return known;
    const made = Object.assign(new EventTarget(), { matches: false });
    counted.push(followed(made));
    queries.set(query, made);
    return made;
  });
  open = [
    ...[window, document, document.head, document.body].map((target) => followed(target)),
    watching("ResizeObserver"),
    watching("MutationObserver"),
    () => counted.reduce((sum, count) => sum + count(), 0),
    () => vi.getTimerCount(),
    () => document.querySelectorAll("*").length,
  ];
});

afterEach(() => {
  vi.useRealTimers();
  vi.unstubAllGlobals();
});

const counts = () => open.map((count) => count());

describe("widgets that came and went", () => {
  it.each([
    ["explanation", 50],
    ["starting", 10],
    ["comparison", 10],
    ["beside", 10],
  ])(
    "leave no listener, observer, timer or element behind: %s, %i times",
    { timeout: 60_000 },
    (name, runs) => {
      const model = new FakeModel(name);
      const el = document.createElement("div");
      document.body.replaceChildren(el);
      const before = counts();
      for (let run = 0; run < runs; run++) {
        const stop = new AbortController();
        index.render({ model: model as never, el, signal: stop.signal });
        frame();
        click(el, "[data-token]");
        frame();
        const open = counts();
        expect(open.slice(0, -1).reduce((sum, count) => sum + count)).toBeGreaterThan(5);
        stop.abort();
        // What was to be drawn in the next frame is.
        vi.runAllTimers();
      }
      expect(counts()).toEqual(before);
      expect(model.listeners()).toBe(0);
    },
  );
});
