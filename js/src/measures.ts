/**
 * What the switch offers: one kind of number that all panes show together, in words.
 *
 * A measure says what its numbers are called, what they mean, by what routes are ranked beside it, and which
 * places (words, cells, heads, MLPs) have such a number at all; `numbers.ts` reads them.
 */

import type { ExplanationHeader, RankedBy } from "./contract";
import { logTint, number, percent, power, signed, tint } from "./layout/numbers";
import { isKnown } from "./reasons";
import type { State } from "./store";

type Scale = "signed" | "share" | "weight" | "log" | "plain";
export type Place = "token" | "decoder" | "node" | "head" | "mlp";

export interface Measure {
  name: string;
  /** The choice, in words, and what its numbers are called. */
  choice: string;
  label: string;
  /** What a number says, in one sentence. */
  explained: string;
  scale: Scale;
  unit: string;
  /** How routes are ranked beside it. */
  by: RankedBy;
  /** The end of the names of its columns, and where there are such. */
  column: string;
  places: readonly Place[];
  /** Position on the axis of statistics. */
  statistic: number | null;
}

export const REASONS: Measure = {
  name: "reasons",
  choice: "Reasons",
  label: "effect",
  explained:
    "How much the score falls when this alone is replaced by the reference: measured where it was tested (effect), estimated elsewhere (contribution).",
  scale: "signed",
  unit: "",
  by: "contribution",
  column: "effect",
  places: ["token", "decoder", "node", "head", "mlp"],
  statistic: null,
};

export const MASS: Measure = {
  name: "mass",
  choice: "Where paths run",
  label: "share of mass",
  explained:
    "The part of all path weight that runs through here, signs left out: much of it need not mean a large effect.",
  scale: "share",
  unit: "",
  by: "mass",
  column: "mass_share",
  places: ["token", "node", "head", "mlp"],
  statistic: null,
};

const BEST: Measure = {
  name: "best",
  choice: "Strongest single path",
  label: "best path",
  explained: "The weight of the one strongest path through here: the product of the slopes along it.",
  scale: "weight",
  unit: "",
  by: "best",
  column: "best_log_weight",
  places: ["token", "node", "head", "mlp"],
  statistic: null,
};

const ENTROPY: Measure = {
  name: "entropy",
  choice: "Spread",
  label: "entropy",
  explained:
    "Over how many paths the weight that starts at this word is spread, in nats: one more means e times as many paths.",
  scale: "log",
  unit: "nats",
  by: "mass",
  column: "entropy",
  places: ["token"],
  statistic: null,
};

/** What there is to choose from; what was asked for by `semiring=` comes last. */
export function measuresOf(summary: ExplanationHeader): readonly Measure[] {
  const asked = summary.statistics.map(
    ({ name, unit }, statistic): Measure => ({
      name: `statistic:${statistic}`,
      choice: unit === "" ? name : `${name} (${unit})`,
      label: name,
      explained: `${name}: a number of all paths through here, in the semiring that was asked for.`,
      scale: unit === "nats" ? "log" : "plain",
      unit,
      by: "best",
      column: "statistic",
      places: ["token", "node", "head", "mlp"],
      statistic,
    }),
  );
  return [REASONS, MASS, BEST, ENTROPY, ...asked];
}

/** Whether there are numbers of the reasons, or may still be. */
export const hasReasons = (state: State, summary: ExplanationHeader): boolean =>
  summary.status.state === "running" || isKnown(state.columns);

/** The measure of all panes: the one chosen, else what was asked for, else the reasons, where they are known. */
export function measureOf(state: State, summary: ExplanationHeader): Measure {
  const all = measuresOf(summary).filter((one) => one !== REASONS || hasReasons(state, summary));
  const chosen = all.find(({ name }) => name === state.measure);
  return chosen ?? all.find(({ statistic }) => statistic === 0) ?? all[0] ?? MASS;
}

/** The measure of one kind of places: the same, where they have it, else the share of mass. */
export const measureAt = (measure: Measure, place: Place): Measure =>
  measure.places.includes(place) ? measure : MASS;

/** A number of a measure as people read it. */
export function worded(measure: Measure, value: number): string {
  if (Number.isNaN(value)) return "not known";
  if (measure.scale === "share") return percent(value);
  if (measure.scale === "signed") return signed(value);
  if (!Number.isFinite(value)) return "no path";
  if (measure.scale === "weight") return power(value);
  return `${number(value)} ${measure.unit}`.trim();
}

/** The strength 0-1 of the tint of any of some numbers that are shown together. */
export function tinting(measure: Measure, values: Iterable<number>): (value: number) => number {
  let [low, high] = [Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY];
  for (const value of values) {
    if (!Number.isFinite(value)) continue;
    low = Math.min(low, value);
    high = Math.max(high, value);
  }
  const peak = Math.max(high, -low);
  return (value) => {
    if (!Number.isFinite(value)) return 0;
    if (measure.scale === "weight") return logTint(value, high);
    if (measure.scale !== "log") return tint(value, peak);
    // The zero of a logarithm means nothing: from the lowest to the highest.
    return high > low ? (value - low) / (high - low) : 1;
  };
}

/** Whether a number has the colour of negative ones. */
export const isNegative = (measure: Measure, value: number): boolean =>
  (measure.scale === "plain" || measure.scale === "signed") && value < 0 && Number.isFinite(value);
