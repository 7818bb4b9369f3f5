// @vitest-environment happy-dom
import { beforeEach, describe, expect, it, vi } from "vitest";
import type { ExplanationHeader } from "../contract";
import { FakeModel, fixtures, frame, mounted, placed } from "../fake-model";
import { fieldOf } from "../fields/field";

beforeEach(() => vi.useFakeTimers());

const pane = (root: Element) =>
  root.querySelector<HTMLElement>('[data-pane="pieces"]') ?? expect.fail("no pane");
const press = (element: Element, key: string) =>
  element.dispatchEvent(new KeyboardEvent("keydown", { key, bubbles: true }));

/** The fixture of a continuation, in a widget that can ask again. */
function asking() {
  const { header, buffer } = fixtures.continued ?? expect.fail("no fixture");
  const known = header as ExplanationHeader;
  const asked = { name: "target", code: '"are on"', words: ["are on"], parts: [], own: false };
  const inquiry = { number: 1, attempts: 1, arguments: [asked], status: null, wrong: "", past: [] };
  fixtures.asking = { header: { ...known, arguments: [asked], inquiry }, buffer };
  return mounted("asking");
}

/** The focus on the name of the first row. */
function firstRow(root: Element): HTMLElement {
  const field = fieldOf(pane(root).querySelector(".field")) ?? expect.fail("no field");
  field.go(0);
  return field.element.querySelector<HTMLElement>(".rover") ?? expect.fail("no focus");
}

describe("words by pieces", () => {
  it("are shown of a continuation, and of nothing else", () => {
    expect(pane(mounted("explanation").root).hidden).toBe(true);
    expect(pane(mounted("continued").root).hidden).toBe(false);
  });

  it("select a word in all pictures, and light up with it", () => {
    const { root, model } = mounted("continued");
    press(placed(root, "pieces", { token: 1 }), "Enter");
    expect(model.get("selection")).toMatchObject([{ token: 1, layer: null }]);
    frame();
    expect(pane(root).querySelectorAll(".mark.linked")).toHaveLength(1);
    expect(root.querySelector('[data-pane="tokens"] [data-token="1"]')?.getAttribute("aria-pressed")).toBe(
      "true",
    );
  });

  it("ask for the piece of a row by keyboard and pointer", () => {
    const { root, model } = asking();
    const row = firstRow(root);
    expect(row.getAttribute("role")).toBe("button");
    expect(row.getAttribute("aria-label")).toMatch(
      /^are, piece 1 of 4: log-probability .*Asks for this piece/,
    );
    press(row, "Enter");
    row.dispatchEvent(new MouseEvent("click", { bubbles: true }));
    const asked = model.sent.filter(({ type }) => type === "ask");
    expect(asked).toHaveLength(2);
    for (const one of asked) expect(one).toMatchObject({ changes: [{ name: "piece", words: ["0"] }] });
    expect(model.get("selection")).toBeUndefined();
  });

  it("do not ask where nobody is there", () => {
    const { root, model } = mounted("continued");
    const row = firstRow(root);
    expect(row.getAttribute("aria-disabled")).toBe("true");
    press(row, "Enter");
    expect(model.sent.filter(({ type }) => type === "ask")).toEqual([]);
  });

  it("have a table of the numbers that are shown", () => {
    const { root } = mounted("continued");
    const details = pane(root).querySelector("details") ?? expect.fail("no table");
    expect(details.querySelector("table")).toBeNull();
    details.open = true;
    details.dispatchEvent(new Event("toggle"));
    frame();
    const cells = () => [...details.querySelectorAll("tbody tr")].map((row) => row.children.length);
    expect(cells()).toEqual(Array(6).fill(2 + 8));
    const before = details.textContent;
    const estimates = pane(root).querySelector<HTMLInputElement>('input[value="estimates"]');
    estimates?.dispatchEvent(new Event("change", { bubbles: true }));
    frame();
    expect(details.textContent).not.toBe(before);
    expect(pane(root).querySelector(".caption")?.textContent).toContain("estimated, not tested");
  });

  it("come row by row, and stay where it was cancelled", () => {
    const model = new FakeModel("continued");
    const header = model.values.summary as ExplanationHeader;
    const some = (state: string) => ({ ...header, status: { ...header.status, state } });
    // Of a running computation the columns of pieces are not there yet.
    const without = header.columns.filter(({ name }) => !name.startsWith("piece_"));
    fixtures.coming = {
      header: { ...some("running"), columns: without },
      buffer: fixtures.continued?.buffer ?? "",
    };
    const { root } = mounted("coming");
    expect(pane(root).hidden).toBe(false);
    const told = () => pane(root).querySelector("[data-progress]")?.textContent;
    expect(told()).toBe("Estimates of 0 of 6 pieces so far.");
    fixtures.stopped = {
      header: { ...some("cancelled"), columns: without },
      buffer: fixtures.continued?.buffer ?? "",
    };
    expect(pane(mounted("stopped").root).querySelector("[data-progress]")?.textContent).toContain(
      "ended early",
    );
  });
});
