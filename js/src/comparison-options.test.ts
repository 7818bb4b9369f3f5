// @vitest-environment happy-dom
import { beforeEach, describe, expect, it, vi } from "vitest";
import { mountApp } from "./app";
import { differenceOf, orderOf, peakOfRow } from "./comparison-options";
import type { ComparisonHeader } from "./contract";
import { click, FakeModel, frame, mounted } from "./fake-model";

describe("how methods are shown", () => {
  it("orders words by a row, what is not known last", () => {
    expect(orderOf(null, 3)).toEqual([0, 1, 2]);
    expect(orderOf([0.1, -2, Number.NaN, 3], 4)).toEqual([3, 0, 1, 2]);
  });

  it("subtracts relative scores, unless there is one scale", () => {
    expect(peakOfRow([1, -4, Number.NaN])).toBe(4);
    expect(differenceOf([1, -4], [0.5, 0.25], "row")).toEqual([0.25 - 1, -1 - 0.5]);
    expect(differenceOf([1, -4], [0.5, 0.25], "all")).toEqual([0.5, -4.25]);
    expect(differenceOf([0, 0], [1, 2], "row")).toEqual([-0.5, -1]);
  });
});

describe("the table of methods", () => {
  beforeEach(() => vi.useFakeTimers());

  const pick = (root: Element, option: string, value: string) => {
    const select = root.querySelector<HTMLSelectElement>(`select[data-option="${option}"]`);
    if (select !== null) select.value = value;
    select?.dispatchEvent(new Event("change", { bubbles: true }));
  };
  const row = (root: Element, method: number) =>
    [...root.querySelectorAll<HTMLElement>(`tr[data-method="${method}"] [data-item]`)].map((cell) =>
      Number(/: (.*)$/.exec(cell.getAttribute("aria-label") ?? "")?.[1]?.replace("−", "-")),
    );

  it("sorts words by a method, and goes back to the text", () => {
    const { root } = mounted("comparison");
    const names = () => [...root.querySelectorAll(".methods th.name")].map((one) => one.textContent);
    const text = names();
    pick(root, "words", "0");
    const values = row(root, 0);
    expect(values).toEqual([...values].sort((one, other) => other - one));
    expect(names()).not.toEqual(text);
    pick(root, "words", "");
    expect(names()).toEqual(text);
  });

  it("writes values on demand, and the difference of two methods", () => {
    const { root } = mounted("comparison");
    expect(root.querySelectorAll(".methods .valued")).toHaveLength(0);
    root.querySelector<HTMLInputElement>('input[data-option="values"]')?.click();
    expect(root.querySelectorAll(".methods .valued").length).toBeGreaterThan(20);
    expect(root.querySelector("tr[data-difference]")).toBeNull();
    pick(root, "minuend", "2");
    pick(root, "subtrahend", "0");
    const difference = root.querySelector("tr[data-difference]");
    expect(difference?.querySelector("th")?.textContent).toContain("path max − Saliency");
    expect(difference?.textContent).toContain("of the relative scores");
    root.querySelector<HTMLInputElement>('input[data-option="scale"]')?.click();
    const [cell] = difference?.querySelectorAll("[data-item]") ?? [];
    const told = Number(/: (.*)$/.exec(cell?.getAttribute("aria-label") ?? "")?.[1]?.replace("−", "-"));
    expect(told).toBeCloseTo((row(root, 2)[0] ?? 0) - (row(root, 0)[0] ?? 0), 2);
    expect(root.querySelector(".scale")?.textContent).toContain("of all rows, whatever their units");
  });

  it("is linked with an explanation of the same text on the page", () => {
    const { root, el } = mounted("comparison");
    const model = new FakeModel("explanation");
    const summary = model.values.summary as ComparisonHeader;
    const other = document.createElement("div");
    el.append(other);
    const explained = mountApp(model as never, other, new AbortController().signal);
    const selected = (one: HTMLElement) => JSON.parse(one.dataset.selection ?? "[]");
    expect(summary.text).toBe("The keys to the cabinet [MASK] on the table");
    click(root, '.methods [data-item][data-token="1"]');
    frame();
    expect(selected(explained)).toMatchObject([{ token: 1, layer: null }]);
    expect(model.sent.some(({ type }) => type === "condition")).toBe(true);
    click(explained, '[data-pane="tokens"] [data-token="4"]');
    expect(selected(root)).toMatchObject([{ token: 4, layer: null }]);
    // What is no word concerns the explanation alone.
    click(explained, '[data-pane="heads"] [data-layer="1"][data-head="0"]');
    expect(selected(root)).toEqual([]);
    expect(selected(explained)).toMatchObject([{ layer: 1, head: 0 }]);
  });
});
