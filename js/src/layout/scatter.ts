/** Where points stand in a square of predicted (to the right) against actual (upwards), on one scale. */

export interface Square {
  /** Pixels from the left, and from above. */
  x(value: number): number;
  y(value: number): number;
  low: number;
  high: number;
  /** Values with a line: zero and both ends, rounded. */
  ticks: readonly number[];
}

// Pixels that the label of a line takes.
const LABEL = 30;

/** A square of `size` pixels with a margin for labels, in which all values and zero have a place. */
export function squareOf(values: readonly number[], size: number, margin: number): Square {
  const known = values.filter(Number.isFinite);
  let [low, high] = [Math.min(0, ...known), Math.max(0, ...known)];
  if (low === high) high = low + 1;
  const air = 0.06 * (high - low);
  [low, high] = [low - air, high + air];
  const scale = (size - margin) / (high - low);
  const ends = [rounded(low + air), rounded(high - air)];
  const ticks = [0, ...ends.filter((end) => Math.abs(end) * scale >= LABEL)].sort(
    (one, other) => one - other,
  );
  return {
    low,
    high,
    ticks,
    x: (value) => margin + (value - low) * scale,
    y: (value) => (high - value) * scale,
  };
}

/** Towards zero, with one digit that counts. */
function rounded(value: number): number {
  if (value === 0) return 0;
  const unit = 10 ** Math.floor(Math.log10(Math.abs(value)));
  return Number((Math.trunc(value / unit) * unit).toPrecision(1));
}

/** The place of the point next to a pixel; of two as near, the one that is drawn later; null where none is near. */
export function nearest(
  points: readonly (readonly [number, number])[],
  x: number,
  y: number,
  reach: number,
): number | null {
  let [found, best]: [number | null, number] = [null, reach];
  points.forEach(([left, top], place) => {
    const distance = Math.hypot(left - x, top - y);
    if (distance <= best) [found, best] = [place, distance];
  });
  return found;
}
