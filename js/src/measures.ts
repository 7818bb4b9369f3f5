/** The quantities that tint tokens, cells and heads: where their numbers are, how they read, how they scale. */

import { type ExplanationHeader, KINDS } from "./contract";
import { logTint, number, percent, power, tint } from "./layout/numbers";
import { flowAt, isConditioned, type State } from "./store";

type Scale = "share" | "weight" | "log" | "plain";

export interface Measure {
  name: string;
  label: string;
  scale: Scale;
  unit: string;
  /** Column of the tokens; those of cells and heads, where there are such numbers. */
  token: string;
  node: string | null;
  head: string | null;
  /** Position on the axis of statistics, for those columns. */
  statistic: number | null;
}

const usual = (token: string, label: string, scale: Scale, unit = "", parts = false): Measure => ({
  name: token,
  label,
  scale,
  unit,
  token,
  node: parts ? token.replace("token", "node") : null,
  head: parts ? token.replace("token", "head") : null,
  statistic: null,
});

const MASS = usual("token_mass_share", "share of mass", "share", "", true);
const USUAL: readonly Measure[] = [
  MASS,
  usual("token_best_log_weight", "best path", "weight", "", true),
  usual("token_entropy", "entropy", "plain", "nats"),
  usual("token_gradient_norm", "gradient norm", "plain"),
  usual("token_gradient_x_input", "gradient × input", "plain"),
  usual("token_log_cancellation", "cancellation", "weight"),
];

/** What there is to choose from; what was asked for by `semiring=` comes first. */
export function measuresOf(summary: ExplanationHeader): readonly Measure[] {
  const asked = summary.statistics.map(
    ({ name, unit }, statistic): Measure => ({
      name: `statistic:${statistic}`,
      label: name,
      scale: unit === "nats" ? "log" : "plain",
      unit,
      token: "token_statistic",
      node: "node_statistic",
      head: "head_statistic",
      statistic,
    }),
  );
  return [...asked, ...USUAL];
}

/** The quantity that tints the tokens. */
export function measureOf(state: State, summary: ExplanationHeader): Measure {
  const all = measuresOf(summary);
  return all.find((measure) => measure.name === state.measure) ?? all[0] ?? MASS;
}

/** The quantity that tints cells and heads: the same, where they have it, else the share of mass. */
export function partsMeasure(state: State, summary: ExplanationHeader): Measure {
  const measure = measureOf(state, summary);
  return measure.node === null ? MASS : measure;
}

/** A number of a part. What a semiring says of no path may be any number, so it is not asked. */
function numberAt(state: State, { statistic }: Measure, column: string, ...place: number[]): number {
  if (statistic === null) return flowAt(state, column, ...place);
  const best = flowAt(state, column.replace("statistic", "best_log_weight"), ...place);
  return best === Number.NEGATIVE_INFINITY ? best : flowAt(state, column, statistic, ...place);
}

export const atToken = (state: State, measure: Measure, token: number): number =>
  numberAt(state, measure, measure.token, token);

export const atNode = (state: State, measure: Measure, layer: number, token: number): number =>
  measure.node === null ? Number.NaN : numberAt(state, measure, measure.node, layer, token);

/** One head, by one operand (query, key, value) or, with kind -1, by all of them. */
export function atHead(state: State, measure: Measure, layer: number, head: number, kind: number): number {
  if (measure.head === null) return Number.NaN;
  const column = measure.head;
  const kinds = kind < 0 ? KINDS.map((_, index) => index) : [kind];
  if (measure.statistic !== null) {
    const best = Math.max(...kinds.map((index) => flowAt(state, "head_best_log_weight", layer, head, index)));
    if (best === Number.NEGATIVE_INFINITY) return best;
    return flowAt(state, column, measure.statistic, layer, head, kind + 1);
  }
  const values = kinds.map((index) => flowAt(state, column, layer, head, index));
  return measure.scale === "share" ? values.reduce((sum, value) => sum + value, 0) : Math.max(...values);
}

/** A number of a measure as people read it. */
export function worded(measure: Measure, value: number): string {
  if (Number.isNaN(value)) return "not known";
  if (measure.scale === "share") return percent(value);
  if (!Number.isFinite(value)) return "no path";
  if (measure.scale === "weight") return power(value);
  return `${number(value)} ${measure.unit}`.trim();
}

/** Tints 0-1 of numbers that are shown together. */
export function tints(measure: Measure, values: readonly number[]): number[] {
  const known = values.filter(Number.isFinite);
  const [low, high] = [Math.min(...known), Math.max(...known)];
  const peak = Math.max(high, -low);
  return values.map((value) => {
    if (!Number.isFinite(value)) return 0;
    if (measure.scale === "weight") return logTint(value, high);
    if (measure.scale !== "log") return tint(value, peak);
    // The zero of a logarithm means nothing: from the lowest to the highest.
    return high > low ? (value - low) / (high - low) : 1;
  });
}

/** Whether a number has the colour of negative ones. */
export const isNegative = (measure: Measure, value: number): boolean =>
  measure.scale === "plain" && value < 0 && Number.isFinite(value);

/** Whether a number on screen is of all paths although a selection is shown. */
export const ofAllPaths = (state: State, measure: Measure): boolean =>
  state.answered === "ready" && !isConditioned(state, measure.token);
