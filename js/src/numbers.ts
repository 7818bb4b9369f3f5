/** The numbers of a measure at one kind of places, of the paths that are shown. */

import type { Columns } from "./columns";
import { KINDS } from "./contract";
import { MASS, type Measure, measureAt, type Place, worded } from "./measures";
import { either, peakOf } from "./reasons";
import { isConditioned, type State } from "./store";

// Where branches have the feed-forward part.
const MLP = 4;

export interface Numbers {
  /** The measure that is shown, which is another one where these places have none of the measure asked for. */
  measure: Measure;
  at(...place: number[]): number;
  /** A number in words, with what it is called. */
  say(...place: number[]): string;
  /** The largest there may be, where that does not depend on these numbers alone. */
  peak: number | null;
}

export function numbersOf(state: State, asked: Measure, place: Place): Numbers {
  const measure = measureAt(asked, place);
  if (measure.scale === "signed") return reasons(state.columns, measure, place);
  const at = place === "decoder" ? () => Number.NaN : reader(state, measure, place);
  return { measure, at, say: (...where) => `${measure.label} ${worded(measure, at(...where))}`, peak: null };
}

function reasons(columns: Columns, measure: Measure, place: Place): Numbers {
  const effect = columns.reader(`${place}_effect`);
  const contribution = columns.reader(`${place}_contribution`);
  return {
    measure,
    at: (...where) => either(effect(...where), contribution(...where)),
    say: (...where) => {
      const [tested, estimated] = [effect(...where), contribution(...where)];
      const predicted = Number.isNaN(estimated) ? "" : `, predicted ${worded(measure, estimated)}`;
      if (!Number.isNaN(tested)) return `effect ${worded(measure, tested)} (tested${predicted})`;
      return `contribution ${worded(measure, estimated)}${predicted === "" ? "" : " (estimated, not tested)"}`;
    },
    peak: peakOf(columns),
  };
}

/** Reads a column of the selected paths where it is known, else that of all paths. */
export function column(state: State, name: string): (...place: number[]) => number {
  const known = isConditioned(state, name) ? state.condition?.columns : undefined;
  return (known ?? state.columns).reader(name);
}

function reader(state: State, measure: Measure, place: Place): (...where: number[]) => number {
  if (measure.statistic !== null) return statistic(state, measure.statistic, place);
  const read = column(state, `${place === "mlp" ? "branch" : place}_${measure.column}`);
  const together = measure === MASS ? sum : most;
  if (place === "head") {
    // Its paths come by query, key or value.
    return (layer = 0, head = 0) => together(KINDS.map((_, kind) => read(layer, head, kind)));
  }
  if (place !== "mlp") return read;
  const length = state.columns.get(`branch_${measure.column}`)?.shape[2] ?? 0;
  return (layer = 0) => together(Array.from({ length }, (_, token) => read(layer, MLP, token)));
}

/** What a semiring says of no path may be any number, so it is not asked. */
function statistic(state: State, index: number, place: Place): (...where: number[]) => number {
  const weigh =
    place === "mlp" ? null : reader(state, { ...MASS, name: "", column: "best_log_weight" }, place);
  const read = column(state, `${place === "mlp" ? "branch" : place}_statistic`);
  return (...where) => {
    const best = weigh?.(...where);
    if (best === Number.NEGATIVE_INFINITY) return best;
    if (place === "mlp") return read(index, where[0] ?? 0, MLP);
    // Of a head there is one number for all operands together, and then one for each.
    return place === "head" ? read(index, ...where, 0) : read(index, ...where);
  };
}

// A layer may be shorter than the longest one: what is not there says nothing.
const there = (values: number[]): number[] => values.filter((value) => !Number.isNaN(value));
const sum = (values: number[]): number => {
  const known = there(values);
  return known.length === 0 ? Number.NaN : known.reduce((total, value) => total + value, 0);
};
const most = (values: number[]): number => {
  const known = there(values);
  return known.length === 0 ? Number.NaN : Math.max(...known);
};

/** Whether numbers on screen are of all paths although a selection is shown. */
export function ofAllPaths(state: State, measure: Measure, place: Place): boolean {
  const { column: name, scale } = measureAt(measure, place);
  return scale !== "signed" && state.answered === "ready" && !isConditioned(state, `${place}_${name}`);
}
