/** What the numbers of a pane are, above them: tested or estimated, and of which paths. */

import type { Columns } from "../columns";
import type { ExplanationHeader } from "../contract";
import { put } from "../dom";
import { measureAt, measureOf, type Place } from "../measures";
import { ofAllPaths } from "../numbers";
import type { State, Store } from "../store";

const NAMES: Record<Place, string> = {
  token: "a word",
  decoder: "a word",
  node: "a cell",
  head: "a head",
  mlp: "an MLP",
};

// One of the sentences of the reasons, where all numbers of a pane are of one sort.
const EFFECT =
  "How much the score falls when this alone is replaced by the reference: measured in a run of the model.";
const CONTRIBUTION =
  "An estimate, from the slopes of the paths through it, of how much the score would fall without this; not measured.";

export function caption(state: State, summary: ExplanationHeader, place: Place): string {
  const asked = measureOf(state, summary);
  const measure = measureAt(asked, place);
  if (measure.scale === "signed") return SORTS[sortOf(state.columns, place)];
  const all = ofAllPaths(state, measure, place) ? "; of all paths: not known for the selection" : "";
  if (measure === asked) return measure.label + all;
  return `${measure.label}: there is no ${asked.label} of ${NAMES[place]}${all}`;
}

const SORTS = {
  unknown: "not known yet",
  contribution: "contribution: estimated, not tested",
  effect: "effect, tested",
  both: "effect where tested, else contribution",
};

function sortOf(columns: Columns, place: Place): keyof typeof SORTS {
  const effects = columns.get(`${place}_effect`)?.data ?? [];
  const estimates = columns.get(`${place}_contribution`)?.data ?? [];
  const known = (values: Iterable<number>) => [...values].some((value) => !Number.isNaN(value));
  if (!known(effects)) return known(estimates) ? "contribution" : "unknown";
  const gaps = [...estimates].some((value, index) => !Number.isNaN(value) && Number.isNaN(effects[index]));
  return gaps ? "both" : "effect";
}

/** Keep what the numbers of a pane mean where its tooltips find it. */
export function explained(root: HTMLElement, store: Store, signal: AbortSignal, place: Place): void {
  store.effect((state) => {
    if (state.summary?.type !== "explanation") return;
    const measure = measureAt(measureOf(state, state.summary), place);
    const sort = measure.scale === "signed" ? sortOf(state.columns, place) : "unknown";
    const sentence = sort === "effect" ? EFFECT : sort === "contribution" ? CONTRIBUTION : measure.explained;
    put(root, { "data-explained": sentence });
  }, signal);
}
