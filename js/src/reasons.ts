/** The numbers of the reasons: effects where they were tested, contributions elsewhere, all in one unit. */

import type { Columns } from "./columns";

const PLACES = ["token", "decoder", "node", "head", "mlp"];

const peaks = new WeakMap<Columns, number>();

/** The largest of all of them, whatever its sign: the end of the one scale; 0 where none is known. */
export function peakOf(columns: Columns): number {
  const known = peaks.get(columns);
  if (known !== undefined) return known;
  let peak = 0;
  for (const place of PLACES) {
    const effects = columns.get(`${place}_effect`)?.data;
    const contributions = columns.get(`${place}_contribution`)?.data;
    const count = Math.max(effects?.length ?? 0, contributions?.length ?? 0);
    for (let index = 0; index < count; index++) {
      // As `either` says, without a call for each of many.
      const effect = effects?.[index] ?? Number.NaN;
      const value = Number.isNaN(effect) ? (contributions?.[index] ?? 0) : effect;
      const size = value < 0 ? -value : value;
      if (size > peak && size < Number.POSITIVE_INFINITY) peak = size;
    }
  }
  peaks.set(columns, peak);
  return peak;
}

/** What was measured, else what was estimated. */
export const either = (effect = Number.NaN, contribution = Number.NaN): number =>
  Number.isNaN(effect) ? contribution : effect;

/** Whether any effect or contribution is known. */
export const isKnown = (columns: Columns): boolean =>
  PLACES.some((place) =>
    ["effect", "contribution"].some((name) =>
      columns.get(`${place}_${name}`)?.data.some((value) => !Number.isNaN(value)),
    ),
  );
