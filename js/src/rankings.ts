/** Which routes are on screen: those of all paths, or those through the selection, by the chosen ranking. */

import type { ExplanationHeader, Ranking } from "./contract";
import { EMPTY, isEmpty, normalise, same } from "./selection";
import type { State } from "./store";

/** Whether the routes on screen are those through the selection. */
export function isThrough(state: State): boolean {
  return (
    !(isEmpty(state.selection) && isEmpty(state.avoiding) && isEmpty(state.among)) &&
    state.routed !== "unavailable"
  );
}

/** The ranking to list and draw; null while it is not known. */
export function rankingShown(state: State, summary: ExplanationHeader): Ranking | null {
  const answer = state.routes;
  if (
    answer !== null &&
    answer.by === state.by &&
    same(normalise(answer.selection), state.selection) &&
    same(normalise(answer.among ?? EMPTY), state.among)
  )
    return answer.ranking;
  if (isThrough(state)) return null;
  return summary.rankings.find((ranking) => ranking.by === state.by) ?? null;
}
