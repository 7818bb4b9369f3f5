import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { aside, gridOf, hasRoom, middleOf, rowOf, stepPath } from "./grid";
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

  it("draws attention to another stream from where that one's layers end", () => {
    const layer = { name: "", stream: 1, key_stream: 1, heads: 2 };
    const layers = [
      { ...layer, index: 0, stream: 0, key_stream: 0 },
      { ...layer, index: 1 },
      { ...layer, index: 2, key_stream: 0 },
      { ...layer, index: 3 },
      { ...layer, index: 4, key_stream: 0 },
    ];
    const step = { layer: 4, branch: "value", head: 1, source: 2, target: 0 } as const;
    expect(rowOf(step, layers)).toBe(1);
    expect(rowOf({ ...step, branch: "query" }, layers)).toBe(4);
    expect(rowOf({ ...step, layer: 3 }, layers)).toBe(3);
    const grid = gridOf(5, 5, 900);
    expect(stepPath(grid, step, 0, 1)).toMatch(new RegExp(`^M${grid.x(2)} ${grid.y(1)}C`));
  });
});

describe("routes", () => {
  it("leave the middle of a cell free, and the right for its number", () => {
    const grid = gridOf(5, 4, 900);
    const places = [0, 1, 2].map((place) => aside(grid, place));
    // A line is up to 9 pixels wide with its halo.
    expect(Math.max(...places)).toBeLessThan(-4.5);
    expect(Math.min(...places)).toBeGreaterThan(-grid.cell / 2);
    expect(new Set(places).size).toBe(3);
  });

  it("have numbers beside them only where there is room", () => {
    expect(hasRoom(gridOf(5, 4, 900))).toBe(true);
    expect(hasRoom(gridOf(500, 4, 900))).toBe(false);
    expect(hasRoom(gridOf(5, 48, 900))).toBe(false);
  });

  it("have their names on the middle of a hop", () => {
    const grid = gridOf(5, 4, 900);
    const step = { layer: 1, branch: "value", head: 1, source: 0, target: 4 } as const;
    expect(middleOf(grid, step)).toEqual([grid.x(2), (grid.y(1) + grid.y(2)) / 2]);
  });
});

describe("numbers", () => {
  it.each(Object.keys(worded))("are written as Python writes them: %s", (name) => {
    const write = Reflect.get(numbers, name) as (value: number | null) => string;
    for (const [value, words] of worded[name] ?? []) expect([value, write(value)]).toEqual([value, words]);
  });

  it.each([
    [0.4431, "+0.44"],
    [-8.045, "−8.0"],
    [9.96, "+10"],
    [0.997, "+1.0"],
    [0.004, "0"],
    [-0.004, "0"],
    [123456, "+1.2e5"],
    [null, "–"],
  ])("are short where there is little room: %d", (value, words) => {
    expect(numbers.brief(value)).toBe(words);
  });

  it.each([
    [0.001, 0.001, "+0.0010"],
    [-0.0004, 0.001, "−0.0004"],
    [0.00001, 0.001, "0"],
    [0.02, 0.05, "+0.020"],
    [0.001, 8, "0"],
    [3.1e-9, 4e-9, "+3.1e-9"],
    [0, 4e-9, "0"],
  ])("have more digits where all are small: %d beside %d", (value, largest, words) => {
    expect(numbers.brief(value, largest)).toBe(words);
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
