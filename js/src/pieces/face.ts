/** The picture of a matrix: a cell for each token before each piece; the name of a row asks for that piece. */

import type { ExplanationHeader } from "../contract";
import { availability } from "../fields/available";
import type { Face, Lying, Spoken } from "../fields/face";
import type { Lattice } from "../fields/lattice";
import { boxOf, placeOf } from "../fields/lattice";
import { columnBox, depthOf, latticeFace } from "../fields/lattice-face";
import { ABSENT } from "../fields/paint";
import { shortened } from "../labels";
import { brief, number, signed, tint } from "../layout/numbers";
import { tokenName } from "../part-names";
import type { Target } from "../selection";
import type { State } from "../store";
import { PRINTED } from "../views/cells";
import { type Matrix, strongest } from "./matrix";

const GUTTER = 84;
const GAP = 12;
// Pixels of a column: what fingers still meet, and what a number needs.
const NARROWEST = 12;
const WIDEST = 72;
const ROOM = 40;
const UPRIGHT = 44;
// Letters of a row's name.
const NAME = 10;
const MANY = 24;

export interface Shown {
  matrix: Matrix;
  values: Float32Array;
  /** The largest of them in size: the end of the scale. */
  peak: number;
}

export function shownOf(matrix: Matrix, values: Float32Array): Shown {
  return {
    matrix,
    values,
    peak: values.reduce((most, one) => Math.max(most, Math.abs(one) || 0), 0),
  };
}

export function latticeOf({ pieces, read, apart }: Matrix, space: number): Lattice {
  const fitting = Math.floor((space - GUTTER - GAP - 8) / Math.max(1, read.length));
  const cell = Math.max(NARROWEST, Math.min(WIDEST, fitting));
  return {
    columns: read.length,
    rows: pieces.length,
    gutter: GUTTER,
    above: depthOf(cell >= UPRIGHT),
    cell,
    row: pieces.length > MANY ? 24 : 29,
    upwards: false,
    ...(apart > 0 && apart < read.length ? { apart, gap: GAP } : {}),
    named: true,
  };
}

/** @param ask asks for the piece of a row; null where that cannot be asked for. */
export function piecesFace(
  state: Pick<State, "holds" | "columns" | "selection" | "adding">,
  summary: ExplanationHeader,
  shown: Shown,
  space: number,
  ask: (row: number) => (() => void) | null,
): Face {
  const { matrix, values, peak } = shown;
  const count = matrix.read.length;
  const strengths = values.map((value, place) => {
    if (!matrix.is(Math.floor(place / count), place % count)) return ABSENT;
    return Number.isNaN(value) ? value : value < 0 ? -tint(value, peak) : tint(value, peak);
  });
  const available = availability(state);
  const target = (column: number): Target => matrix.read[column] ?? {};
  const lattice = latticeOf(matrix, space);
  const spoken = (row: number, column: number): Spoken => {
    if (column >= 0)
      return {
        label: cellLabel(shown, row, column),
        target: target(column),
        disabled: !available(target(column)),
      };
    const acts = ask(row);
    return {
      label: `${rowLabel(shown, row)}${acts === null ? "" : ". Asks for this piece alone"}`,
      target: null,
      disabled: acts === null,
      ...(acts === null ? {} : { acts }),
    };
  };
  return latticeFace(
    {
      lattice,
      strengths,
      printed: (row, column) => {
        const strength = Math.abs(strengths[row * count + column] ?? 0);
        return lattice.cell >= ROOM && strength >= PRINTED
          ? brief(values[row * count + column] ?? null, peak)
          : "";
      },
      align: "center",
      disabled: (row, column) => (column < 0 ? ask(row) === null : !available(target(column))),
    },
    {
      row: (row) => shortened(rowName(matrix, row), NAME),
      column: (column) => {
        const { stream, token } = matrix.read[column] ?? { stream: 0, token: 0 };
        return summary.streams[stream]?.tokens[token]?.text ?? "";
      },
      where: "top",
      upright: lattice.cell >= UPRIGHT,
    },
    { spoken, lying: (part) => lying(part, matrix, lattice) },
  );
}

const rowName = ({ pieces }: Matrix, row: number): string => {
  const { of, text } = pieces[row] ?? { of: "target", text: "" };
  // As a score is written: the one minus the other.
  return of === "contrast" ? `− ${text}` : text;
};

/** A piece in words: how probable it is, and what does most to it. */
export function rowLabel({ matrix, values }: Shown, row: number): string {
  const { of, text } = matrix.pieces[row] ?? { of: "target", text: "" };
  const own = matrix.pieces.filter((piece) => piece.of === of);
  const most = strongest(matrix, values, row);
  const value = values[row * matrix.read.length + (most ?? 0)] ?? Number.NaN;
  const by = most === null ? "" : `, most by ${matrix.name(row, most)} ${signed(value)}`;
  const which = `piece ${(matrix.pieces[row]?.number ?? 0) + 1} of ${own.length}${of === "contrast" ? " of the contrast" : ""}`;
  return `${text}, ${which}: log-probability ${number(matrix.logProbability(row))}${by}`;
}

/** A cell in words. */
export function cellLabel({ matrix }: Shown, row: number, column: number): string {
  const [tested, estimated] = [matrix.effect(row, column), matrix.contribution(row, column)];
  const pair = `${matrix.name(row, column)} → ${matrix.pieces[row]?.text}`;
  if (Number.isNaN(tested))
    return Number.isNaN(estimated)
      ? `${pair}: not known yet`
      : `${pair}: contribution ${signed(estimated)} (estimated)`;
  const predicted = Number.isNaN(estimated) ? "" : `, predicted ${signed(estimated)}`;
  return `${pair}: effect ${signed(tested)} (tested${predicted})`;
}

function lying({ layer, branch, head, token, stream }: Target, matrix: Matrix, lattice: Lattice): Lying[] {
  if ([layer, branch, head].some((one) => (one ?? null) !== null)) return [];
  const column = matrix.read.findIndex((one) => one.token === token && one.stream === (stream ?? 0));
  const rows = matrix.pieces.flatMap((_, row) => (matrix.is(row, column) ? [row] : []));
  const [from, to] = [rows[0], rows.at(-1)];
  if (column < 0 || from === undefined || to === undefined) return [];
  if (from === to) return [{ box: boxOf(lattice, placeOf(lattice, from, column)), own: false }];
  return [{ box: columnBox(lattice, column, from, to), own: false }];
}

/** A token as the head of a column of the table. */
export const columnName = (summary: ExplanationHeader, { read }: Matrix, column: number): string => {
  const { stream, token } = read[column] ?? { stream: 0, token: 0 };
  return tokenName(summary, token, stream);
};
