/** The numbers of both sides and their difference, at one kind of places, on scales that go together. */

import { Columns } from "../columns";
import type { BesideHeader, ConditionedAnswer } from "../contract";
import { signed } from "../layout/numbers";
import {
  isNegative,
  type Measure,
  measureAt,
  measureOf,
  type Place,
  REASONS,
  tinting,
  worded,
} from "../measures";
import { numbersOf } from "../numbers";
import { indicesOf } from "../places";
import { either } from "../reasons";
import { short } from "../short";
import { type State, Store } from "../store";
import { mergedOf } from "./merged";

/** A, B, and A − B. */
export type Side = 0 | 1 | 2;
export const SIDES: readonly Side[] = [0, 1, 2];
export const CALLED = ["A", "B", "A − B"] as const;

export interface Compared {
  measure: Measure;
  /** NaN where a side has no such part, or its number is not known. */
  at(side: Side, ...place: number[]): number;
  /** All three in words. */
  say(...place: number[]): string;
  /** Strength of the tint, -1 to 1; NaN where nothing is known. */
  strength(side: Side, value: number): number;
  /** Where there is little room. */
  short(side: Side, value: number): string;
  /** What the numbers are: tested or estimated. */
  caption: string;
  /** The ends of the scale of all pictures; null where each picture has its own. */
  peak: number | null;
}

const PLACES: readonly Place[] = ["token", "decoder", "node", "head", "mlp"];
const PLAIN = new Store().state;
const NOTHING = {
  log_mass: null,
  entropy: null,
  best_log_weight: null,
  best_sign: null,
  log_cancellation: null,
};
const slices = new WeakMap<Columns, readonly Columns[]>();

/** What both share, without an axis of sides. */
function sidesOf(columns: Columns): readonly Columns[] {
  const known = slices.get(columns) ?? [columns.slice(0), columns.slice(1)];
  slices.set(columns, known);
  return known;
}

/** The state as if one side were all there is. */
export function stateOf({ columns, answered, both }: State, side: 0 | 1): State {
  const own = sidesOf(columns)[side] ?? new Columns([], null);
  if (answered !== "ready" || both === null) return { ...PLAIN, columns: own };
  const { header } = both;
  const condition: ConditionedAnswer = {
    ...{ type: "conditioned", id: header.id, selection: header.selection, totals: NOTHING },
    ...{ log_share: header.log_shares[side] ?? null, columns: header.columns },
    ...{ contribution: null, avoiding: [], among: [] },
  };
  const conditioned = sidesOf(both.columns)[side] ?? own;
  return { ...PLAIN, columns: own, answered, condition: { header: condition, columns: conditioned } };
}

export function comparedOf(state: State, summary: BesideHeader, place: Place): Compared {
  const asked = measureOf(state, mergedOf(summary));
  const measure = measureAt(asked, place);
  const reader = readerOf(state, measure, place);
  const at = (side: Side, ...where: number[]): number =>
    side === 2 ? reader(0, ...where) - reader(1, ...where) : reader(side, ...where);
  const values = (side: Side) => indicesOf(summary, place).map((where) => at(side, ...where));
  const plain = measure.scale === "signed" || measure.scale === "share" || measure.scale === "plain";
  const all = measure.scale === "signed" ? [peakOfAll(state, summary)] : SIDES.flatMap(values);
  const common = tinting(measure, plain ? all : [...values(0), ...values(1)]);
  // A difference of logarithms has a zero of its own.
  const apart = tinting({ ...measure, scale: "plain" }, plain ? all : values(2));
  const negative = (side: Side, value: number) => (side === 2 ? value < 0 : isNegative(measure, value));
  const difference = (value: number): string => {
    if (Number.isNaN(value)) return "not known";
    if (measure.scale === "share") return `${signed(100 * value)} percentage points`;
    return measure.scale === "weight" ? `${signed(value)} nats` : `${signed(value)} ${measure.unit}`.trim();
  };
  return {
    measure,
    at,
    say: (...where) => {
      const [a, b] = [at(0, ...where), at(1, ...where)];
      const told = [`A ${worded(measure, a)}`, `B ${worded(measure, b)}`, `A − B ${difference(a - b)}`];
      return `${labelOf(state, measure, place, where)}: ${told.join(", ")}`;
    },
    strength: (side, value) => {
      if (Number.isNaN(value)) return value;
      const size = side === 2 ? apart(value) : common(value);
      return negative(side, value) ? -size : size;
    },
    short: (side, value) => {
      if (side !== 2 || measure.scale === "signed" || measure.scale === "plain")
        return short(measure, value, measure.scale === "signed" ? (all[0] ?? null) : null);
      if (Number.isNaN(value)) return "";
      return measure.scale === "share" ? signed(100 * value, 2) : signed(value, 2);
    },
    caption: captionOf(state, summary, measure, place),
    peak: measure.scale === "signed" ? (all[0] ?? 0) : null,
  };
}

