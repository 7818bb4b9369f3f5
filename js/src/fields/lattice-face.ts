/** A face of rows and columns: what `Lattice` knows of places, what `Cells` says of numbers, and names. */

import { shortened } from "../labels";
import type { Target } from "../selection";
import type { Box, Face, Lying, Spoken, Strip } from "./face";
import {
  boxOf,
  cellOf,
  heightOf,
  type Lattice,
  leftOf,
  placeAt,
  placeOf,
  stepFrom,
  topOf,
  widthOf,
} from "./lattice";
import { ABSENT, type Cells, paintCells, paintColumnNames, paintRowNames, SLANTED } from "./paint";

export interface Lettering {
  /** The name of a row; those of columns, above or below. */
  row(row: number): string;
  column(column: number): string;
  where: "top" | "bottom";
  upright: boolean;
}

export interface Meaning {
  /** A cell, or with column -1 the name of its row, in words and as a part. */
  spoken(row: number, column: number): Spoken;
  lying(target: Target, lattice: Lattice): Lying[];
}

const UPRIGHT = 20;

/** Pixels that names of columns take. */
export const depthOf = (upright: boolean): number => (upright ? UPRIGHT : SLANTED);

export function latticeFace(cells: Cells, names: Lettering, meaning: Meaning): Face {
  const { lattice, strengths } = cells;
  const depth = depthOf(names.upright);
  const height = heightOf(lattice) + (names.where === "bottom" ? depth : 0);
  const is = (row: number, column: number) =>
    column < 0 ? lattice.named : (strengths[row * lattice.columns + column] ?? ABSENT) !== ABSENT;
  const has = (place: number) => {
    const [row, column] = cellOf(lattice, place);
    return row >= 0 && row < lattice.rows && column < lattice.columns && is(row, column);
  };
  const below: Strip = {
    edge: names.where,
    size: depth,
    paint: (context, shown, palette) => {
      const name = (column: number, letters: number) => shortened(names.column(column), letters);
      const baseline = shown.top + (names.where === "top" ? depth - 5 : names.upright ? 14 : 9);
      paintColumnNames(context, lattice, name, names, baseline, shown, palette);
    },
  };
  const beside: Strip = {
    edge: "left",
    size: lattice.gutter - 4,
    paint: (context, shown, palette) => {
      const off = (row: number) => lattice.named && cells.disabled(row, -1);
      const name = (row: number) => (lattice.named ? names.row(row) : shortened(names.row(row), 9));
      paintRowNames(context, lattice, name, off, shown, palette);
    },
  };
  return {
    // The last of the slanted names reaches beyond its column.
    width: widthOf(lattice) + 4 + (names.where === "top" && !names.upright ? UPRIGHT * 2 : 0),
    height,
    strips: [below, beside],
    paint: (context, shown, palette) => paintCells(context, cells, shown, palette),
    at: (x, y) => {
      const place = placeAt(lattice, x, y);
      return place !== null && has(place) ? place : null;
    },
    first: strengths.length === 0 ? null : placeOf(lattice, lattice.upwards ? lattice.rows - 1 : 0, 0),
    has,
    box: (place) => boxOf(lattice, place),
    step: (place, right, up) => {
      let next: number | null = place;
      // Past what is not there: rows may be shorter than the longest.
      do next = stepFrom(lattice, next, right, up);
      while (next !== null && !has(next));
      return next;
    },
    ends: (place) => {
      const [row] = cellOf(lattice, place);
      let last = lattice.columns - 1;
      while (last > 0 && !is(row, last)) last -= 1;
      return [placeOf(lattice, row, lattice.named ? -1 : 0), placeOf(lattice, row, last)];
    },
    spoken: (place) => meaning.spoken(...cellOf(lattice, place)),
    lying: (target) => meaning.lying(target, lattice),
  };
}

/** All of a row, and all of a column, for what has to do with many cells. */
export const rowBox = (lattice: Lattice, row: number): Box => ({
  left: lattice.gutter,
  top: topOf(lattice, row),
  width: widthOf(lattice) - lattice.gutter,
  height: lattice.row,
});

export const columnBox = (lattice: Lattice, column: number, from: number, to: number): Box => {
  const [one, other] = [topOf(lattice, from), topOf(lattice, to)];
  return {
    left: leftOf(lattice, column),
    top: Math.min(one, other),
    width: lattice.cell,
    height: Math.abs(one - other) + lattice.row,
  };
};
