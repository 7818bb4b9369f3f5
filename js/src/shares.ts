/** The shares of one head between tokens, out of the bytes that its map is sent in. */

import type { State } from "./store";

/** Reads the share of a query and a key, of one kind of operand: a byte is the root of a share, as a tint is. */
export function shareIn(
  { header, columns }: NonNullable<State["map"]>,
  kind: number,
): (query: number, key: number) => number {
  const read = columns.reader("map");
  const peak = header.peak[kind] ?? 0;
  return (query, key) => (read(kind, query, key) / 255) ** 2 * peak;
}
