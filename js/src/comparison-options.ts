/** How the table of methods is shown: order of the words, values, scale, and the difference of two methods. */

import type { MethodResult } from "./contract";

/** A row: its number among the methods, or -1 for tested effects that none of them is. */
export type RowIndex = number;

export interface Options {
  /** By whose scores words are ordered; null for the order of the text. */
  words: RowIndex | null;
  /** Whether every score is written in its cell. */
  values: boolean;
  /** Whether tints go to the largest |score| of each row, or of all rows. */
  scale: "row" | "all";
  /** The rows whose difference is shown. */
  minuend: RowIndex | null;
  subtrahend: RowIndex | null;
}

export const AT_FIRST: Options = {
  words: null,
  values: false,
  scale: "row",
  minuend: null,
  subtrahend: null,
};

/** Places of the words from left to right: largest score first, what is not known last. */
export function orderOf(values: readonly number[] | null, count: number): number[] {
  const places = Array.from({ length: count }, (_, place) => place);
  if (values === null) return places;
  const size = (place: number) => values[place] ?? Number.NaN;
  return places.sort((one, other) => {
    const [a, b] = [size(one), size(other)];
    if (Number.isNaN(a) || Number.isNaN(b)) return Number(Number.isNaN(a)) - Number(Number.isNaN(b));
    return b - a;
  });
}

export const peakOfRow = (values: readonly number[]): number =>
  Math.max(0, ...values.filter(Number.isFinite).map(Math.abs));

/**
 * The difference of two rows: of their scores where all have one scale, else of the scores relative to the
 * largest of their row, as they are tinted.
 */
export function differenceOf(
  one: readonly number[],
  other: readonly number[],
  scale: Options["scale"],
): number[] {
  const relative = (values: readonly number[]): number[] => {
    const peak = scale === "all" ? 1 : peakOfRow(values);
    return values.map((value) => (peak > 0 ? value / peak : value));
  };
  const [a, b] = [relative(one), relative(other)];
  return a.map((value, place) => value - (b[place] ?? Number.NaN));
}

/** What a row is called. */
export const rowName = (methods: readonly MethodResult[], row: RowIndex): string =>
  row < 0 ? "tested effect" : (methods[row]?.name ?? "");
