import { describe, expect, it } from "vitest";
import { boxOf, cellOf, type Lattice, leftOf, placeAt, placeOf, shownBy, stepFrom } from "./lattice";

const plain: Lattice = {
  ...{ columns: 5, rows: 3, gutter: 60, above: 44, cell: 10, row: 40, upwards: true, named: true },
};
const apart: Lattice = { ...plain, apart: 4, gap: 12 };

describe("a lattice", () => {
  it.each([
    ["plain", plain],
    ["with a column apart", apart],
    ["downwards", { ...plain, upwards: false }],
    ["of tiny cells", { ...plain, cell: 3, row: 3 }],
  ])("meets in the middle of every cell that cell: %s", (_, lattice) => {
    for (let row = 0; row < lattice.rows; row++)
      for (let column = -1; column < lattice.columns; column++) {
        const place = placeOf(lattice, row, column);
        expect(cellOf(lattice, place)).toEqual([row, column]);
        const { left, top, width, height } = boxOf(lattice, place);
        expect(placeAt(lattice, left + width / 2, top + height / 2)).toBe(place);
      }
  });

  it("meets nothing above, below, beside and in the gap", () => {
    for (const [x, y] of [
      [65, 43],
      [65, 44 + 120],
      [60 + 50, 50],
      [-1, 50],
    ])
      expect(placeAt(plain, x ?? 0, y ?? 0)).toBeNull();
    expect(placeAt(apart, 60 + 40 + 6, 50)).toBeNull();
    expect(placeAt(apart, 60 + 40 + 13, 50)).toBe(placeOf(apart, 2, 4));
    expect(placeAt({ ...plain, named: false }, 20, 50)).toBeNull();
  });

  it("goes up to the next layer, and to the left as far as the name of the row", () => {
    const from = placeOf(plain, 1, 0);
    expect(stepFrom(plain, from, 0, 1)).toBe(placeOf(plain, 2, 0));
    expect(stepFrom({ ...plain, upwards: false }, from, 0, 1)).toBe(placeOf(plain, 0, 0));
    expect(stepFrom(plain, from, -1, 0)).toBe(placeOf(plain, 1, -1));
    expect(stepFrom({ ...plain, named: false }, from, -1, 0)).toBeNull();
    expect(stepFrom(plain, placeOf(plain, 2, 4), 0, 1)).toBeNull();
    expect(stepFrom(plain, placeOf(plain, 2, 4), 1, 0)).toBeNull();
  });

  it("draws what a window meets, and no more than a column around it", () => {
    const wide = { ...plain, columns: 500, rows: 24 };
    const window = { left: 1000, top: 300, width: 200, height: 100 };
    const { rows, columns } = shownBy(wide, window);
    expect(columns).toEqual([94, 114]);
    for (const column of [93, 115]) {
      const left = leftOf(wide, column);
      expect(left + wide.cell <= window.left || left >= window.left + window.width).toBe(true);
    }
    expect(rows).toEqual([15, 17]);
  });
});
