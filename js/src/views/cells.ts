/** The cells of the route grid, one for every token at every layer, as a picture. */

import type { ExplanationHeader, Layer } from "../contract";
import { availability } from "../fields/available";
import type { Face, Lying } from "../fields/face";
import type { Lattice } from "../fields/lattice";
import { boxOf, placeOf } from "../fields/lattice";
import { columnBox, latticeFace, rowBox } from "../fields/lattice-face";
import { ABSENT } from "../fields/paint";
import { type Grid, hasRoom } from "../layout/grid";
import { isNegative, measureOf, tinting } from "../measures";
import { type Numbers, numbersOf } from "../numbers";
import type { Target } from "../selection";
import { short } from "../short";
import { sifted } from "../sieve";
import type { State } from "../store";

// Paler cells have a number that does not matter.
export const PRINTED = 0.3;
// In narrower cells no name stands upright.
const UPRIGHT = 44;

/** Where the cells of a grid are; above them is room for the score. */
export const latticeOf = (grid: Grid, tokens: number, layers: number): Lattice => ({
  columns: tokens,
  rows: layers,
  gutter: grid.gutter,
  above: grid.row + 4,
  cell: grid.cell,
  row: grid.row,
  upwards: true,
  named: true,
});

export function cellsFace(state: State, summary: ExplanationHeader, grid: Grid): Face {
  const numbers = numbersOf(state, measureOf(state, summary), "node");
  const { measure } = numbers;
  const { layers, streams } = summary;
  const tokensOf = (row: number) => streams[layers[row]?.stream ?? 0]?.tokens ?? [];
  const columns = Math.max(1, ...streams.map(({ tokens }) => tokens.length));
  const values = new Float32Array(layers.length * columns).fill(Number.NaN);
  layers.forEach(({ index }, row) => {
    for (const token of tokensOf(row)) values[row * columns + token.index] = numbers.at(index, token.index);
  });
  const strength = tinting(measure, numbers.peak === null ? values : [numbers.peak]);
  const all = values.map((value, place) => {
    if (place % columns >= tokensOf(Math.floor(place / columns)).length) return ABSENT;
    return Number.isNaN(value) ? value : isNegative(measure, value) ? -strength(value) : strength(value);
  });
  const strengths = sifted(state.sieve, all);
  const printing = hasRoom(grid);
  const { target, label } = cellPlaces(summary, numbers);
  const available = availability(state);
  const disabled = (row: number, column: number) => !available(target(row, column));
  const named = streams[0]?.tokens ?? [];
  return latticeFace(
    {
      lattice: latticeOf(grid, columns, layers.length),
      strengths,
      printed: (row, column) => {
        const tint = Math.abs(strengths[row * columns + column] ?? 0);
        return printing && tint >= PRINTED
          ? short(measure, values[row * columns + column] ?? Number.NaN, numbers.peak)
          : "";
      },
      align: "right",
      disabled,
    },
    {
      row: (row) => `layer ${layers[row]?.index}`,
      column: (column) => named[column]?.text ?? "",
      where: "bottom",
      upright: grid.cell >= UPRIGHT,
    },
    {
      spoken: (row, column) => ({
        label: label(row, column),
        target: target(row, column),
        disabled: disabled(row, column),
      }),
      lying: (part, lattice) => lyingIn(part, layers, lattice),
    },
  );
}

/** What the places of a picture stand for, and how they are called; column -1 is the name of a row. */
export interface Places {
  target(row: number, column: number): Target;
  label(row: number, column: number): string;
}

export const layerLabel = ({ index = 0, name = "" }: Partial<Layer> = {}): string =>
  `layer ${index}: the attention of layer ${index}, ${name}`;

/** Rows are layers, columns the tokens of their streams. */
export function cellPlaces(
  { layers, streams }: Pick<ExplanationHeader, "layers" | "streams">,
  numbers: Pick<Numbers, "say">,
): Places {
  return {
    target: (row, column) => {
      const { index, stream } = layers[row] ?? { index: 0, stream: 0 };
      return column < 0 ? { layer: index } : { layer: index, token: column, stream };
    },
    label: (row, column) => {
      const { index, stream } = layers[row] ?? { index: 0, stream: 0 };
      if (column < 0) return layerLabel(layers[row]);
      return `${streams[stream]?.tokens[column]?.text} at layer ${index}: ${numbers.say(index, column)}`;
    },
  };
}

/** Where a part lies among the cells. */
export function lyingIn(
  { layer, branch, head, token, stream }: Target,
  layers: readonly Layer[],
  lattice: Lattice,
): Lying[] {
  if ((branch ?? null) !== null || (head ?? null) !== null) return [];
  const rows = layers.flatMap((described, row) =>
    layer === undefined || layer === null
      ? described.stream === (stream ?? 0)
        ? [row]
        : []
      : described.index === layer
        ? [row]
        : [],
  );
  const [from, to] = [rows[0], rows.at(-1)];
  if (from === undefined || to === undefined) return [];
  if (token === undefined || token === null) {
    const name = { box: boxOf(lattice, placeOf(lattice, from, -1)), own: true };
    return [name, { box: rowBox(lattice, from), own: false }];
  }
  if (layer !== undefined && layer !== null)
    return [{ box: boxOf(lattice, placeOf(lattice, from, token)), own: true }];
  return [{ box: columnBox(lattice, token, from, to), own: false }];
}
