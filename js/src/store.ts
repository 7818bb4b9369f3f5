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
  measure: string;
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
    measure: "token_mass_share",
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

/** A number of the flow: conditioned on the selection where the answer is there. */
export function flowAt(state: State, name: string, ...place: number[]): number {
  const columns = state.answered === "ready" ? state.condition?.columns : undefined;
  return columns?.get(name) === undefined ? state.columns.at(name, ...place) : columns.at(name, ...place);
}
