import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { Columns } from "./columns";
import type { ExplanationHeader } from "./contract";
import {
  hasReasons,
  isNegative,
  MASS,
  type Measure,
  measureAt,
  measureOf,
  measuresOf,
  REASONS,
  tinting,
  worded,
} from "./measures";
import { numbersOf, ofAllPaths } from "./numbers";
import { peakOf } from "./reasons";
import { short } from "./short";
import type { State } from "./store";

const path = `${process.cwd()}/../tests/fixtures/messages.json`;
const { header } = JSON.parse(readFileSync(path, "utf-8")).explanation;
const usual = header as ExplanationHeader;
const asked = { ...usual, statistics: [{ name: "spread", unit: "nats" }] };

/** A state with columns of numbers, all of them float32; those of heads and branches are of one layer. */
function stateWith(columns: Record<string, number[]>, more: Partial<State> = {}): State {
  const numbers = Object.values(columns).flat();
  let offset = 0;
  const placed = Object.entries(columns).map(([name, values]) => {
    const nested = /^head_(mass|best)/.test(name) || name.startsWith("branch");
    const shape = !nested
      ? [values.length]
      : name.startsWith("head")
        ? [1, 1, values.length]
        : [1, 6, values.length / 6];
    const nbytes = 4 * values.length;
    offset += nbytes;
    return { name, shape, dtype: "float32", offset: offset - nbytes, nbytes } as const;
  });
  const table = new Columns(placed, new Float32Array(numbers));
  return { columns: table, answered: "none", condition: null, measure: null, ...more } as State;
}

const named = (name: string) =>
  measuresOf(asked).find((measure) => measure.name === name) ?? expect.fail(name);
const BEST = named("best");
const ENTROPY = named("entropy");
const tested = { token_effect: [Number.NaN, 4], token_contribution: [1, 2], head_contribution: [-8] };

describe("the measures", () => {
  it("are four in words, and what was asked for after them", () => {
    expect(measuresOf(asked).map(({ choice }) => choice)).toEqual([
      "Reasons",
      "Where paths run",
      "Strongest single path",
      "Spread",
      "spread (nats)",
    ]);
    expect(measuresOf(asked).every(({ explained }) => explained.endsWith("."))).toBe(true);
  });

  it("begin with the reasons, or with what was asked for, until another is chosen", () => {
    expect(measureOf(stateWith(tested), usual)).toBe(REASONS);
    expect(measureOf(stateWith(tested), asked).label).toBe("spread");
    expect(measureOf(stateWith(tested, { measure: "entropy" }), asked)).toBe(ENTROPY);
    expect(measureOf(stateWith(tested, { measure: "gone" }), asked).label).toBe("spread");
  });

  it("begin with the mass where nothing was tested, unless that may still come", () => {
    const none = stateWith({ token_effect: [Number.NaN], token_mass_share: [1] });
    expect(measureOf(none, usual)).toBe(MASS);
    expect(measureOf({ ...none, measure: "reasons" }, usual)).toBe(MASS);
    const running = { ...usual, status: { ...usual.status, state: "running" } } as const;
    expect(hasReasons(none, running)).toBe(true);
    expect(measureOf(none, running)).toBe(REASONS);
  });

  it("of tokens only give way to the share of mass elsewhere", () => {
    expect(measureAt(ENTROPY, "node")).toBe(MASS);
    expect(measureAt(ENTROPY, "token")).toBe(ENTROPY);
    expect(measureAt(REASONS, "mlp")).toBe(REASONS);
  });
});

