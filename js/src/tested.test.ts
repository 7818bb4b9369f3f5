import { describe, expect, it } from "vitest";
import { Columns, fromBase64 } from "./columns";
import type { ExplanationHeader, Test } from "./contract";
import { part, STEPS } from "./fake-answer";
import { fixtures } from "./fake-model";
import { testName } from "./part-names";
import type { State } from "./store";
import { known, largest, logOf, predicted, singles } from "./tested";
import { verdictOf } from "./verdict";

const { header, buffer } = fixtures.answered ?? expect.fail("no fixture");
const summary = header as ExplanationHeader;
const state = {
  columns: new Columns(summary.columns, fromBase64(buffer)),
  tests: [] as readonly Test[],
} as State;

const made = (parts: Test["parts"], after: number, steps: Test["steps"] = []): Test => ({
  ...{ parts, steps, by: "reference", label: "made", before: 3.25, after, predicted: null },
});

describe("what is known of a test", () => {
  it("comes from the log first, and of single parts from the columns", () => {
    const of = (...parts: Test["parts"]) => known(state, summary, { selection: parts, steps: [] });
    expect(of(part({ token: 1 }))?.label).toBe("keys → [MASK]");
    expect(of(part({ layer: 1, head: 1 }))).toMatchObject({
      ...{ label: "head 1·1", before: 3.25, after: -0.25, predicted: 3 },
    });
    expect(of(part({ layer: 2, branch: "mlp" }))?.after).toBe(2.25);
    expect(of(part({ layer: 0, token: 0 }))?.after).toBe(11.25);
    // Only estimated, several parts, a way through a layer, a route.
    expect(of(part({ layer: 1, token: 1 }))).toBeNull();
    expect(of(part({ token: 1 }), part({ token: 2 }))).toBeNull();
    expect(of(part({ layer: 1, branch: "value" }))).toBeNull();
    expect(known(state, summary, { selection: [], steps: STEPS })).toBeNull();
    const later = { ...state, tests: [made([], 1, STEPS)] };
    expect(known(later, summary, { selection: [], steps: STEPS })?.after).toBe(1);
    expect(predicted(state, part({ layer: 1, token: 1 }))).toBe(2);
  });

  it("is kept with the newest first, each test once", () => {
    const again = made([part({ token: 1 })], -0.5);
    const other = made([part({ token: 2 })], 3);
    const log = logOf({ ...state, tests: [other, again] }, summary);
    expect(log).toEqual([other, again]);
    expect(logOf(state, summary)).toEqual(summary.tests);
    expect(logOf({ ...state, tests: [{ ...again, by: "zero" }] }, summary)).toHaveLength(2);
  });

  it("is of all words, heads and MLPs, of which the largest come first", () => {
    expect(singles(state, summary)).toHaveLength(9 + 6 + 3);
    expect(largest(state, summary, 2).map(({ label }) => label)).toEqual(["keys → [MASK]", "head 1·1"]);
  });
});

describe("a verdict", () => {
  const { score } = summary;
  const cases: [number | null, string, boolean][] = [
    [-1, "says is", true],
    [3.2, "no change", false],
    [1, "weaker", false],
    [4, "stronger", false],
    [null, "not known", false],
  ];
  it.each(cases)("on a score that becomes %d is %s", (after, words, flips) => {
    expect(verdictOf({ before: 3.25, after }, score)).toEqual({ words, flips });
  });

  it("knows no flip where there is nothing to flip to", () => {
    const alone = { ...score, contrast: null };
    expect(verdictOf({ before: 3, after: -1 }, alone)).toEqual({ words: "weaker", flips: false });
    expect(verdictOf({ before: -3, after: 1 }, score).words).toBe("says are");
  });
});

describe("a test in words", () => {
  it("names what stands in the place of a word, and else what is left out", () => {
    const selection = [part({ token: 1 })];
    expect(testName(selection, summary)).toBe("keys → [MASK]");
    const tokens =
      summary.streams[0]?.tokens.map((token) => ({ ...token, text: `other ${token.text}` })) ?? [];
    const reference = {
      kind: "text" as const,
      ...{ label: "", score: 0, streams: [{ name: "input", tokens, segments: [] }], aligned: [[0, 2, -1]] },
    };
    expect(testName(selection, { ...summary, reference })).toBe("keys → other to");
    expect(testName([part({ token: 2 })], { ...summary, reference })).toBe("to");
    expect(testName([...selection, part({ layer: 1, branch: "mlp" })], summary)).toBe(
      "keys and the MLP of layer 1",
    );
  });
});
