/** What several panes show, in one place; each pane draws itself again when something that it read has changed. */

import { Columns } from "./columns";
import type {
  ConditionedAnswer,
  HeadMapAnswer,
  RankedBy,
  RoutesAnswer,
  Selection,
  Summary,
} from "./contract";
import { EMPTY } from "./selection";

export type Answered = "none" | "pending" | "ready" | "unavailable";

export type Theme = "light" | "dark";

export interface State {
  summary: Summary | null;
  columns: Columns;
  selection: Selection;
  /** What is known about the paths through the selection. */
  answered: Answered;
  condition: { header: ConditionedAnswer; columns: Columns } | null;
  map: { header: HeadMapAnswer; columns: Columns } | null;
  /** By what routes are ranked, the answer to a question about them, and how far that is. */
  by: RankedBy;
  routes: RoutesAnswer | null;
  routed: Answered;
  /** Why there is no answer about the selection, none about the routes, and no map of the selected head. */
  refused: string | null;
  unrouted: string | null;
  unmapped: string | null;
  /** Rank of the route that is drawn out. */
  route: number | null;
  /** Name of the quantity that tints tokens, cells and heads; null for the first choice. */
  measure: string | null;
  kind: number;
  /** Whose paths a chart can be drawn of. */
  charts: "selection" | "all" | "none";
  error: string | null;
  theme: Theme;
  /** Width in pixels that pictures may take. */
  space: number;
}

type Listener = (state: State) => void;

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
    unmapped: null,
    route: null,
    measure: null,
    kind: -1,
    charts: "selection",
    error: null,
    theme: "light",
    space: 876,
  };
  private readonly listeners = new Set<Listener>();
  private readonly effects = new Set<Listener>();
  private waiting = false;

  constructor(start: Partial<State> = {}) {
    this.state = { ...this.state, ...start };
  }

  update(change: Partial<State>): void {
    this.state = { ...this.state, ...change };
    for (const listener of this.listeners) listener(this.state);
    if (this.waiting) return;
    this.waiting = true;
    // A page that nobody sees has no frames.
    if (document.hidden) setTimeout(() => this.flush());
    else requestAnimationFrame(() => this.flush());
  }

  /** Call at once, at every change. */
  listen(listener: Listener, signal: AbortSignal): void {
    add(this.listeners, listener, signal);
  }

  /** Act now, and again in the next frame after something that `act` read from the state has changed. */
  effect(act: Listener, signal: AbortSignal): void {
    let seen = new Map<keyof State, unknown>();
    const run = (state: State) => {
      seen = new Map();
      act(noting(state, seen));
    };
    run(this.state);
    add(
      this.effects,
      (state) => {
        for (const [key, value] of seen) if (state[key] !== value) return run(state);
      },
      signal,
    );
  }

  private flush(): void {
    this.waiting = false;
    for (const effect of this.effects) effect(this.state);
  }
}

function add(listeners: Set<Listener>, listener: Listener, signal: AbortSignal): void {
  listeners.add(listener);
  signal.addEventListener("abort", () => listeners.delete(listener));
}

/** The state, noting what is read. */
function noting(state: State, seen: Map<keyof State, unknown>): State {
  return new Proxy(state, {
    get(target, key) {
      const value = Reflect.get(target, key);
      seen.set(key as keyof State, value);
      return value;
    },
  });
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