describe("a number", () => {
  it("of the reasons is the effect where it was tested, else the contribution, and says which", () => {
    const numbers = numbersOf(stateWith(tested), REASONS, "token");
    expect([numbers.at(0), numbers.at(1)]).toEqual([1, 4]);
    expect(numbers.say(0)).toBe("contribution +1 (estimated, not tested)");
    expect(numbers.say(1)).toBe("effect +4 (tested, predicted +2)");
    expect(numbersOf(stateWith({}), REASONS, "token").say(0)).toBe("contribution not known");
  });

  it("of the reasons has one scale for all places", () => {
    const state = stateWith(tested);
    expect(peakOf(state.columns)).toBe(8);
    for (const place of ["token", "node", "head", "mlp"] as const)
      expect(numbersOf(state, REASONS, place).peak).toBe(8);
    expect(numbersOf(state, MASS, "token").peak).toBeNull();
    expect(peakOf(stateWith({}).columns)).toBe(0);
  });

  it("of a head is the sum of shares, but the maximum of weights, over its operands", () => {
    const state = stateWith({ head_mass_share: [0.125, 0.25, 0.5], head_best_log_weight: [-3, -1, -2] });
    expect(numbersOf(state, MASS, "head").at(0, 0)).toBe(0.875);
    expect(numbersOf(state, BEST, "head").at(0, 0)).toBe(-1);
    expect(numbersOf(state, ENTROPY, "head").measure).toBe(MASS);
  });

  it("of an MLP is that of its branch, over the tokens that there are", () => {
    const others = Array.from({ length: 12 }, (_, index) => (index === 8 ? 0.5 : Number.NaN));
    const state = stateWith({ branch_mass_share: others });
    expect(numbersOf(state, MASS, "mlp").at(0)).toBe(0.5);
    expect(numbersOf(stateWith({}), MASS, "mlp").at(0)).toBeNaN();
  });

  it("is that of the selection where it is known, and else says that it is of all paths", () => {
    const all = { token_mass_share: [0.5], token_entropy: [2], node_mass_share: [0.75] };
    const { columns } = stateWith({ token_mass_share: [1] });
    const condition = { columns } as State["condition"];
    const state = stateWith(all, { answered: "ready", condition });
    expect(numbersOf(state, MASS, "token").at(0)).toBe(1);
    expect(ofAllPaths(state, MASS, "token")).toBe(false);
    expect(numbersOf(state, ENTROPY, "token").at(0)).toBe(2);
    expect(ofAllPaths(state, ENTROPY, "token")).toBe(true);
    // An effect is of its part alone, whatever is selected.
    expect(ofAllPaths(state, REASONS, "token")).toBe(false);
    const pending = stateWith(all, { answered: "pending", condition });
    expect(numbersOf(pending, MASS, "token").at(0)).toBe(0.5);
  });

  const words: [Measure, number, string, string][] = [
    [REASONS, 8.045, "+8.04", "+8.0"],
    [REASONS, Number.NaN, "not known", ""],
    [MASS, 0.5, "50 %", "50 %"],
    [MASS, 0.0001, "0.01 %", "0 %"],
    [BEST, Math.log(0.25), "0.25", "0.25"],
    [BEST, Number.NEGATIVE_INFINITY, "no path", "–"],
    [ENTROPY, 12.3456, "12.35 nats", "12.3"],
  ];
  it.each(words)("of %o, %d, is worded %s, where there is little room %s", (measure, value, long, brief) => {
    expect(worded(measure, value)).toBe(long);
    expect(short(measure, value)).toBe(brief);
  });
});

describe("tints", () => {
  const tints = (measure: Measure, values: number[]) => values.map(tinting(measure, values));

  it("go from nothing to the largest, on the scale of the measure", () => {
    expect(tints(MASS, [0, 0.25, 1, Number.NaN])).toEqual([0, 0.5, 1, 0]);
    expect(tints(BEST, [-1, -7, -13, -100, Number.NEGATIVE_INFINITY])).toEqual([1, 0.5, 0, 0, 0]);
    expect(tints(REASONS, [-4, 1, 0])).toEqual([1, 0.5, 0]);
  });

  it("of a logarithm with any zero go from the lowest to the highest", () => {
    const spread = named("statistic:0");
    expect(tints(spread, [3, 5, 4, Number.NaN])).toEqual([0, 1, 0.5, 0]);
    expect(tints(spread, [3, 3])).toEqual([1, 1]);
  });

  it("have the colour of negative numbers where zero means something", () => {
    expect(isNegative(REASONS, -1)).toBe(true);
    expect(isNegative(BEST, -1)).toBe(false);
    expect(isNegative(REASONS, Number.NEGATIVE_INFINITY)).toBe(false);
  });
});
