/** Where things are in the route grid: tokens from left to right, layers from the bottom up. */

import type { Layer, ListedStep } from "../contract";

export interface Grid {
  gutter: number;
  cell: number;
  row: number;
  width: number;
  height: number;
  x(token: number): number;
  /** Row of the stream at the input of a layer; `layers` is the row after the last. */
  y(layer: number): number;
}

export function gridOf(tokens: number, layers: number, space: number): Grid {
  const gutter = 60;
  const cell = Math.max(7, Math.min(96, (space - gutter - 8) / Math.max(1, tokens)));
  const row = layers > 24 ? 18 : layers > 8 ? 28 : 40;
  const height = (layers + 1) * row + 8;
  return {
    gutter,
    cell,
    row,
    width: gutter + cell * tokens + 8,
    height,
    x: (token) => gutter + (token + 0.5) * cell,
    y: (layer) => height - (layer + 0.5) * row - 4,
  };
}

// In narrower cells there is no room for a number, and a line would be all that the pointer meets.
const ROOM = 44;

/** Whether a cell has room for a number beside a line. */
export const hasRoom = ({ cell, row }: Grid): boolean => cell >= ROOM && row >= 24;

/** How far a line is moved aside: numbers stand on the right of a cell, and its middle is for clicks. */
export function aside(grid: Grid, place: number): number {
  const apart = [0, 1, -1][place % 3] ?? 0;
  return -0.24 * grid.cell + apart * Math.min(5, 0.1 * grid.cell);
}

/** The row that a step comes from: an attention to another stream reads where that one's own layers end. */
export function rowOf({ layer, branch }: ListedStep, layers: readonly Layer[]): number {
  const own = layers[layer];
  const across = branch === "key" || branch === "value" || branch === "attention";
  if (own === undefined || !across || own.key_stream === own.stream) return layer;
  const read = layers.filter(({ stream }) => stream === own.key_stream).map(({ index }) => index + 1);
  return Math.min(layer, Math.max(0, ...read));
}

/** The line of one step, from its row: straight along the skip, curved where it hops by attention. */
export function stepPath(grid: Grid, step: ListedStep, shift = 0, row = step.layer): string {
  const [x0, y0, x1, y1] = [
    grid.x(step.source) + shift,
    grid.y(row),
    grid.x(step.target) + shift,
    grid.y(step.layer + 1),
  ];
  if (step.branch === "skip") return `M${x0} ${y0}L${x1} ${y1}`;
  const bend = step.source === step.target ? grid.cell * 0.35 : 0;
  const middle = (y0 + y1) / 2;
  return `M${x0} ${y0}C${x0 + bend} ${middle},${x1 + bend} ${middle},${x1} ${y1}`;
}

/** The middle of that line, where its name stands. */
export const middleOf = (
  grid: Grid,
  { source, target, layer }: ListedStep,
  shift = 0,
  row = layer,
): [number, number] => [
  (grid.x(source) + grid.x(target)) / 2 + shift + (source === target ? 0.26 * grid.cell : 0),
  (grid.y(row) + grid.y(layer + 1)) / 2,
];
