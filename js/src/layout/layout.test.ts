import { describe, expect, it } from "vitest";
import { aside, gridOf, stepPath } from "./grid";
import { logTint, percent, power, signed, tint } from "./numbers";

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
  it("writes shares and weights for people", () => {
    expect(percent(0.5)).toBe("50 %");
    expect(percent(0.00001)).toBe("1e-3 %");
    expect(percent(Number.NaN)).toBe("not known");
    expect(power(Math.log(0.25))).toBe("0.25");
    expect(power(-100)).toBe("3.7e-44");
    expect(power(null)).toBe("–");
    expect(signed(0.2841)).toBe("+0.284");
    expect(signed(-3.14e-9)).toBe("−3.1e-9");
  });

  it("tints unknown numbers with nothing", () => {
    expect(tint(Number.NaN, 1)).toBe(0);
    expect(tint(1, 4)).toBe(0.5);
    expect(logTint(-6, 0)).toBe(0.5);
    expect(logTint(Number.NEGATIVE_INFINITY, 0)).toBe(0);
  });
});
