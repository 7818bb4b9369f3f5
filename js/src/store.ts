/** All that is on screen, in one place; views redraw when it changes. */

import { Columns } from "./columns";
import type { Conditioned, HeadMap, Summary } from "./contract";
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
