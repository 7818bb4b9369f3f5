// @vitest-environment happy-dom
import { beforeEach, describe, expect, it, vi } from "vitest";
import type { ComparisonHeader } from "./contract";
import { frame, mounted } from "./fake-model";

const rowNames = (root: Element) =>
  [...root.querySelectorAll(".methods tbody th")].map((cell) => cell.textContent?.trim());
const over = (element: Element | null) =>
  element?.dispatchEvent(new MouseEvent("pointerover", { bubbles: true }));

describe("the comparison", () => {
  beforeEach(() => vi.useFakeTimers());

  it("has tested effects first, and explains them", () => {
    const { root } = mounted("comparison");
    expect(rowNames(root)).toEqual(["tested effect", "Saliency", "DeepLift (failed)", "best path"]);
    expect(root.querySelector(".methods tbody tr")?.getAttribute("data-tested")).toBe("");
    expect(root.querySelector('[data-pane="comparison"]')?.textContent).toContain(
      "[MASK] in the place of every token",
    );
    expect(root.querySelectorAll(".methods tbody tr:first-child .unknown")).toHaveLength(0);
  });

  it("sorts by the heading that is clicked, and says how", () => {
    const { root } = mounted("comparison");
    const button = root.querySelector<HTMLButtonElement>('[data-sort="sufficiency"]');
    const heading = button?.closest("th");
    expect(heading?.getAttribute("aria-sort")).toBe("none");
    button?.click();
    expect(heading?.getAttribute("aria-sort")).toBe("ascending");
    expect(rowNames(root)).toEqual(["tested effect", "Saliency", "best path", "DeepLift (failed)"]);
    button?.click();
    expect(heading?.getAttribute("aria-sort")).toBe("descending");
    expect(rowNames(root)).toEqual(["tested effect", "best path", "Saliency", "DeepLift (failed)"]);
    button?.click();
    expect(rowNames(root)).toEqual(["tested effect", "Saliency", "DeepLift (failed)", "best path"]);
    expect(button?.isConnected).toBe(true);
  });

  it("keeps the order when a summary arrives", () => {
    const { root, model } = mounted("comparison");
    root.querySelector<HTMLButtonElement>('[data-sort="sufficiency"]')?.click();
    const old = model.values.summary as ComparisonHeader;
    const methods = old.methods.map((one) => ({ ...one, sufficiency: one.name === "path max" ? 0 : 1 }));
    model.values.summary = { ...old, revision: old.revision + 1, methods };
    model.emit("change:revision");
    frame();
    expect(rowNames(root)).toEqual(["tested effect", "best path", "Saliency", "DeepLift (failed)"]);
  });

  it("lights up row and curves of the method that is pointed at or has the focus, and tells the numbers", () => {
    const { root } = mounted("comparison");
    const lit = () =>
      [...root.querySelectorAll<HTMLElement>(".lit")].map((one) => `${one.localName} ${one.dataset.method}`);
    const cells = [...root.querySelectorAll<HTMLElement>('.methods [data-item][data-token="1"]')];
    over(cells[1] ?? null);
    expect(lit()).toEqual(["tr 0", "g 0", "g 0"]);
    expect(cells[1]?.getAttribute("aria-label")).toMatch(/^Saliency, keys: −?\d/);
    cells[3]?.focus();
    expect(lit()).toEqual(["tr 2", "g 2", "g 2"]);
    cells[3]?.blur();
    over(root.querySelector('[data-sort="infidelity"]'));
    expect(lit()).toEqual([]);
    expect(root.querySelector<HTMLElement>('[data-sort="infidelity"]')?.dataset.tip).toContain(
      "Less is better.",
    );
    over(root.querySelector(".curves [data-method='2'] .reach"));
    expect(lit()).toEqual(["tr 2", "g 2", "g 2"]);
    expect(root.querySelector<HTMLElement>(".curves [data-method='2']")?.dataset.tip).toMatch(/^best path: /);
    root
      .querySelector('[data-pane="comparison"]')
      ?.dispatchEvent(new MouseEvent("pointerleave", { bubbles: false }));
    expect(lit()).toEqual([]);
  });

  it("draws no curve of a method that failed, and marks the best", () => {
    const { root } = mounted("comparison");
    expect(root.querySelectorAll(".curves figure")).toHaveLength(2);
    expect(root.querySelectorAll('.curves [data-method="1"]')).toHaveLength(0);
    const best = [...root.querySelectorAll(".methods .best")].map((cell) => cell.getAttribute("data-tip"));
    expect(best).toContain("Saliency, comprehensiveness: 1.5, the best of these");
  });

  it("shows a comparison without yardsticks as it was", () => {
    const { root, model } = mounted("comparison");
    const old = model.values.summary as ComparisonHeader;
    const none = { effect_correlation: null, comprehensiveness: null, sufficiency: null, infidelity: null };
    model.values.summary = {
      ...old,
      revision: old.revision + 1,
      methods: old.methods.map((one) => ({ ...one, ...none })),
      columns: old.columns.filter(({ name }) =>
        ["scores", "rank_correlation", "top_k_overlap"].includes(name),
      ),
      reference: null,
    };
    model.emit("change:revision");
    frame();
    expect(rowNames(root)).toEqual(["Saliency", "DeepLift (failed)", "best path"]);
    expect([...root.querySelectorAll("[data-sort]")].map((one) => one.getAttribute("data-sort"))).toEqual([
      "seconds",
    ]);
    expect(root.querySelector(".curves")).toBeNull();
  });
});
