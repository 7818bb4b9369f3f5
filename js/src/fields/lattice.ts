/** Rows and columns of cells: where each is, and which one a point meets, by arithmetic alone. */

import type { Box } from "./face";

export interface Lattice {
  columns: number;
  rows: number;
  /** Pixels before the first column, in which the row has its name. */
  gutter: number;
  /** Pixels above the first row. */
  above: number;
  /** Pixels from one column, or row, to the next. */
  cell: number;
  row: number;
  /** Whether row 0 is the lowest. */
  upwards: boolean;
  /** The column from which on all are moved to the right by `gap`. */
  apart?: number;
  gap?: number;
  /** Whether rows have names that can be chosen. */
  named: boolean;
}

const moved = ({ apart, gap = 0 }: Lattice, column: number): number =>
  apart !== undefined && column >= apart ? gap : 0;

export const leftOf = (lattice: Lattice, column: number): number =>
  lattice.gutter + column * lattice.cell + moved(lattice, column);

export const topOf = ({ above, row, rows, upwards }: Lattice, index: number): number =>
  above + (upwards ? rows - 1 - index : index) * row;

export const widthOf = (lattice: Lattice): number => leftOf(lattice, lattice.columns);

export const heightOf = ({ above, row, rows }: Lattice): number => above + rows * row;

/** The id of a cell; column -1 is the name of its row. */
export const placeOf = ({ columns }: Lattice, row: number, column: number): number =>
  row * (columns + 1) + column + 1;

export const cellOf = ({ columns }: Lattice, place: number): [number, number] => [
  Math.floor(place / (columns + 1)),
  (place % (columns + 1)) - 1,
];

/** The row at a height; null above and below all of them. */
export function rowAt({ above, row, rows, upwards }: Lattice, y: number): number | null {
  const index = Math.floor((y - above) / row);
  if (index < 0 || index >= rows) return null;
  return upwards ? rows - 1 - index : index;
}

/** The column at a distance from the left; null beside all of them and in the gap. */
export function columnAt(lattice: Lattice, x: number): number | null {
  const { gutter, cell, columns, apart = columns, gap = 0 } = lattice;
  const plain = Math.floor((x - gutter) / cell);
  if (plain < apart) return plain < 0 || plain >= columns ? null : plain;
  const behind = Math.floor((x - gutter - gap) / cell);
  return behind < apart || behind >= columns ? null : behind;
}

/** The cell that a point meets. */
export function placeAt(lattice: Lattice, x: number, y: number): number | null {
  const row = rowAt(lattice, y);
  if (row === null) return null;
  if (x < lattice.gutter) return lattice.named && x >= 0 ? placeOf(lattice, row, -1) : null;
  const column = columnAt(lattice, x);
  return column === null ? null : placeOf(lattice, row, column);
}

/** Where a cell is drawn: a little apart from its neighbours. */
export function boxOf(lattice: Lattice, place: number): Box {
  const [row, column] = cellOf(lattice, place);
  const [top, height] = [topOf(lattice, row) + air(lattice.row) / 2, lattice.row - air(lattice.row)];
  if (column < 0) return { left: 2, top, width: lattice.gutter - 8, height };
  const left = leftOf(lattice, column) + air(lattice.cell) / 2;
  return { left, top, width: lattice.cell - air(lattice.cell), height };
}

/** Between small cells a gap would be all that is seen of them. */
export const air = (pitch: number): number => (pitch >= 7 ? 2 : pitch >= 4 ? 1 : 0);

export function stepFrom(lattice: Lattice, place: number, right: number, up: number): number | null {
  const [row, column] = cellOf(lattice, place);
  const next = row + (lattice.upwards ? up : -up);
  const beside = column + right;
  if (next < 0 || next >= lattice.rows || beside >= lattice.columns) return null;
  if (beside < (lattice.named ? -1 : 0)) return null;
  return placeOf(lattice, next, beside);
}

/** The first and the last of `count` strips of a width that a window meets. */
export const between = (from: number, to: number, pitch: number, count: number): [number, number] => [
  Math.max(0, Math.floor(from / pitch)),
  Math.min(count - 1, Math.floor(to / pitch)),
];

/** The rows and columns that a window meets, in the order of drawing. */
export function shownBy(
  lattice: Lattice,
  { left, top, width, height }: Box,
): {
  rows: [number, number];
  columns: [number, number];
} {
  const { gutter, cell, row, above, rows, columns, upwards, gap = 0 } = lattice;
  const [first, last] = between(top - above, top + height - above, row, rows);
  return {
    rows: upwards ? [rows - 1 - last, rows - 1 - first] : [first, last],
    columns: between(left - gutter - gap, left + width - gutter, cell, columns),
  };
}
