/** Layers by heads: the share of all paths in each, in the whole picture or in the chosen cell. */

import type { Columns } from "../columns";
import type { Face, Lying } from "../fields/face";
import { boxOf, type Lattice, placeOf } from "../fields/lattice";
import { latticeFace, rowBox } from "../fields/lattice-face";
import { ABSENT } from "../fields/paint";
import { percent, tint } from "../layout/numbers";
import type { Target } from "../selection";
import { PRINTED } from "../views/cells";
import type { OverlayHeader } from "./contract";
import { shareAt } from "./maps";
import { layerLabel, shareSentence } from "./words";

const GUTTER = 62;
const ABOVE = 20;
const GAP = 10;
// Pixels of a column: what fingers still meet, and what a number needs.
const NARROWEST = 14;
const WIDEST = 66;
const ROOM = 42;
const LOW = 24;

const latticeOf = (layers: number, heads: number, space: number): Lattice => ({
  columns: 1 + heads,
  rows: layers,
  gutter: GUTTER,
  above: ABOVE,
  cell: Math.max(NARROWEST, Math.min(WIDEST, Math.floor((space - GUTTER - GAP - 8) / (1 + heads)))),
  row: layers > LOW ? 20 : 29,
  upwards: true,
  apart: 1,
  gap: heads > 0 ? GAP : 0,
  named: true,
});

/** The first column is all of a layer, the others are its heads. */
export function layersFace(
  header: OverlayHeader,
  columns: Columns,
  cell: number | null,
  space: number,
): Face {
  const { layers } = header;
  const most = Math.max(0, ...layers.map(({ heads }) => heads));
  const lattice = latticeOf(layers.length, most, space);
  const width = lattice.columns;
  const headAt = (column: number) => (column < 1 ? null : column - 1);
  const shares = Float32Array.from({ length: layers.length * width }, (_, place) => {
    const [row, column] = [Math.floor(place / width), place % width];
    if (column > (layers[row]?.heads ?? 0)) return ABSENT;
    return shareAt(header, columns, row, headAt(column), cell);
  });
  const peak = (whole: boolean) =>
    shares.reduce(
      (best, value, place) =>
        (place % width === 0) === whole && value < ABSENT ? Math.max(best, value) : best,
      0,
    );
  const peaks = [peak(true), peak(false)];
  const strengths = shares.map((value, place) =>
    value === ABSENT || Number.isNaN(value) ? value : tint(value, peaks[place % width === 0 ? 0 : 1] ?? 0),
  );
  return latticeFace(
    {
      lattice,
      strengths,
      printed: (row, column) => {
        const place = row * width + column;
        const room = lattice.cell >= ROOM && (strengths[place] ?? 0) >= PRINTED;
        return room ? percent(shares[place] ?? Number.NaN) : "";
      },
      align: "center",
      disabled: () => false,
    },
    {
      row: (row) => `layer ${row}`,
      column: (column) => (column === 0 ? "all" : `${column - 1}`),
      where: "top",
      upright: true,
    },
    {
      spoken: (row, column) => ({
        label:
          column < 0
            ? layerLabel(row, layers[row] as OverlayHeader["layers"][number])
            : shareSentence(header, columns, row, headAt(column), cell),
        target: column < 1 ? { layer: row } : { layer: row, head: column - 1 },
        disabled: false,
      }),
      lying: (target) => lying(target, layers.length, lattice),
    },
  );
}

function lying({ layer, head, token }: Target, rows: number, lattice: Lattice): Lying[] {
  if (layer === undefined || layer === null || layer >= rows || (token ?? null) !== null) return [];
  const box = (column: number) => boxOf(lattice, placeOf(lattice, layer, column));
  if ((head ?? null) !== null) return [{ box: box((head ?? 0) + 1), own: true }];
  return [
    { box: box(0), own: true },
    { box: rowBox(lattice, layer), own: false },
  ];
}
