/** One side of the grids: words by layers, and layers by heads with their MLPs. */

import type { BesideHeader } from "../contract";
import { availability } from "../fields/available";
import type { Face } from "../fields/face";
import { latticeFace } from "../fields/lattice-face";
import { ABSENT } from "../fields/paint";
import { gridOf, hasRoom } from "../layout/grid";
import type { Target } from "../selection";
import type { State } from "../store";
import { cellPlaces, latticeOf as gridLattice, lyingIn, PRINTED } from "../views/cells";
import { latticeOf as headLattice, headPlaces, lying as lyingAmongHeads } from "../views/heads";
import { type Compared, comparedOf, type Side, stateOf } from "./compared";

// In narrower cells no name stands upright, and of heads no number has room.
const UPRIGHT = 44;
const ROOM = 40;

/** What a part may be asked: one that was tested on either side, or of which there is an answer. */
function disabledIn(state: State): (target: Target) => boolean {
  const { holds } = state;
  const sides = ([0, 1] as const).map((side) => availability({ ...stateOf(state, side), holds }));
  return (target) => !sides.some((available) => available(target));
}

export function cellsOf(state: State, summary: BesideHeader, side: Side, space: number): Face {
  const compared = comparedOf(state, summary, "node");
  const { layers, streams } = summary;
  const columns = Math.max(1, ...streams.map(({ tokens }) => tokens.length));
  const grid = gridOf(columns, layers.length, space);
  const tokensOf = (row: number) => streams[layers[row]?.stream ?? 0]?.tokens ?? [];
  const values = new Float32Array(layers.length * columns).fill(Number.NaN);
  const strengths = new Float32Array(values.length).fill(ABSENT);
  layers.forEach(({ index }, row) => {
    for (const token of tokensOf(row)) {
      const value = compared.at(side, index, token.index);
      values[row * columns + token.index] = value;
      strengths[row * columns + token.index] = compared.strength(side, value);
    }
  });
  const printing = hasRoom(grid);
  const off = disabledIn(state);
  const { target, label } = cellPlaces(summary, compared);
  return latticeFace(
    {
      // No score stands above these.
      lattice: { ...gridLattice(grid, columns, layers.length), above: 4 },
      strengths,
      printed: (row, column) => printed(compared, side, values, strengths, row * columns + column, printing),
      align: "right",
      disabled: (row, column) => off(target(row, column)),
    },
    {
      row: (row) => `layer ${layers[row]?.index}`,
      column: (column) => namesOf(summary, side)[column] ?? "",
      where: "bottom",
      upright: grid.cell >= UPRIGHT,
    },
    {
      spoken: (row, column) => ({
        label: label(row, column),
        target: target(row, column),
        disabled: off(target(row, column)),
      }),
      lying: (part, lattice) => lyingIn(part, layers, lattice),
    },
  );
}

/** What the columns are called: as that side has them, and where both stand as both are. */
const namesOf = ({ words, streams }: BesideHeader, side: Side): readonly string[] =>
  side === 2
    ? (streams[0]?.tokens ?? []).map(({ text }) => text)
    : (words[0] ?? []).map((both) => both[side] || "·");

export function headsOf(state: State, summary: BesideHeader, side: Side, space: number): Face {
  const [heads, mlps] = [comparedOf(state, summary, "head"), comparedOf(state, summary, "mlp")];
  const { layers } = summary;
  const most = Math.max(0, ...layers.map((layer) => layer.heads));
  const columns = most + 1;
  const values = new Float32Array(layers.length * columns).fill(Number.NaN);
  const strengths = new Float32Array(values.length).fill(ABSENT);
  layers.forEach(({ index, heads: count }, row) => {
    for (let column = 0; column < columns; column++) {
      if (column >= count && column < most) continue;
      const [own, where] = column === most ? [mlps, [index]] : [heads, [index, column]];
      const value = own.at(side, ...where);
      values[row * columns + column] = value;
      strengths[row * columns + column] = own.strength(side, value);
    }
  });
  const { target, names, label } = headPlaces(layers, most, heads, mlps);
  const off = disabledIn(state);
  const lattice = headLattice(layers, most, space);
  return latticeFace(
    {
      lattice,
      strengths,
      printed: (row, column) => {
        const own = column === most ? mlps : heads;
        return printed(own, side, values, strengths, row * columns + column, lattice.cell >= ROOM);
      },
      align: "center",
      disabled: (row, column) => off(target(row, column)),
    },
    names,
    {
      spoken: (row, column) => ({
        label: label(row, column),
        target: target(row, column),
        disabled: off(target(row, column)),
      }),
      lying: (part) => lyingAmongHeads(part, layers, most, lattice),
    },
  );
}

/** A number in a cell, where it matters and has room. */
function printed(
  compared: Compared,
  side: Side,
  values: Float32Array,
  strengths: Float32Array,
  place: number,
  room: boolean,
): string {
  if (!room || Math.abs(strengths[place] ?? 0) < PRINTED) return "";
  return compared.short(side, values[place] ?? Number.NaN);
}
