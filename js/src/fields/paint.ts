/** Cells on a canvas: tints, edges, numbers. */

import type { Box } from "./face";
import { air, type Lattice, leftOf, shownBy, topOf } from "./lattice";
import type { Palette } from "./palette";

/** A place of the lattice at which there is no cell. */
export const ABSENT = 2;
// Smaller cells have square corners and no edge.
const ROUND = 14;
const RADIUS = 3;

export interface Cells {
  lattice: Lattice;
  /** By row and column, -1 to 1; NaN where the number is not known, `ABSENT` where there is no cell. */
  strengths: Float32Array;
  /** What is printed in a cell; empty where nothing is. */
  printed(row: number, column: number): string;
  align: "right" | "center";
  disabled(row: number, column: number): boolean;
  /** The variable of the stylesheet that has the colour; those of signed numbers where there is none. */
  hue?: string | undefined;
}

export function paintCells(
  context: CanvasRenderingContext2D,
  { lattice, strengths, printed, align, disabled, hue: own }: Cells,
  shown: Box,
  palette: Palette,
): void {
  const { rows, columns } = shownBy(lattice, shown);
  const { cell, row: pitch } = lattice;
  const [width, height] = [cell - air(cell), pitch - air(pitch)];
  const large = Math.min(width, height) >= ROUND;
  const [edges, dashed] = [new Path2D(), new Path2D()];
  const texts: [string, number, number][] = [];
  let hue = "";
  for (let row = rows[0]; row <= rows[1]; row++) {
    const top = topOf(lattice, row) + air(pitch) / 2;
    for (let column = columns[0]; column <= columns[1]; column++) {
      const strength = strengths[row * lattice.columns + column] ?? ABSENT;
      if (strength === ABSENT) continue;
      const left = leftOf(lattice, column) + air(cell) / 2;
      const known = !Number.isNaN(strength);
      const wanted = known ? palette.tint(strength, own) : palette.paper;
      if (wanted !== hue) context.fillStyle = hue = wanted;
      if (!large) {
        context.fillRect(left, top, width, height);
        if (!known) dashed.rect(left + 0.5, top + 0.5, width - 1, height - 1);
        continue;
      }
      context.beginPath();
      context.roundRect(left, top, width, height, RADIUS);
      context.fill();
      const edge = known && !disabled(row, column) ? edges : dashed;
      edge.roundRect(left + 0.5, top + 0.5, width - 1, height - 1, RADIUS);
      const text = known ? printed(row, column) : "";
      if (text !== "")
        texts.push([text, align === "right" ? left + width - 5 : left + width / 2, top + height / 2 + 4]);
    }
  }
  context.lineWidth = 1;
  context.globalAlpha = 0.5;
  context.strokeStyle = palette.line;
  context.stroke(edges);
  context.globalAlpha = 1;
  context.strokeStyle = palette.quiet;
  context.setLineDash([2, 2]);
  context.stroke(dashed);
  context.setLineDash([]);
  context.font = `11px ${palette.font}`;
  context.textAlign = align;
  context.fillStyle = palette.ink;
  for (const [text, x, y] of texts) context.fillText(text, x, y);
}

/** The names of rows, as what they are: buttons. */
export function paintRowNames(
  context: CanvasRenderingContext2D,
  lattice: Lattice,
  name: (row: number) => string,
  disabled: (row: number) => boolean,
  shown: Box,
  palette: Palette,
): void {
  const { rows } = shownBy(lattice, shown);
  context.fillStyle = palette.paper;
  context.fillRect(shown.left, shown.top, shown.width, shown.height);
  context.font = `11px ${palette.font}`;
  context.textAlign = "center";
  context.lineWidth = 1;
  // Names of low rows would stand on each other.
  const every = Math.max(1, Math.ceil(11 / lattice.row));
  for (let row = rows[0] - (rows[0] % every); row <= rows[1]; row += every) {
    const top = topOf(lattice, row) + air(lattice.row) / 2;
    const off = disabled(row);
    if (!lattice.named) {
      context.fillStyle = palette.ink;
      context.textAlign = "right";
      context.fillText(name(row), lattice.gutter - 10, top + lattice.row / 2 + 3);
      continue;
    }
    context.strokeStyle = off ? palette.quiet : palette.line;
    context.setLineDash(off ? [2, 2] : []);
    context.beginPath();
    context.roundRect(2.5, top + 0.5, lattice.gutter - 9, lattice.row - air(lattice.row) - 1, 4);
    context.stroke();
    context.fillStyle = off ? palette.quiet : palette.ink;
    context.fillText(name(row), (lattice.gutter - 4) / 2, top + (lattice.row - air(lattice.row)) / 2 + 4);
  }
  context.setLineDash([]);
}

// Slanted names have room for so many letters, and take so many pixels.
export const LETTERS = 11;
export const SLANTED = 80;
const COLUMN = 6.6;

/** Names of columns beside them: upright where there is room, else slanted, and then as many as can be read. */
export function paintColumnNames(
  context: CanvasRenderingContext2D,
  lattice: Lattice,
  name: (column: number, letters: number) => string,
  { upright, where }: { upright: boolean; where: "top" | "bottom" },
  baseline: number,
  shown: Box,
  palette: Palette,
): void {
  const { columns } = shownBy(lattice, shown);
  context.fillStyle = palette.paper;
  context.fillRect(shown.left, shown.top, shown.width, shown.height);
  context.font = `11px ${palette.font}`;
  context.fillStyle = palette.ink;
  // Slanted names lean to the right above, and end below their column.
  context.textAlign = upright ? "center" : where === "top" ? "left" : "right";
  const every = upright ? 1 : Math.max(1, Math.ceil(11 / lattice.cell));
  // A slanted name reaches beyond its column.
  const beyond = upright ? 0 : Math.ceil(SLANTED / lattice.cell);
  const first = Math.max(0, columns[0] - (where === "top" ? beyond : 0));
  const last = Math.min(lattice.columns - 1, columns[1] + (where === "top" ? 0 : beyond));
  for (let column = first - (first % every); column <= last; column += every) {
    const x = leftOf(lattice, column) + lattice.cell / 2;
    const text = name(column, upright ? lattice.cell / COLUMN : LETTERS);
    if (upright) {
      context.fillText(text, x, baseline);
      continue;
    }
    context.save();
    context.translate(x + 3, baseline);
    context.rotate(-Math.PI / 3);
    context.fillText(text, 0, 0);
    context.restore();
  }
}
