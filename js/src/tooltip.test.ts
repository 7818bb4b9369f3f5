// @vitest-environment happy-dom
import { beforeEach, describe, expect, it, vi } from "vitest";
import { element, frame, mounted } from "./fake-model";

beforeEach(() => vi.useFakeTimers());

describe("the tooltip", () => {
  let moved = 0;
  const over = (element: Element | null, pointerType = "mouse") => {
    moved += 1;
    const about = { pointerType, screenX: moved, screenY: 0 };
    element?.dispatchEvent(Object.assign(new Event("pointerover", { bubbles: true }), about));
  };
  const shown = () => {
    const { root } = mounted("answered");
    frame();
    const tip = root.querySelector<HTMLElement>('[role="tooltip"]') ?? expect.fail("no tooltip");
    const token = root.querySelector('[data-pane="tokens"] [data-token="1"]');
    return { root, tip, token };
  };

  it("says a number and what it means after a moment, and goes with the pointer", () => {
    const { root, tip, token } = shown();
    expect(tip.hidden).toBe(true);
    over(token);
    expect(tip.hidden).toBe(true);
    vi.advanceTimersByTime(300);
    expect(tip.hidden).toBe(false);
    expect(tip.textContent).toContain("keys: effect +4");
    expect(tip.textContent).toContain("measured in a run of the model.");
    expect(token?.getAttribute("aria-describedby")).toBe(tip.querySelector("span")?.id);
    // Along the neighbours without a moment.
    over(element(root, '[data-pane="heads"] [data-layer="2"][data-head="1"]'));
    expect(tip.textContent).toContain("head 2·1");
    expect(token?.hasAttribute("aria-describedby")).toBe(false);
    over(root);
    expect(tip.hidden).toBe(true);
  });

  it("is there at once for a finger and for the keyboard, until Escape", () => {
    const { root, tip, token } = shown();
    over(token, "touch");
    expect(tip.hidden).toBe(false);
    root.dispatchEvent(new KeyboardEvent("keydown", { key: "Escape" }));
    expect(tip.hidden).toBe(true);
    vi.spyOn(Element.prototype, "matches").mockReturnValue(true);
    root.querySelector("[data-measure]")?.dispatchEvent(new FocusEvent("focusin", { bubbles: true }));
    vi.restoreAllMocks();
    expect(tip.textContent).toContain("How much the score falls");
  });

  it("stays with the focus where the keyboard scrolls, and goes from under the pointer", () => {
    const { tip, token } = shown();
    const scroll = () => token?.parentElement?.dispatchEvent(new Event("scroll"));
    vi.spyOn(Element.prototype, "matches").mockReturnValue(true);
    token?.dispatchEvent(new FocusEvent("focusin", { bubbles: true }));
    vi.restoreAllMocks();
    scroll();
    expect(tip.hidden).toBe(false);
    token?.dispatchEvent(new FocusEvent("focusout", { bubbles: true }));
    over(token, "touch");
    expect(tip.hidden).toBe(false);
    scroll();
    expect(tip.hidden).toBe(true);
  });

  it("stays while something else scrolls, and on what is still under the pointer", () => {
    const { root, tip, token } = shown();
    const box = { left: -1, top: -1, width: 9, height: 9 } as DOMRect;
    if (token === null) throw new Error("no token");
    over(token, "touch");
    root.querySelector('[data-pane="flow"] .field')?.dispatchEvent(new Event("scroll"));
    expect(tip.hidden).toBe(false);
    vi.spyOn(token, "getBoundingClientRect").mockReturnValue(box);
    const at = { screenX: -9, screenY: 0, clientX: 3, clientY: 3 };
    token.dispatchEvent(Object.assign(new Event("pointermove", { bubbles: true }), at));
    token.parentElement?.dispatchEvent(new Event("scroll"));
    expect(tip.hidden).toBe(false);
    vi.spyOn(token, "getBoundingClientRect").mockReturnValue({ ...box, top: -99 });
    token.parentElement?.dispatchEvent(new Event("scroll"));
    expect(tip.hidden).toBe(true);
  });

  it("explains every choice of the switch, and needs no native hints", () => {
    const { root } = shown();
    const choices = [...root.querySelectorAll<HTMLElement>(".choice")];
    expect(choices.every(({ dataset }) => (dataset.tip ?? "").endsWith("."))).toBe(true);
    expect(root.querySelectorAll(":not(style)[title], title")).toHaveLength(0);
  });

  it("leaves nothing behind", () => {
    const { root, stop } = mounted("answered");
    over(root.querySelector('[data-pane="tokens"] [data-token="1"]'));
    stop.abort();
    vi.advanceTimersByTime(300);
    expect(document.querySelectorAll('[role="tooltip"]:not([hidden])')).toHaveLength(0);
  });
});
