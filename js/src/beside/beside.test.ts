// @vitest-environment happy-dom
import { beforeEach, describe, expect, it, vi } from "vitest";
import { Columns, fromBase64 } from "../columns";
import type { BesideHeader, BothAnswer } from "../contract";
import { choose, fixtures, frame, mounted, placed } from "../fake-model";
import { indicesOf } from "../places";
import { Store } from "../store";
import { comparedOf, SIDES } from "./compared";

const header = () => structuredClone(fixtures.beside?.header) as BesideHeader;
const columns = () => new Columns(header().columns, fromBase64(fixtures.beside?.buffer ?? ""));
const known = (measure: string | null = null) => {
  const summary = header();
  return { summary, state: new Store({ summary, columns: columns(), measure }).state };
};
const PANES = ["a", "b", "difference"];

describe("the numbers of two sides", () => {
  it("are those of the message, and the difference is that of the two", () => {
    const { state, summary } = known();
    const compared = comparedOf(state, summary, "head");
    const table = columns();
    for (const [layer = 0, head = 0] of indicesOf(summary, "head")) {
      const [a, b] = [0, 1].map((side) => table.at("head_effect", side, layer, head)) as [number, number];
      expect(SIDES.map((side) => compared.at(side, layer, head))).toEqual([a, b, a - b]);
    }
  });

  it("have one scale for all pictures: the largest of A, B or their difference", () => {
    const { state, summary } = known();
    const places = ["token", "node", "head", "mlp"] as const;
    const peaks = places.map((place) => comparedOf(state, summary, place).peak);
    expect(new Set(peaks).size).toBe(1);
    let strongest = 0;
    for (const place of places) {
      const compared = comparedOf(state, summary, place);
      for (const where of indicesOf(summary, place))
        for (const side of SIDES) {
          const strength = compared.strength(side, compared.at(side, ...where));
          if (!Number.isNaN(strength)) strongest = Math.max(strongest, Math.abs(strength));
        }
    }
    expect(strongest).toBeCloseTo(1, 6);
  });

  it("compare what was estimated where not both were tested", () => {
    const { state, summary } = known();
    const table = columns();
    const compared = comparedOf(state, summary, "node");
    const tested = Number.isFinite(table.at("node_effect", 0, 0, 1) - table.at("node_effect", 1, 0, 1));
    const name = tested ? "node_effect" : "node_contribution";
    expect(compared.at(0, 0, 1)).toBe(table.at(name, 0, 0, 1));
  });

  it.each(["mass", "best", "entropy"])("of the measure %s have a signed difference", (measure) => {
    const { state, summary } = known(measure);
    const compared = comparedOf(state, summary, "token");
    for (const where of indicesOf(summary, "token")) {
      const [a, b] = [compared.at(0, ...where), compared.at(1, ...where)];
      if (Number.isNaN(a - b)) continue;
      expect(Math.sign(compared.strength(2, a - b))).toBe(Math.sign(a - b));
      expect(compared.strength(0, a)).toBeGreaterThanOrEqual(0);
    }
  });
});

describe("two explanations side by side", () => {
  beforeEach(() => vi.useFakeTimers());

  it("begin with the sentences, and name what they are about", () => {
    const { root } = mounted("beside");
    expect(root.querySelector("h2")?.textContent).toContain("in A and");
    expect(root.querySelectorAll('[data-pane="answer"] .named').length).toBeGreaterThan(2);
  });

  it("have words in line, with a gap where the other text has one more", () => {
    const { root } = mounted("beside");
    const words = PANES.map((pane) =>
      [...root.querySelectorAll<HTMLElement>(`[data-pane="token-${pane}"] .token`)].map(
        (one) => one.textContent,
      ),
    );
    expect(words.map(({ length }) => length)).toEqual([10, 10, 10]);
    expect(words[0]?.slice(0, 6)).toEqual(["The", "keys", "to", "the", "·", "cabinet"]);
    expect(words[1]?.slice(0, 6)).toEqual(["The", "key", "to", "the", "old", "cabinet"]);
    expect(root.querySelectorAll('[data-pane="token-a"] .missing')).toHaveLength(1);
    const label = root.querySelector('[data-pane="token-a"] [data-token="1"]')?.getAttribute("aria-label");
    expect(label).toMatch(/^keys: effect \(tested\): A .*, B .*, A − B /);
  });

  it("ask both when a part is chosen in one, and it is chosen in all", () => {
    const { root, model } = mounted("beside");
    const rover = placed(root, "head-difference", { layer: 2, head: 1 });
    rover.dispatchEvent(new MouseEvent("click", { bubbles: true }));
    frame();
    const [asked] = model.sent.slice(-1);
    expect(asked).toMatchObject({ type: "both", selection: [{ layer: 2, head: 1 }], avoiding: [] });
    for (const pane of PANES)
      expect(root.querySelectorAll(`[data-pane="head-${pane}"] .mark.selected`)).toHaveLength(1);
    const answer = { ...(fixtures.both?.header as BothAnswer), id: asked?.id };
    model.emit("msg:custom", answer, [fromBase64(fixtures.both?.buffer ?? "")]);
    frame();
    expect(root.dataset.conditioned).toBe("ready");
    expect(root.querySelector(".notice")?.textContent).toMatch(/share of all mass: A 61 %, B 61 %/);
    root.dispatchEvent(new KeyboardEvent("keydown", { key: "Escape", bubbles: true }));
    expect(root.dataset.conditioned).toBe("none");
  });

  it("show the numbers of the chosen paths once they are known", () => {
    const { root, model } = mounted("beside");
    choose(root, "mass");
    const value = () =>
      root.querySelector('[data-pane="token-b"] [data-token="1"]')?.getAttribute("aria-label");
    const before = value();
    placed(root, "head-a", { layer: 2, head: 1 }).dispatchEvent(new MouseEvent("click", { bubbles: true }));
    const answer = { ...(fixtures.both?.header as BothAnswer), id: model.sent.at(-1)?.id };
    model.emit("msg:custom", answer, [fromBase64(fixtures.both?.buffer ?? "")]);
    frame();
    expect(value()).not.toBe(before);
  });

  it("have a table of the same numbers, the largest differences first", () => {
    const { root } = mounted("beside");
    const details = root.querySelector<HTMLDetailsElement>(".beside-table details");
    if (details === null) return expect.fail("no table");
    details.open = true;
    details.dispatchEvent(new Event("toggle"));
    frame();
    const numbers = () =>
      [...root.querySelectorAll(".sides tbody tr")].map((row) =>
        Math.abs(Number((row.lastElementChild?.textContent ?? "").replace("−", "-").replace("–", "NaN"))),
      );
    const known = numbers().filter((value) => !Number.isNaN(value));
    expect(known).toEqual([...known].sort((one, other) => other - one));
    expect(numbers()).toHaveLength(10);
    root.querySelectorAll<HTMLButtonElement>(".kinds button")[1]?.click();
    frame();
    expect(numbers()).toHaveLength(3 * 2 + 3);
    const heading = root.querySelector<HTMLButtonElement>('.sides [data-sort="A"]');
    heading?.click();
    frame();
    expect(heading?.closest("th")?.getAttribute("aria-sort")).toBe("descending");
    // It follows the selection that all pictures have.
    placed(root, "head-a", { layer: 1, head: 0 }).click();
    frame();
    expect(root.querySelector('.sides [data-selected="true"]')?.textContent).toContain("head 1·0");
  });
});
