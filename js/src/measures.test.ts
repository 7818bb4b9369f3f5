import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { Columns } from "./columns";
import type { ExplanationHeader } from "./contract";
import {
  atHead,
  atNode,
  atToken,
  isNegative,
  type Measure,
  measureOf,
  measuresOf,
  ofAllPaths,
  partsMeasure,
  tints,
  worded,
} from "./measures";
import type { State } from "./store";

const path = `${process.cwd()}/../tests/fixtures/messages.json`;
const { header } = JSON.parse(readFileSync(path, "utf-8")).explanation;
const usual = header as ExplanationHeader;
const asked = { ...usual, statistics: [{ name: "spread", unit: "nats" }] };

/** A state with columns of numbers, all of them float32. */
function stateWith(columns: Record<string, number[]>, more: Partial<State> = {}): State {
  const numbers = Object.values(columns).flat();
  let offset = 0;
  const placed = Object.entries(columns).map(([name, values]) => {
    const shape = name.startsWith("head") ? [1, 1, values.length] : [values.length];
    const nbytes = 4 * values.length;
    offset += nbytes;
    return { name, shape, dtype: "float32", offset: offset - nbytes, nbytes } as const;
  });
  const table = new Columns(placed, new Float32Array(numbers));
  return { columns: table, answered: "none", condition: null, measure: null, ...more } as State;
}

const named = (label: string) =>
  measuresOf(usual).find((measure) => measure.label === label) ?? expect.fail(label);
const MASS = named("share of mass");
const BEST = named("best path");

describe("the measures", () => {
  it("begin with what was asked for, which is shown until another is chosen", () => {
    expect(measuresOf(usual)[0]).toBe(MASS);
    expect(measuresOf(asked).map(({ label }) => label)).toEqual([
      "spread",
      ...measuresOf(usual).map(({ label }) => label),
    ]);
    expect(measureOf(stateWith({}), asked).label).toBe("spread");
    expect(measureOf(stateWith({}, { measure: "token_entropy" }), asked).label).toBe("entropy");
    expect(measureOf(stateWith({}, { measure: "gone" }), asked).label).toBe("spread");
  });

  it("of tokens only give way to the share of mass in cells and heads", () => {
    expect(partsMeasure(stateWith({}, { measure: "token_entropy" }), usual)).toBe(MASS);
    expect(partsMeasure(stateWith({}, { measure: BEST.name }), usual)).toBe(BEST);
  });
});

describe("a number", () => {
  it("of a head is the sum of shares, but the maximum of weights, over its operands", () => {
    const state = stateWith({
      head_mass_share: [0.125, 0.25, 0.5],
      head_best_log_weight: [-3, -1, -2],
    });
    expect(atHead(state, MASS, 0, 0, -1)).toBe(0.875);
    expect(atHead(state, BEST, 0, 0, -1)).toBe(-1);
    expect(atHead(state, MASS, 0, 0, 1)).toBe(0.25);
    expect(atHead(state, BEST, 0, 0, 2)).toBe(-2);
    expect(atHead(state, named("entropy"), 0, 0, -1)).toBeNaN();
  });

  it("is that of the selection where it is known, and else says that it is of all paths", () => {
    const all = { token_mass_share: [0.5], token_entropy: [2], node_mass_share: [0.75] };
    const { columns } = stateWith({ token_mass_share: [1] });
    const condition = { columns } as State["condition"];
    const state = stateWith(all, { answered: "ready", condition });
    expect(atToken(state, MASS, 0)).toBe(1);
    expect(ofAllPaths(state, MASS)).toBe(false);
    expect(atToken(state, named("entropy"), 0)).toBe(2);
    expect(ofAllPaths(state, named("entropy"))).toBe(true);
    const pending = stateWith(all, { answered: "pending", condition });
    expect(atToken(pending, MASS, 0)).toBe(0.5);
    expect(atNode(state, named("entropy"), 0, 0)).toBeNaN();
  });

  const words: [Measure, number, string][] = [
    [MASS, 0.5, "50 %"],
    [MASS, Number.NaN, "not known"],
    [BEST, Math.log(0.25), "0.25"],
    [BEST, Number.NEGATIVE_INFINITY, "no path"],
    [named("entropy"), 12.3456, "12.35 nats"],
    [named("gradient norm"), 0.5, "0.5"],
  ];
  it.each(words)("of %o, %d, is worded %s", (measure, value, expected) => {
    expect(worded(measure, value)).toBe(expected);
  });
});

describe("tints", () => {
  it("go from nothing to the largest, on the scale of the measure", () => {
    expect(tints(MASS, [0, 0.25, 1, Number.NaN])).toEqual([0, 0.5, 1, 0]);
    expect(tints(BEST, [-1, -7, -13, -100, Number.NEGATIVE_INFINITY])).toEqual([1, 0.5, 0, 0, 0]);
    expect(tints(named("gradient × input"), [-4, 1, 0])).toEqual([1, 0.5, 0]);
  });

  it("of a logarithm with any zero go from the lowest to the highest", () => {
    const [spread = MASS] = measuresOf(asked);
    expect(tints(spread, [3, 5, 4, Number.NaN])).toEqual([0, 1, 0.5, 0]);
    expect(tints(spread, [3, 3])).toEqual([1, 1]);
  });

  it("have the colour of negative numbers where zero means something", () => {
    expect(isNegative(named("gradient × input"), -1)).toBe(true);
    expect(isNegative(BEST, -1)).toBe(false);
    expect(isNegative(named("gradient × input"), Number.NEGATIVE_INFINITY)).toBe(false);
  });
});
