/** Where things are in the route grid: tokens from left to right, layers from the bottom up. */

import type { ListedStep } from "../contract";

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
  const gutter = 52;
  const cell = Math.max(7, Math.min(56, (space - gutter - 8) / Math.max(1, tokens)));
  const row = layers > 24 ? 18 : 30;
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

/** How far the line of a route is moved aside, so that routes with long stretches in common stay apart. */
export function aside(grid: Grid, rank: number): number {
  // None is on the middle of the cells: there a click means the cell.
  return Math.min(6, 0.14 * grid.cell) * (Math.floor((rank % 8) / 2) + 0.5) * (rank % 2 === 0 ? 1 : -1);
}

/** The line of one step: straight along the skip, curved where it hops by attention. */
export function stepPath(grid: Grid, step: ListedStep, shift = 0): string {
  const [x0, y0, x1, y1] = [
    grid.x(step.source) + shift,
    grid.y(step.layer),
    grid.x(step.target) + shift,
    grid.y(step.layer + 1),
  ];
  if (step.branch === "skip") return `M${x0} ${y0}L${x1} ${y1}`;
  const bend = step.source === step.target ? grid.cell * 0.35 : 0;
  const middle = (y0 + y1) / 2;
  return `M${x0} ${y0}C${x0 + bend} ${middle},${x1 + bend} ${middle},${x1} ${y1}`;
}
