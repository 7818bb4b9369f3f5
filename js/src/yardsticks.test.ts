import { describe, expect, it } from "vitest";
import type { MethodResult } from "./contract";
import { curve, plotOf, ticks, up } from "./layout/curves";
import { alike } from "./layout/numbers";
import { ariaSort, bestOf, clickedHeading, knownYardsticks, ordered, type Sorting } from "./yardsticks";

const method = (name: string, facts: Partial<MethodResult> = {}): MethodResult => ({
  ...{ name, label: name, family: "captum", seconds: 1, error: null, signed: true, granularity: null },
  ...{ level: null, ranked_by_size: false, effect_correlation: null, comprehensiveness: null },
  ...{ sufficiency: null, infidelity: null, sensitivity: null },
  ...facts,
});

const METHODS = [
  method("weak", { comprehensiveness: 1, sufficiency: 5 }),
  method("failed", { error: "It failed." }),
  method("tested", { family: "tested", comprehensiveness: 2, sufficiency: 1 }),
  method("strong", { comprehensiveness: 4, sufficiency: 2 }),
];
const names = (sorting: Sorting | null) => ordered(METHODS, sorting).map((index) => METHODS[index]?.name);
const yardstick = (key: string) => {
  const found = knownYardsticks(METHODS).find((one) => one.key === key);
  if (found === undefined) throw new Error(key);
  return found;
};

describe("the order of methods", () => {
  it("is the asked one below tested effects until a column is chosen", () => {
    expect(names(null)).toEqual(["tested", "weak", "failed", "strong"]);
  });

  it.each([
    ["comprehensiveness", "first", ["tested", "strong", "weak", "failed"], "descending"],
    ["comprehensiveness", "last", ["tested", "weak", "strong", "failed"], "ascending"],
    ["sufficiency", "first", ["tested", "strong", "weak", "failed"], "ascending"],
    ["sufficiency", "last", ["tested", "weak", "strong", "failed"], "descending"],
  ] as const)("by %s has the best %s", (key, best, order, aria) => {
    expect(names({ key, best })).toEqual(order);
    expect(ariaSort({ key, best }, yardstick(key))).toBe(aria);
    expect(ariaSort({ key, best }, yardstick("seconds"))).toBe("none");
  });

  it("goes from the best first to the best last and back to what was asked", () => {
    const first = clickedHeading(null, "seconds");
    const last = clickedHeading(first, "seconds");
    expect([first?.best, last?.best, clickedHeading(last, "seconds")]).toEqual(["first", "last", null]);
    expect(clickedHeading(last, "infidelity")).toEqual({ key: "infidelity", best: "first" });
  });

  it("knows the best among methods that were measured, and only such columns", () => {
    expect(bestOf(METHODS, yardstick("comprehensiveness"))).toBe(3);
    expect(bestOf(METHODS, yardstick("sufficiency"))).toBe(3);
    expect(knownYardsticks(METHODS).map(({ key }) => key)).toEqual([
      "comprehensiveness",
      "sufficiency",
      "seconds",
    ]);
    expect(bestOf(METHODS.slice(1, 3), yardstick("sufficiency"))).toBe(-1);
  });
});

describe("numbers below each other", () => {
  it.each([
    [
      [8.217, -0.0034, null],
      ["8.22", "0.00", "–"],
    ],
    [
      [26.96, -0.671],
      ["27.0", "−0.7"],
    ],
    [
      [0.000123, 0.00001],
      ["0.000123", "0.000010"],
    ],
    [
      [1e-9, -2e-9],
      ["1.0e-9", "−2.0e-9"],
    ],
    [
      [12345, 1],
      ["1.2e4", "1"],
    ],
    [
      [0, 0],
      ["0.00", "0.00"],
    ],
  ])("%j", (column, written) => {
    expect(column.map(alike(column))).toEqual(written);
  });
});

describe("curves", () => {
  it("have room for all numbers and for 0", () => {
    const plot = plotOf([2, 4, Number.NaN], 300);
    expect(plot.low).toBe(0);
    expect(up(plot, 0)).toBe(plot.bottom);
    expect(up(plot, 4)).toBeGreaterThan(plot.top);
    expect(curve(plot, [0, 2, 4])).toMatch(/^M38\.0 138\.0L164\.0 \d+\.\dL290\.0 \d+\.\d$/);
  });

  it.each([[[]], [[1]], [[1, Number.NaN]]])("of %j are not drawn", (numbers) => {
    expect(curve(plotOf(numbers, 300), numbers)).toBe("");
  });

  it.each([
    [-1, 9, [0, 2, 4, 6, 8]],
    [-0.03, 0.05, [-0.02, 0, 0.02, 0.04]],
    [0, 0, [0]],
  ])("have round numbers beside them from %d to %d", (low, high, round) => {
    expect(ticks(low, high)).toEqual(round);
  });
});
