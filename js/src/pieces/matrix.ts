/**
 * What each token does to each piece of a continuation, as rows and columns.
 *
 * Rows are the pieces, those of a contrast last; columns are the tokens that the model reads before some piece.
 */

import type { Columns } from "../columns";
import type { ExplanationHeader } from "../contract";
import { either } from "../reasons";

export interface Piece {
  of: "target" | "contrast";
  /** Its place among the pieces of its continuation. */
  number: number;
  text: string;
}

/** A token that is read before some piece. */
export interface Read {
  stream: number;
  token: number;
}

export interface Matrix {
  pieces: readonly Piece[];
  read: readonly Read[];
  /** The column from which on tokens are the model's own words, or those of its decoder. */
  apart: number;
  /** Whether the token of a column is read before the piece of a row. */
  is(row: number, column: number): boolean;
  /** The name of a token, as the piece of a row is given it: two continuations differ in their words. */
  name(row: number, column: number): string;
  effect(row: number, column: number): number;
  contribution(row: number, column: number): number;
  logProbability(row: number): number;
}

/** The pieces of a score; fewer than two have nothing that the words of the text do not show. */
export function piecesOf({ score }: Pick<ExplanationHeader, "score">): Piece[] {
  const all = (of: Piece["of"], texts: readonly string[]) =>
    texts.map((text, number): Piece => ({ of, number, text }));
  return [...all("target", score.pieces), ...all("contrast", score.contrast_pieces)];
}

export function matrixOf(
  { score, streams }: Pick<ExplanationHeader, "score" | "streams">,
  columns: Columns,
): Matrix {
  const pieces = piecesOf({ score });
  const [last, begins] = [streams.length - 1, score.continuation ?? 0];
  // The last piece is asked for, and not read.
  const longest = begins + Math.max(0, ...pieces.map(({ number }) => number));
  const read = streams.flatMap(({ tokens }, stream) =>
    tokens
      .slice(0, stream === last ? longest : undefined)
      .map(({ index }): Read => ({ stream, token: index })),
  );
  const reader = (what: string) => {
    const readers = streams.map((_, stream) =>
      columns.reader(`${stream === 0 ? "piece" : "piece_decoder"}_${what}`),
    );
    return (row: number, column: number) => {
      const { stream, token } = read[column] ?? { stream: 0, token: -1 };
      return readers[stream]?.(row, token) ?? Number.NaN;
    };
  };
  const own = (row: number, { stream, token }: Read): string | undefined =>
    stream === last && token >= begins
      ? (pieces[row]?.of === "contrast" ? score.contrast_pieces : score.pieces)[token - begins]
      : undefined;
  return {
    pieces,
    read,
    apart: last === 0 ? begins : (streams[0]?.tokens.length ?? 0),
    is: (row, column) => {
      const { stream, token } = read[column] ?? { stream: -1, token: 0 };
      return stream >= 0 && (stream < last || token < begins + (pieces[row]?.number ?? 0));
    },
    name: (row, column) => {
      const place = read[column] ?? { stream: 0, token: -1 };
      return own(row, place) ?? streams[place.stream]?.tokens[place.token]?.text ?? "";
    },
    effect: reader("effect"),
    contribution: reader("contribution"),
    logProbability: (row) => columns.at("piece_log_probability", row),
  };
}

/** The numbers that are shown, by row and column: tested where that is known, or the estimates alone. */
export function valuesOf(matrix: Matrix, estimates: boolean): Float32Array {
  const count = matrix.read.length;
  return new Float32Array(matrix.pieces.length * count).map((_, place) => {
    const [row, column] = [Math.floor(place / count), place % count];
    if (!matrix.is(row, column)) return Number.NaN;
    const estimate = matrix.contribution(row, column);
    return estimates ? estimate : either(matrix.effect(row, column), estimate);
  });
}

/** Whether a row has any such number. */
export const known = (matrix: Matrix, number: Matrix["effect"], row: number): boolean =>
  matrix.read.some((_, column) => matrix.is(row, column) && !Number.isNaN(number(row, column)));

/** The column of the token that does most to the piece of a row; null where nothing is known of it. */
export function strongest(matrix: Matrix, values: Float32Array, row: number): number | null {
  let found: number | null = null;
  const at = (column: number) => Math.abs(values[row * matrix.read.length + column] ?? Number.NaN);
  matrix.read.forEach((_, column) => {
    if (matrix.is(row, column) && !Number.isNaN(at(column)) && (found === null || at(column) > at(found)))
      found = column;
  });
  return found;
}
