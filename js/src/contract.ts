/**
 * The message contract, the browser's side: the same names as `semiring_widgets/widgets/messages.py`.
 *
 * Numbers travel as columns in one binary buffer; the JSON header says where each begins. NaN (not known
 * yet) is legal in a column only; in the JSON an unknown number is null.
 */

export const VERSION = 1;
export const BRANCHES = ["skip", "query", "key", "value", "mlp", "mlp_skip"] as const;
export const KINDS = ["query", "key", "value"] as const;

export type Branch = (typeof BRANCHES)[number];
export type Kind = (typeof KINDS)[number];
export const RANKINGS = ["best", "mass", "contribution"] as const;

export type RankedBy = (typeof RANKINGS)[number];
export type RunState = "running" | "done" | "cancelled" | "failed";

export interface Column {
  name: string;
  shape: number[];
  dtype: "float32" | "uint8";
  offset: number;
  nbytes: number;
}

export interface Token {
  index: number;
  text: string;
  raw: string;
  start: number;
  end: number;
  special: boolean;
  id: number;
}

export interface Stream {
  name: string;
  tokens: Token[];
}

/** One attention; `key_stream` differs from `stream` in cross-attention. */
export interface Layer {
  name: string;
  index: number;
  stream: number;
  key_stream: number;
  heads: number;
}

export interface Score {
  label: string;
  value: number | null;
  target: string | null;
  contrast: string | null;
  position: number | null;
}

export interface Status {
  state: RunState;
  done: number;
  total: number;
  message: string;
}

/** All in nats; null where not known yet. */
export interface Totals {
  log_mass: number | null;
  entropy: number | null;
  best_log_weight: number | null;
  best_sign: number | null;
  log_cancellation: number | null;
}

export interface Step {
  layer: number;
  /** By none of the operands: `attention`. */
  branch: Branch | "attention";
  head: number | null;
  source: number;
  target: number;
}

export interface Route {
  rank: number;
  label: string;
  /** Of its best path; `log_mass`, `contribution` and `cancellation` are of all its paths. */
  log_weight: number | null;
  sign: number;
  share_of_best: number | null;
  probability: number | null;
  log_mass: number | null;
  share: number | null;
  contribution: number | null;
  cancellation: number | null;
  all_skip: boolean;
  sentence: string;
  steps: Step[];
}

/** The first routes of a ranking, and in `remark` what is known about all others. */
export interface Ranking {
  by: RankedBy;
  routes: Route[];
  missed: number | null;
  uncovered: number;
  rest: number | null;
  remark: string;
}

/** A number of the paths in a semiring that was asked for; in "nats" it is a logarithm. */
export interface Statistic {
  name: string;
  unit: string;
}

/** A part of the model that paths can pass: a token without a layer is where they start. */
export interface Part {
  layer: number | null;
  branch: Branch | null;
  head: number | null;
  token: number | null;
  /** Which input a token without a layer belongs to. */
  stream: number;
}

/** The paths through all of some parts; without any, all paths. */
export type Selection = readonly Part[];

interface SummaryBase {
  version: number;
  revision: number;
  text: string;
  model: string;
  score: Score;
  streams: Stream[];
  status: Status;
  columns: Column[];
}

export interface ExplanationHeader extends SummaryBase {
  type: "explanation";
  granularity: string;
  level: string;
  layers: Layer[];
  totals: Totals;
  rankings: Ranking[];
  statistics: Statistic[];
}

export interface Method {
  name: string;
  family: string;
  label: string;
  seconds: number | null;
  error: string | null;
  signed: boolean;
  granularity: string | null;
  level: string | null;
}

export interface ComparisonHeader extends SummaryBase {
  type: "comparison";
  methods: Method[];
  top_k: number;
}

export type Summary = ExplanationHeader | ComparisonHeader;

export interface Conditioned {
  type: "conditioned";
  id: number;
  selection: Selection;
  /** Null where no path passes all parts. */
  log_share: number | null;
  /** What is known of the totals of these paths; null where that is known of all paths only. */
  totals: Totals;
  columns: Column[];
}

/** One ranking of the routes of the paths through a selection. */
export interface RoutesAnswer {
  type: "routes";
  id: number;
  by: RankedBy;
  selection: Selection;
  ranking: Ranking;
}

/** One head between tokens: `byte = 255 * sqrt(share / peak)`, one peak per kind. */
export interface HeadMap {
  type: "head_map";
  id: number;
  layer: number;
  head: number;
  /** Whose paths are meant; shares are of their mass. */
  selection: Selection;
  kinds: Kind[];
  peak: number[];
  columns: Column[];
}

export interface ChartAnswer {
  type: "chart";
  id: number;
  selection: Selection;
  item: unknown;
  /** The same chart with light letters. */
  dark: unknown;
}

export interface BokehAnswer {
  type: "bokehjs";
  id: number;
  version: string;
}

export interface ErrorAnswer {
  type: "error";
  id: number;
  message: string;
}

export type Answer = Conditioned | RoutesAnswer | HeadMap | ChartAnswer | BokehAnswer | ErrorAnswer;
export type Incoming = Answer | Summary;

export type Request =
  | { type: "pull" }
  | { type: "condition"; selection: Selection }
  | { type: "routes"; by: RankedBy; selection: Selection }
  | { type: "head_map"; layer: number; head: number; selection: Selection }
  | { type: "chart"; selection: Selection }
  | { type: "bokehjs" }
  | { type: "cancel" };

/** Python counts the views, and stops a computation when its last one is gone. */
export type Notice = { type: "shown" | "gone"; view: string };

/** What each request is answered with, unless with an error. */
export interface AnswerTo {
  pull: never;
  cancel: never;
  condition: Conditioned;
  routes: RoutesAnswer;
  head_map: HeadMap;
  chart: ChartAnswer;
  bokehjs: BokehAnswer;
}

const INCOMING = new Set([
  "explanation",
  "comparison",
  "conditioned",
  "routes",
  "head_map",
  "chart",
  "bokehjs",
  "error",
]);

/** Whether a message from outside is one of ours: everything else is ignored. */
export function isIncoming(message: unknown): message is Incoming {
  return (
    typeof message === "object" && message !== null && INCOMING.has(String(Reflect.get(message, "type")))
  );
}

/** Whether a message is a summary. */
export function isSummary(message: unknown): message is Summary {
  return isIncoming(message) && (message.type === "explanation" || message.type === "comparison");
}
