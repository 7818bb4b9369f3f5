import { describe, expect, it } from "vitest";
import { across, boxOf, evenly, partsIn, placeAt, rasterOf, sizeOf } from "./raster";

// Ten pixels in three parts, as Python cuts them.
const uneven = rasterOf({ rows: [0, 4], columns: [0, 3, 6, 10] });

describe("a raster", () => {
  it("meets each place in its own box, and nothing beside the picture", () => {
    for (const raster of [uneven, evenly(3, 5)])
      for (let place = 0; place < sizeOf(raster); place++) {
        const { left, top, width, height } = boxOf(raster, place);
        expect(placeAt(raster, left + 1e-9, top + 1e-9)).toBe(place);
        expect(placeAt(raster, left + width - 1e-9, top + height - 1e-9)).toBe(place);
      }
    for (const [x, y] of [
      [-0.01, 0.5],
      [1, 0.5],
      [0.5, 1],
    ] as const)
      expect(placeAt(uneven, x, y)).toBeNull();
  });

  it("has boxes in pixels", () => {
    expect(boxOf(uneven, 2, 100, 40)).toEqual({ left: 60, top: 0, width: 40, height: 40 });
  });

  it("tells a part of each place in a box, and in all boxes the whole of each", () => {
    expect(partsIn(evenly(2, 2), boxOf(evenly(4, 4), 5))).toEqual([[0, 0.25]]);
    expect(partsIn(evenly(4, 4), boxOf(evenly(2, 2), 3)).map(([place]) => place)).toEqual([10, 11, 14, 15]);
    expect(partsIn(evenly(3, 3), boxOf(evenly(3, 3), 4))).toEqual([[4, 1]]);
    const whole = new Float64Array(6);
    for (let place = 0; place < sizeOf(uneven); place++)
      for (const [other, part] of partsIn(evenly(2, 3), boxOf(uneven, place)))
        whole[other] = (whole[other] ?? 0) + part;
    for (const sum of whole) expect(sum).toBeCloseTo(1);
  });

  it("leads from a place to that of another at its middle", () => {
    expect(across(evenly(1, 2), 1, evenly(2, 4))).toBe(7);
    expect(across(evenly(2, 4), 6, evenly(1, 2))).toBe(1);
  });
});
