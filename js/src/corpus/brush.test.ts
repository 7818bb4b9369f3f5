import { describe, expect, it } from "vitest";
import { type Brush, toggled, told, within } from "./brush";
import type { CorpusHeader } from "./contract";

const all: Brush = { x: 0, y: 1, box: null, groups: [] };

describe("a brush", () => {
  it("takes in the text at its very end, whose number came as a float32", () => {
    const most = 10.1;
    expect(Math.fround(most)).toBeGreaterThan(most);
    expect(within([0, most, 0, 1], Math.fround(most), 1)).toBe(true);
    expect(within([0, 10, 0, 1], Math.fround(most), 1)).toBe(false);
    expect(within([0, 10, 0, 1], Number.NaN, 1)).toBe(false);
  });

  it("adds groups and takes them away; all of them are no choice", () => {
    expect(toggled(all, 2, 3)).toEqual([2]);
    expect(toggled({ ...all, groups: [2] }, 0, 3)).toEqual([0, 2]);
    expect(toggled({ ...all, groups: [0, 2] }, 2, 3)).toEqual([0]);
    expect(toggled({ ...all, groups: [0, 2] }, 1, 3)).toEqual([]);
  });

  it("is said in words", () => {
    const header = {
      numbers: [{ label: "score" }, { label: "entropy" }],
      groups: [{ name: "a" }, { name: "b" }],
    } as unknown as CorpusHeader;
    expect(told({ ...all, box: [-1, 2, 3, 4], groups: [0, 1] }, header)).toBe(
      "score −1 to 2, entropy 3 to 4, a or b",
    );
  });
});
