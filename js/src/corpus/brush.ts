/** Which texts are chosen: those of some groups whose two numbers lie in a box. */

import { number } from "../layout/numbers";
import type { CorpusHeader } from "./contract";

/** The lowest and the highest of what lies to the right, and of what lies upwards. */
export type Box = readonly [number, number, number, number];

export interface Brush {
  /** Places of the two numbers among those of the corpus. */
  x: number;
  y: number;
  box: Box | null;
  /** Places of the chosen groups; none for all of them. */
  groups: readonly number[];
}

export const isAll = ({ box, groups }: Brush): boolean => box === null && groups.length === 0;

export const chosen = ({ groups }: Brush, group: number): boolean =>
  groups.length === 0 || groups.includes(group);

/** Whether two numbers lie in a box; they came with the digits of a float32, so its ends are rounded alike. */
export function within(box: Box | null, x: number, y: number): boolean {
  if (box === null) return true;
  const [left, right, low, high] = box.map(Math.fround) as [number, number, number, number];
  return x >= left && x <= right && y >= low && y <= high;
}

/** A group added to those that are chosen, or taken from them; all of them are the same as none. */
export function toggled({ groups }: Brush, group: number, all: number): readonly number[] {
  const next = groups.includes(group) ? groups.filter((one) => one !== group) : [...groups, group];
  return next.length === all ? [] : next.sort((one, other) => one - other);
}

/** The brush as requests say it. */
export const asked = ({ x, y, box, groups }: Brush, { numbers }: CorpusHeader) => ({
  x: numbers[x]?.name ?? "",
  y: numbers[y]?.name ?? "",
  box: box ?? [],
  groups,
});

/** The brush in words. */
export function told(brush: Brush, { numbers, groups }: CorpusHeader): string {
  const { box } = brush;
  const axis = (place: number, low: number, high: number) =>
    `${numbers[place]?.label} ${number(low, 3)} to ${number(high, 3)}`;
  return [
    ...(box === null ? [] : [axis(brush.x, box[0], box[1]), axis(brush.y, box[2], box[3])]),
    ...(brush.groups.length === 0
      ? []
      : [brush.groups.map((group) => groups[group]?.name ?? "").join(" or ")]),
  ].join(", ");
}
