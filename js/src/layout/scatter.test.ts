import { describe, expect, it } from "vitest";
import { squareOf } from "./scatter";

describe("a square of points", () => {
  it("has one scale for both axes, zero, and room for all", () => {
    const { x, y, low, high, ticks } = squareOf([-2, 9.03, Number.NaN], 300, 30);
    expect(x(low)).toBe(30);
    expect(x(high)).toBe(300);
    expect(y(high)).toBe(0);
    expect(x(2) - x(1)).toBeCloseTo(y(1) - y(2));
    expect(low).toBeLessThan(-2);
    expect(high).toBeGreaterThan(9.03);
    expect(ticks).toEqual([-2, 0, 9]);
  });

  it("begins or ends with zero, and is never flat", () => {
    // No label on another one.
    expect(squareOf([-0.9, 9], 300, 30).ticks).toEqual([0, 9]);
    expect(squareOf([0.25, 0.5], 300, 30).ticks).toEqual([0, 0.5]);
    const { x, low, high } = squareOf([], 300, 30);
    expect(high).toBeGreaterThan(low);
    expect(Number.isFinite(x(0))).toBe(true);
  });
});
