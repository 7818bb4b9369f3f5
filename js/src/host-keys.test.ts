// @vitest-environment happy-dom
import { describe, expect, it } from "vitest";
import { isHosts, keepKeys } from "./host-keys";

const press = (key: string, held: KeyboardEventInit = {}) => new KeyboardEvent("keydown", { key, ...held });
const CONTROL = { ctrlKey: true };

describe("a key in the widget", () => {
  it.each([
    ["Ctrl+S", press("s", CONTROL)],
    ["Cmd+S", press("s", { metaKey: true })],
    ["Ctrl+Shift+C", press("C", { ctrlKey: true, shiftKey: true })],
    ["Ctrl+B", press("b", CONTROL)],
    ["Alt+F", press("f", { altKey: true })],
    ["F11", press("F11")],
  ])("is the notebook's: %s", (_, event) => expect(isHosts(event)).toBe(true));

  it.each([
    ["a letter without a use", press("d")],
    ["a letter with one", press("t")],
    ["?", press("?", { shiftKey: true })],
    ["an arrow", press("ArrowDown")],
    ["Escape", press("Escape")],
    ["Ctrl+Enter, which adds", press("Enter", CONTROL)],
    ["Alt+Enter, which leaves out", press("Enter", { altKey: true })],
    ["Ctrl+C, which copies text", press("c", CONTROL)],
    ["Ctrl+V, which would paste a cell", press("v", CONTROL)],
    ["Backspace", press("Backspace")],
  ])("stays: %s", (_, event) => expect(isHosts(event)).toBe(false));

  it("is told to notebooks at the element that has the focus, and nowhere else", () => {
    const stop = new AbortController();
    document.body.innerHTML = "<div><button></button></div><p></p>";
    const [el, button, outside] = ["div", "button", "p"].map((name) =>
      document.querySelector<HTMLElement>(name),
    );
    if (!el || !button || !outside) throw new Error("no elements");
    keepKeys(el, stop.signal);
    const kept: boolean[] = [];
    document.addEventListener("keydown", ({ target }) =>
      kept.push((target as Element).hasAttribute("data-lm-suppress-shortcuts")),
    );
    for (const [target, key, held] of [
      [button, "d", {}],
      [button, "s", CONTROL],
      [button, "Escape", {}],
      [outside, "d", {}],
    ] as const)
      target.dispatchEvent(new KeyboardEvent("keydown", { key, ...held, bubbles: true, composed: true }));
    expect(kept).toEqual([true, false, true, false]);
    stop.abort();
    button.dispatchEvent(new KeyboardEvent("keydown", { key: "s", ...CONTROL, bubbles: true }));
    expect(kept.at(-1)).toBe(true);
  });
});
