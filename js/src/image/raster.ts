/** How a picture is cut into places: edges from 0 to 1, which one a point meets, and what lies in what. */

import type { Box } from "../fields/face";
import type { Grid } from "./contract";

export interface Raster {
  /** Edges of rows and columns, each from 0 to 1. */
  rows: readonly number[];
  columns: readonly number[];
}

export function rasterOf({ rows, columns }: Grid): Raster {
  const whole = (edges: readonly number[]) => edges.map((edge) => edge / (edges.at(-1) || 1));
  return { rows: whole(rows), columns: whole(columns) };
}

/** Equal places, as a layer has them. */
export function evenly(rows: number, columns: number): Raster {
  const edges = (count: number) => Array.from({ length: count + 1 }, (_, edge) => edge / count);
  return { rows: edges(rows), columns: edges(columns) };
}

export const widthOf = ({ columns }: Raster): number => columns.length - 1;

export const sizeOf = (raster: Raster): number => widthOf(raster) * (raster.rows.length - 1);

export const rowOf = (raster: Raster, place: number): [number, number] => [
  Math.floor(place / widthOf(raster)),
  place % widthOf(raster),
];

export function boxOf(raster: Raster, place: number, width = 1, height = 1): Box {
  const [row, column] = rowOf(raster, place);
  const [left = 0, right = 0] = raster.columns.slice(column);
  const [top = 0, bottom = 0] = raster.rows.slice(row);
  return {
    left: left * width,
    top: top * height,
    width: (right - left) * width,
    height: (bottom - top) * height,
  };
}

/** The place at a point, from 0 to 1 along each side; null beside all. */
export function placeAt(raster: Raster, x: number, y: number): number | null {
  const within = (edges: readonly number[], value: number) =>
    value < 0 || value >= 1 ? -1 : edges.findLastIndex((edge) => edge <= value);
  const [row, column] = [within(raster.rows, y), within(raster.columns, x)];
  return row < 0 || column < 0 ? null : row * widthOf(raster) + column;
}

/** The place of another raster at the middle of a place. */
export function across(from: Raster, place: number, to: Raster): number {
  const { left, top, width, height } = boxOf(from, place);
  return placeAt(to, left + width / 2, top + height / 2) ?? 0;
}

/** The part of each place of a raster that lies in a box: of those with none nothing is said. */
export function partsIn(raster: Raster, box: Box): [number, number][] {
  const shares = (edges: readonly number[], from: number, size: number) =>
    edges.slice(1).map((end, index) => {
      const start = edges[index] ?? 0;
      return Math.max(0, Math.min(end, from + size) - Math.max(start, from)) / (end - start);
    });
  const [rows, columns] = [
    shares(raster.rows, box.top, box.height),
    shares(raster.columns, box.left, box.width),
  ];
  return rows.flatMap((part, row) =>
    columns.flatMap((other, column): [number, number][] =>
      // What rounding leaves is no part.
      part * other > 1e-6 ? [[row * columns.length + column, part * other]] : [],
    ),
  );
}
