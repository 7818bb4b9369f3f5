import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { Columns, fromBase64 } from "../columns";
import { type Aggregates, fromColumns, ofCells, snapped } from "./aggregates";
import type { Box, Brush } from "./brush";
import type { CorpusHeader } from "./contract";

interface Packed<H> {
  header: H;
  buffer: string;
}

const given = JSON.parse(readFileSync("../tests/fixtures/corpus.json", "utf-8")) as {
  summary: Packed<CorpusHeader>;
  each: Packed<CorpusHeader>;
  binned: Packed<CorpusHeader>;
  cases: { box: Box | null; groups: number[]; answer: Packed<CorpusHeader> }[];
};
const columns = ({ header, buffer }: Packed<CorpusHeader>) => new Columns(header.columns, fromBase64(buffer));
const header = given.summary.header;
// The ends of intervals are drawn in Python, and worked out here.
const EXACT = ["count", "right", "mean", "histogram", "part_mean", "part_count", "flow"] as const;

const close = (found: Aggregates, wanted: Aggregates, name: (typeof EXACT)[number]) => {
  expect(found[name].length, name).toBe(wanted[name].length);
  found[name].forEach((value, place) => {
    const other = wanted[name][place] ?? Number.NaN;
    if (Number.isNaN(other)) expect(value, `${name} ${place}`).toBeNaN();
    else expect(value, `${name} ${place}`).toBeCloseTo(other, 4);
  });
};

describe.each(["each", "binned"] as const)("sets of texts, %s", (kind) => {
  const cells = { each: kind === "each", columns: columns(given[kind]) };
  it.each(given.cases)("say of box $box and groups $groups what Python says", ({ box, groups, answer }) => {
    const brush: Brush = { x: 0, y: 1, box: box === null ? null : snapped(box, cells), groups };
    const [found, wanted] = [ofCells(cells, header, brush), fromColumns(columns(answer))];
    for (const name of EXACT) close(found, wanted, name);
    found.part_low.forEach((low, part) => {
      const width = (wanted.part_high[part] ?? 0) - (wanted.part_low[part] ?? 0);
      if ((wanted.part_count[part] ?? 0) > 20)
        expect(Math.abs(low - (wanted.part_low[part] ?? 0))).toBeLessThan(0.2 * width);
    });
    expect(Array.from(found.joint).reduce((sum, one) => sum + one, 0)).toBe(
      Array.from(wanted.joint).reduce((sum, one) => sum + one, 0),
    );
  });
});

describe("a box", () => {
  it("keeps to the bins of a large corpus, and holds one of them at least", () => {
    const cells = { each: false, columns: columns(given.binned) };
    const edges = cells.columns.reader("edges");
    const third = (edges(0, 1) - edges(0, 0)) / 3;
    const box = snapped([edges(0, 1) - third, edges(0, 1) + third, edges(1, 0), edges(1, 3)], cells);
    expect(box).toEqual([edges(0, 1), edges(0, 2), edges(1, 0), edges(1, 3)]);
    expect(snapped(box, { ...cells, each: true })).toBe(box);
  });
});
