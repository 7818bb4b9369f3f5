import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { aside, gridOf, stepPath } from "./grid";
import * as numbers from "./numbers";
import { logTint, tint } from "./numbers";

const path = `${process.cwd()}/../tests/fixtures/wording.json`;
const worded = JSON.parse(readFileSync(path, "utf-8")) as Record<string, [number | null, string][]>;

describe("grid", () => {
  it("puts the input below and fits many tokens by scrolling", () => {
    const grid = gridOf(500, 12, 900);
    expect(grid.y(0)).toBeGreaterThan(grid.y(12));
    expect(grid.width).toBeGreaterThan(900);
    expect(gridOf(5, 4, 900).width).toBeLessThan(900);
  });

  it("draws the skip straight and attention as a curve", () => {
    const grid = gridOf(5, 4, 900);
    const step = { layer: 1, branch: "skip", head: null, source: 2, target: 2 } as const;
    expect(stepPath(grid, step)).toMatch(/^M[\d. ]+L/);
    expect(stepPath(grid, { ...step, branch: "value", head: 1, target: 4 })).toMatch(/^M[\d. ]+C/);
  });
});

describe("routes", () => {
  it("stand apart by rank, in both directions", () => {
    const grid = gridOf(5, 4, 900);
    const places = [0, 1, 2, 3, 4].map((rank) => aside(grid, rank));
    // The middle of a cell stays free of lines, which are up to 5 pixels wide with their halo.
    expect(Math.min(...places.map(Math.abs))).toBeGreaterThan(2.6);
    expect(new Set(places).size).toBe(5);
    expect(Math.max(...places.map(Math.abs))).toBeLessThan(grid.cell / 2);
  });
});

describe("numbers", () => {
  it.each(Object.keys(worded))("are written as Python writes them: %s", (name) => {
    const write = Reflect.get(numbers, name) as (value: number | null) => string;
    for (const [value, words] of worded[name] ?? []) expect([value, write(value)]).toEqual([value, words]);
  });

  it("that are not numbers are not known", () => {
    for (const write of [numbers.number, numbers.power, numbers.signed])
      expect(write(Number.NaN)).toBe(write(null));
    expect(numbers.percent(Number.NaN)).toBe(numbers.percent(null));
  });

  it("tints unknown numbers with nothing", () => {
    expect(tint(Number.NaN, 1)).toBe(0);
    expect(tint(1, 4)).toBe(0.5);
    expect(logTint(-6, 0)).toBe(0.5);
    expect(logTint(Number.NEGATIVE_INFINITY, 0)).toBe(0);
  });
});