type Reader = (side: 0 | 1, ...where: number[]) => number;

function readerOf(state: State, measure: Measure, place: Place): Reader {
  if (measure.scale === "signed") {
    const tested = testedAt(state, place);
    const [effects, estimates] = (["effect", "contribution"] as const).map((name) =>
      ([0, 1] as const).map((side) => stateOf(state, side).columns.reader(`${place}_${name}`)),
    );
    return (side, ...where) => (tested(where) ? effects : estimates)?.[side]?.(...where) ?? Number.NaN;
  }
  const sides = ([0, 1] as const).map((side) => numbersOf(stateOf(state, side), measure, place));
  return (side, ...where) => sides[side]?.at(...where) ?? Number.NaN;
}

/** Whether effects are compared somewhere: where both sides were tested, or only one has that part. */
function testedAt(state: State, place: Place): (where: readonly number[]) => boolean {
  const effect = state.columns.reader(`${place}_effect`);
  const estimate = state.columns.reader(`${place}_contribution`);
  return (where) => {
    const [a, b] = [effect(0, ...where), effect(1, ...where)];
    if (Number.isFinite(a - b)) return true;
    const alone = Number.isNaN(estimate(0, ...where)) !== Number.isNaN(estimate(1, ...where));
    return alone && (Number.isFinite(a) || Number.isFinite(b));
  };
}

function captionOf(state: State, summary: BesideHeader, measure: Measure, place: Place): string {
  if (measure !== REASONS) return measure.label;
  const tested = testedAt(state, place);
  const counts = indicesOf(summary, place).map((where) => tested(where));
  if (counts.every((is) => is)) return "effect, tested";
  return counts.some((is) => is)
    ? "effect where tested on both sides, else contribution"
    : "contribution: estimated, not tested";
}

function labelOf(state: State, measure: Measure, place: Place, where: readonly number[]): string {
  if (measure !== REASONS) return measure.label;
  return testedAt(state, place)(where) ? "effect (tested)" : "contribution (estimated, not tested)";
}

const peaks = new WeakMap<Columns, number>();

/** The largest effect, contribution or difference of them anywhere: one scale for all pictures. */
function peakOfAll(state: State, summary: BesideHeader): number {
  const known = peaks.get(state.columns);
  if (known !== undefined) return known;
  let peak = 0;
  for (const place of PLACES) {
    const reader = readerOf(state, REASONS, place);
    for (const where of indicesOf(summary, place)) {
      const [a, b] = [reader(0, ...where), reader(1, ...where)];
      for (const value of [a, b, a - b]) if (Number.isFinite(value)) peak = Math.max(peak, Math.abs(value));
    }
  }
  peaks.set(state.columns, peak);
  return peak;
}

/** A number of a part that only one side has counts as large as it is. */
export const sizeOf = (a: number, b: number): number => Math.abs(either(a - b, either(a, b))) || 0;
