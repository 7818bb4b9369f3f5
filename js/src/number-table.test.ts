// @vitest-environment happy-dom
import { beforeEach, describe, expect, it, vi } from "vitest";
import { Columns, fromBase64 } from "./columns";
import type { Answer, ExplanationHeader } from "./contract";
import { choose, click, element, fixtures, frame, mounted } from "./fake-model";

beforeEach(() => {
  vi.useFakeTimers();
});

/** The widget with the table of one of the pictures. */
function unfolded(kind: string) {
  const view = mounted("answered");
  const details = view.root.querySelector<HTMLDetailsElement>(".number-table details") ?? expect.fail("none");
  details.open = true;
  details.dispatchEvent(new Event("toggle"));
  frame();
  [...details.querySelectorAll<HTMLElement>(".kinds button")]
    .find((one) => one.textContent === kind)
    ?.click();
  frame();
  const cells = () =>
    [...details.querySelectorAll("tbody tr")].map((row) =>
      [...row.children].map((one) => one.textContent ?? ""),
    );
  return { ...view, details, cells };
}

const columns = () => {
  const { header, buffer } = fixtures.answered ?? expect.fail("no fixture");
  return new Columns((header as ExplanationHeader).columns, fromBase64(buffer));
};

const valueIn = (text = "") => Number(text.replace("−", "-").replace("+", "").replace(" %", ""));

describe("the numbers of the pictures as a table", () => {
  it.each([
    ["words", '[data-pane="tokens"] [data-token="1"]', "keys"],
    ["heads and MLPs", '[data-pane="heads"] [data-layer="2"][data-head="1"]', "head 2·1"],
    ["heads and MLPs", '[data-pane="heads"] [data-layer="1"][data-branch="mlp"]', "the MLP of layer 1"],
    ["words × layers", '[data-pane="flow"] [data-layer="1"][data-token="1"]', "layer 1 at keys"],
  ])("has those of %s", (kind, place, name) => {
    const { root, cells } = unfolded(kind);
    const label = element(root, place)?.getAttribute("aria-label") ?? "";
    const told = (what: RegExp) => what.exec(label)?.[1];
    const row = cells().find(([own]) => own === name) ?? expect.fail(name);
    const [tested, estimated] = [told(/effect (\S+)/), told(/(?:contribution|predicted) ([^\s)]+)/)];
    expect(tested ?? estimated).toBeDefined();
    if (tested !== undefined) expect(valueIn(row[1])).toBeCloseTo(valueIn(tested), 2);
    else expect(row[1]).toBe("–");
    if (estimated !== undefined) expect(valueIn(row[2])).toBeCloseTo(valueIn(estimated), 2);
  });

  it("begins with the largest effect, and is sorted by any column", () => {
    const { details, cells } = unfolded("words");
    const sizes = () =>
      cells().map(([, effect, contribution]) => Math.abs(valueIn(effect === "–" ? contribution : effect)));
    expect(sizes()).toEqual([...sizes()].sort((one, other) => other - one));
    details.querySelector<HTMLElement>('[data-sort="part"]')?.click();
    frame();
    expect(cells()).toHaveLength(columns().get("token_effect")?.shape[0] ?? 0);
    expect(cells()[0]?.[0]).toBe("The");
    expect(details.querySelector('[aria-sort="ascending"]')?.textContent).toContain("part");
  });

  it("follows the switch and the selection", () => {
    const { root, details, cells } = unfolded("words");
    click(root, '[data-pane="tokens"] [data-token="1"]');
    frame();
    expect(details.querySelector('[data-selected="true"]')?.textContent).toContain("keys");
    choose(root, "mass");
    const row = cells().find(([name]) => name === "keys") ?? expect.fail("no keys");
    expect(row).toHaveLength(2);
    expect(valueIn(row[1])).toBeCloseTo(100 * columns().at("token_mass_share", 1), 0);
  });

  it("has the shares of one head, and the flow of each layer", () => {
    const { root, model, details, cells } = unfolded("one head");
    expect(details.textContent).toContain("There are no numbers of this picture yet.");
    click(root, '[data-pane="heads"] [data-layer="1"][data-head="0"]');
    frame();
    const { id } = model.sent.findLast(({ type }) => type === "head_map") ?? expect.fail("not asked");
    const { header, buffer } = fixtures.head_map ?? expect.fail("no fixture");
    model.emit("msg:custom", { ...(header as Answer), id }, [fromBase64(buffer)]);
    frame();
    expect(cells()).toHaveLength(81);
    const peak = Math.max(...cells().map((row) => valueIn(row[3])));
    expect(peak).toBeCloseTo(100 * ((header as { peak: number[] }).peak[2] ?? 0), 1);
    details.querySelectorAll<HTMLElement>(".kinds button")[4]?.click();
    frame();
    expect(cells()).toHaveLength(3 * 6);
    const [, share] = cells().find(([name]) => name === "layer 0, by query") ?? expect.fail("no query");
    const shares = Array.from({ length: 9 }, (_, token) => columns().at("branch_mass_share", 0, 1, token));
    expect(valueIn(share)).toBeCloseTo(100 * shares.reduce((sum, one) => sum + one, 0), 0);
  });
});
