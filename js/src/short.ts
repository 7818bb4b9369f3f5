/** A number of a measure where there is little room for it. */

import { brief, number, percent, power } from "./layout/numbers";
import type { Measure } from "./measures";

/** @param peak the largest of the numbers that it is shown with; null where that is not known. */
export function short(measure: Measure, value: number, peak: number | null = null): string {
  if (!Number.isFinite(value)) return Number.isNaN(value) ? "" : "–";
  if (measure.scale === "signed") return brief(value, peak ?? undefined);
  if (measure.scale === "share") return value < 0.005 ? "0 %" : percent(value);
  return measure.scale === "weight" ? power(value) : number(value, 3);
}
