import { describe, expect, it } from "vitest";
import type { Aggregates } from "./aggregates";
import type { CorpusHeader } from "./contract";
import { heads, histogram, order, ordered } from "./sources";
import { searched } from "./texts";

const parts = [
  { kind: "head", layer: 0, head: 0 },
  { kind: "head", layer: 0, head: 1 },
  { kind: "layer", layer: 0, head: null },
  { kind: "mlp", layer: 0, head: null },
];
const header = {
  parts,
  bins: 2,
  numbers: [{ name: "score", label: "score", unit: "", low: 0, high: 4 }],
  groups: [
    { name: "a", colour: "#111111", marker: "circle" },
    { name: "b", colour: "#222222", marker: "square" },
  ],
} as unknown as CorpusHeader;
const of = {
  count: Float64Array.of(3, 0),
  mean: Float64Array.of(1.5, Number.NaN),
  histogram: Float64Array.of(2, 1, 0, 0),
  part_mean: Float64Array.of(1, 5.5, 6.5, -2),
  part_low: Float64Array.of(0.5, 5, 6, -3.5),
  part_high: Float64Array.of(1.5, 6, 7, -0.5),
  part_count: Float64Array.of(3, 3, 3, 3),
} as unknown as Aggregates;

describe("the tables behind the charts", () => {
  it("say which parts are told from all below them, whatever their sign", () => {
    const found = ordered(header, of).map(({ part, resolved }) => [part.kind, part.head, resolved]);
    expect(found).toEqual([
      ["head", 1, true],
      ["mlp", null, false],
      ["head", 0, true],
    ]);
    const table = order(header, of);
    expect(table.place).toEqual(["head 0·0", "MLP 0", "head 0·1"]);
    expect(table.fill?.[1]).toBe("rgba(0,0,0,0)");
  });

  it("outline the bars of a group that has texts", () => {
    const table = histogram(header, 0, of);
    expect(table.group).toEqual(["a"]);
    expect(table.xs).toEqual([[0, 0, 2, 2, 4, 4]]);
    expect(table.ys).toEqual([[0, 2, 2, 1, 1, 0]]);
  });

  it("have a cell for each head", () => {
    expect(heads(header, of).written).toEqual(["+1.0", "+5.5"]);
  });
});

describe("texts that a page holds", () => {
  const line = (row: number, text: string, score: number | null) => ({
    row,
    text,
    score,
    id: `${row}`,
    target: "are",
  });
  const lines = [line(0, "The keys", 2), line(1, "A KEY", null), line(2, "doors", 3)];
  const query = { words: "", sort: "score", descending: true };

  it("are found by words and sorted, what is not known last", () => {
    const rows = (change: object) => searched(lines as never, { ...query, ...change }).map(({ row }) => row);
    expect(rows({})).toEqual([2, 0, 1]);
    expect(rows({ descending: false })).toEqual([0, 2, 1]);
    expect(rows({ words: "key", sort: "row" })).toEqual([1, 0]);
    expect(rows({ words: "ARE" })).toHaveLength(3);
  });
});
