/** All that is on screen, in one place; views redraw when it changes. */

import { Columns } from "./columns";
import type { Conditioned, HeadMap, RankedBy, RoutesAnswer, Summary } from "./contract";
import { EMPTY } from "./selection";

export type Answered = "none" | "pending" | "ready" | "unavailable";

export interface State {
  summary: Summary | null;
  columns: Columns;
  selection: typeof EMPTY;
  /** What is known about the paths through the selection. */
  answered: Answered;
  condition: { header: Conditioned; columns: Columns } | null;
  map: { header: HeadMap; columns: Columns } | null;
  /** By what routes are ranked, the answer to a question about them, and how far that is. */
  by: RankedBy;
  routes: RoutesAnswer | null;
  routed: Answered;
  /** Why there is no answer about the selection, and none about the routes. */
  refused: string | null;
  unrouted: string | null;
  /** Rank of the route that is drawn out. */
  route: number | null;
  /** Name of the quantity that tints tokens, cells and heads; null for the first choice. */
  measure: string | null;
  kind: number;
  error: string | null;
}

export class Store {
  state: State = {
    summary: null,
    columns: new Columns([], null),
    selection: EMPTY,
    answered: "none",
    condition: null,
    map: null,
    by: "best",
    routes: null,
    routed: "none",
    refused: null,
    unrouted: null,
    route: null,
    measure: null,
    kind: -1,
    error: null,
  };
  private readonly listeners = new Set<(state: State) => void>();

  update(change: Partial<State>): void {
    this.state = { ...this.state, ...change };
    for (const listener of this.listeners) listener(this.state);
  }

  watch(listener: (state: State) => void, signal: AbortSignal): void {
    this.listeners.add(listener);
    signal.addEventListener("abort", () => this.listeners.delete(listener));
  }
}

/** Whether a column is known for the paths through the selection only. */
export function isConditioned(state: State, name: string): boolean {
  return state.answered === "ready" && state.condition?.columns.get(name) !== undefined;
}

/** A number of the flow: conditioned on the selection where the answer is there. */
export function flowAt(state: State, name: string, ...place: number[]): number {
  const columns = isConditioned(state, name) ? state.condition?.columns : state.columns;
  return (columns ?? state.columns).at(name, ...place);
}
