// @vitest-environment happy-dom
import { beforeEach, describe, expect, it, vi } from "vitest";
import { element, frame, mounted } from "./fake-model";

beforeEach(() => vi.useFakeTimers());

describe("the arrows", () => {
  const shown = () => {
    const { root } = mounted("answered");
    frame();
    const go = (selector: string, ...keys: string[]) => {
      element(root, selector)?.focus();
      for (const key of keys) {
        const event = new KeyboardEvent("keydown", { key, bubbles: true, cancelable: true });
        document.activeElement?.dispatchEvent(event);
      }
      const found = document.activeElement as HTMLElement;
      return found.getAttribute("aria-label") ?? found.textContent?.trim();
    };
    return go;
  };

  it("go along a sentence, a list and the points of a picture", () => {
    const go = shown();
    expect(go('.named[data-token="1"]', "ArrowRight")).toBe("Head 1·1");
    expect(go('[data-pane="scatter"] [data-layer="0"][data-head="0"]', "ArrowRight", "ArrowLeft")).toMatch(
      /^head 0·0: predicted/,
    );
    expect(go('[data-pane="scatter"] [data-layer="1"][data-head="1"]', "ArrowRight")).toMatch(/^head 1·1/);
  });

  it("reach the buttons beside an entry, and go on from them", () => {
    const go = shown();
    expect(go('[data-family="0"].entry', "ArrowRight")).toBe("▸ 2 variants");
    expect(go('[data-family="0"].entry', "ArrowRight", "ArrowRight")).toBe("Test it");
    go('[data-family="0"].entry', "ArrowRight", "ArrowDown");
    expect((document.activeElement as HTMLElement).dataset.family).toBe("1");
  });

  it("follow the picture of heads, with the MLP at the end of its layer", () => {
    const go = shown();
    expect(go('[data-pane="heads"] [data-layer="0"][data-head="1"]', "ArrowUp")).toMatch(/^head 1·1/);
    expect(go('[data-pane="heads"] [data-layer="0"][data-head="1"]', "ArrowRight")).toMatch(
      /^MLP of layer 0/,
    );
    expect(go('[data-pane="heads"] [data-layer="0"][data-branch="mlp"]', "ArrowUp")).toMatch(
      /^MLP of layer 1/,
    );
  });
});
