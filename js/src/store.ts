/** What several panes show, in one place; each pane draws itself again when something that it read has changed. */

import { Columns } from "./columns";
import type {
  BothAnswer,
  ConditionedAnswer,
  Group,
  HeadMapAnswer,
  PathAnswer,
  RankedBy,
  RoutesAnswer,
  Selection,
  Summary,
  Test,
  UnitsAnswer,
} from "./contract";
import { Frames } from "./frames";
import { EMPTY, type Target } from "./selection";
import { EVERYTHING, type Sieve } from "./sieve";
import type { Question } from "./tested";

export type Answered = "none" | "pending" | "ready" | "unavailable";

export type Theme = "light" | "dark";

export interface State {
  summary: Summary | null;
  columns: Columns;
  selection: Selection;
  /** Parts that none of these paths pass. */
  avoiding: Selection;
  /** Parts of which these paths pass at least one: those of a group; without any, no such condition. */
  among: Selection;
  /** The groups, once one was made or removed here; null for those of the summary. */
  groups: readonly Group[] | null;
  /** Whether the selected parts are about to get a name, and why there is no group. */
  naming: boolean;
  ungrouped: string | null;
  /** The units of a part and a scalar path that were asked for, whether an answer is waited for, and why there is none. */
  units: { header: UnitsAnswer; columns: Columns } | null;
  walked: PathAnswer | null;
  drilling: "units" | "path" | null;
  undrilled: string | null;
  /** What of the numbers is shown. */
  sieve: Sieve;
  /** Whether there is a selection to go back to, or forward. */
  history: { back: boolean; forward: boolean };
  /** Whether all there is was drawn: of a large explanation first what is read first. */
  complete: boolean;
  /** Whether pieces of a continuation show estimates, and whether their numbers are unfolded as a table. */
  estimates: boolean;
  tabulated: boolean;
  /** Whether the numbers of the pictures are unfolded as a table, of which of them, and how it is sorted. */
  tables: { open: boolean; kind: number; order: string; reverse: boolean };
  /** Whether the numbers of all paths are unfolded. */
  detailed: boolean;
  /** Whether the list of gestures is open. */
  helping: boolean;
  /** Whether the fields of the question are open, why it was not even heard, and what was done with its call. */
  asking: { open: boolean; refused: string | null; note: string };
  /** What is under the pointer or has the focus, in whichever picture: parts that light up in all of them. */
  pointed: readonly Target[];
  /** What is known about the paths through the selection. */
  answered: Answered;
  condition: { header: ConditionedAnswer; columns: Columns } | null;
  map: { header: HeadMapAnswer; columns: Columns } | null;
  /** The same of two explanations side by side. */
  both: { header: BothAnswer; columns: Columns } | null;
  /** By what routes are ranked, the answer to a question about them, and how far that is. */
  by: RankedBy;
  routes: RoutesAnswer | null;
  routed: Answered;
  /** Why there is no answer about the selection, none about the routes, and no map of the selected head. */
  refused: string | null;
  unrouted: string | null;
  unmapped: string | null;
  /** Place of the family of routes that is drawn out, and rank of one of its routes. */
  family: number | null;
  route: number | null;
  /** Families whose routes are listed one by one. */
  unfolded: readonly number[];
  /** Name of the measure that all panes show; null for the first choice. */
  measure: string | null;
  /** Tests that were answered in this view, the newest first; those that wait, and why one has no answer. */
  tests: readonly Test[];
  testing: readonly Question[];
  untested: string | null;
  /** Whether somebody can be asked to test. */
  kernel: boolean;
  /** Whether there are numbers of a selection: a page without a kernel does not hold all. */
  holds: (selection: Selection) => boolean;
  /** Whether Shift is held in a page that does not hold all: it shows what can be added. */
  adding: boolean;
  /** Whose paths a chart can be drawn of. */
  charts: "selection" | "all" | "none";
  error: string | null;
  /** Why no more is known although more should come: a kernel that says nothing. */
  silent: string | null;
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
    avoiding: EMPTY,
    among: EMPTY,
    groups: null,
    naming: false,
    ungrouped: null,
    units: null,
    walked: null,
    drilling: null,
    undrilled: null,
    sieve: EVERYTHING,
    history: { back: false, forward: false },
    helping: false,
    asking: { open: false, refused: null, note: "" },
    complete: false,
    estimates: false,
    tabulated: false,
    tables: { open: false, kind: 0, order: "", reverse: false },
    detailed: false,
    pointed: [],
    answered: "none",
    condition: null,
    map: null,
    both: null,
    by: "contribution",
    routes: null,
    routed: "none",
    refused: null,
    unrouted: null,
    unmapped: null,
    family: null,
    route: null,
    unfolded: [],
    measure: null,
    tests: [],
    testing: [],
    untested: null,
    kernel: true,
    holds: () => true,
    adding: false,
    charts: "selection",
    error: null,
    silent: null,
    theme: "light",
    space: 876,
  };
  private readonly listeners = new Set<Listener>();
  private readonly effects = new Set<Listener>();
  readonly frames = new Frames();
  private readonly flush = () => {
    for (const effect of this.effects) effect(this.state);
  };

  constructor(start: Partial<State> = {}) {
    this.state = { ...this.state, ...start };
  }

  update(change: Partial<State>): void {
    this.state = { ...this.state, ...change };
    for (const listener of this.listeners) listener(this.state);
    this.frames.request(this.flush);
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
