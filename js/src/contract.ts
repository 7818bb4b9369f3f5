/**
 * The messages between Python and the page, and what they are made of.
 *
 * Written by `python -m semiring_widgets.contract.typescript` from the table in
 * `semiring_widgets/contract/table.py`: change it there.
 *
 * Numbers travel as columns in one binary buffer; the JSON header says where each begins. NaN (not known
 * yet) is legal in a column only; in the JSON an unknown number is null.
 */

export const VERSION = 1;

export const KINDS = ["query", "key", "value"] as const;
export const SUMMARIES = ["explanation", "comparison", "beside"] as const;
export const ANSWERS = [
  "conditioned",
  "routes",
  "test",
  "head_map",
  "group",
  "units",
  "path",
  "chart",
  "bokehjs",
  "error",
  "both",
] as const;
export const AT_ONCE = ["pull", "cancel", "ask", "recall"] as const;

export type RunState = "running" | "done" | "cancelled" | "failed";
export type ColumnType = "float32" | "uint8";
export type StepBranch = "skip" | "query" | "key" | "value" | "mlp" | "mlp_skip" | "attention";
export type RankedBy = "contribution" | "best" | "mass";
export type ReferenceKind = "mask" | "mean" | "zero" | "text" | "tensor";
export type Branch = "skip" | "query" | "key" | "value" | "mlp" | "mlp_skip";
export type SentenceKind = "score" | "words" | "route" | "replaced" | "remark";
export type Replacement = "reference" | "zero" | "mean" | "resample";
export type PartKind = "tokens" | "heads" | "mlps";
export type Kind = "query" | "key" | "value";

/** What routes are ranked by, in words. */
export const RANKED_BY = {
  contribution: "contribution",
  best: "best path",
  mass: "mass",
} as const;

/** The paths through all of some parts; without any, all paths. */
export type Selection = readonly Part[];

/** The scalar explained, for example `logit(are) - logit(is) at [MASK]`. */
export interface Score {
  label: string;
  value: number | null;
  target: string | null;
  contrast: string | null;
  /** The token whose logits are read; of a continuation, for the first of its pieces. */
  position: number | null;
  /** `"logit"`; `"nats"`, where it is the log-probability of a continuation of several pieces; `"score"`, where it is the caller's own. */
  unit: string;
  /** The first token of the last stream that belongs to what is asked for, which the model reads as its own words; null where one piece is asked for. */
  continuation: number | null;
  /** The pieces of a continuation, as people read them. */
  pieces: readonly string[];
  /** Those of the continuation that it is compared with. */
  contrast_pieces: readonly string[];
}

/** One token: `text` is what people read, `raw` the tokenizer's piece. */
export interface Token {
  index: number;
  text: string;
  raw: string;
  id: number;
  start: number;
  end: number;
  special: boolean;
}

/** A text of a pair, or a message of a chat. */
export interface Segment {
  /** `"first text"`, `"second text"`, or the role of who says it. */
  name: string;
  /** Its first token. */
  begins: number;
}

/** A sequence of tokens: `"input"`, or `"encoder"` and `"decoder"`. */
export interface Stream {
  name: string;
  tokens: readonly Token[];
  /** Of what it is made, in order; none where it is one text. */
  segments: readonly Segment[];
}

/** How far the computation is: `state` is running, done, cancelled or failed. */
export interface Status {
  state: RunState;
  done: number;
  total: number;
  message: string;
}

/** Where the buffer of a message holds an array, little endian. */
export interface Column {
  name: string;
  shape: readonly number[];
  dtype: ColumnType;
  /** Its first byte. */
  offset: number;
  nbytes: number;
}

/** One attention. `key_stream` differs from `stream` (its queries) in cross-attention. */
export interface Layer {
  name: string;
  index: number;
  stream: number;
  key_stream: number;
  heads: number;
}

/** Facts about all paths together, in nats; null where not known yet. */
export interface Totals {
  log_mass: number | null;
  entropy: number | null;
  best_log_weight: number | null;
  best_sign: number | null;
  log_cancellation: number | null;
}

/** One step of a route: a branch of one layer, from a source token to a target token. */
export interface ListedStep {
  layer: number;
  branch: StepBranch;
  head: number | null;
  source: number;
  target: number;
}

/** All paths that look alike at the level of people: the same branches, heads and tokens, layer by layer. */
export interface ListedRoute {
  /** Place in its ranking, 0 is the first. */
  rank: number;
  /** Short form, for example `"V·L5·H3"`. */
  label: string;
  /** Natural log of |weight| of its best path. */
  log_weight: number | null;
  /** Sign of that path. */
  sign: number;
  /** |weight| of its best path relative to the best path of all (0-1). */
  share_of_best: number | null;
  /** The same relative to the mass of all paths; often vanishingly small. */
  probability: number | null;
  /** Natural log of its mass, the sum of |weight| over its paths. */
  log_mass: number | null;
  /** Its mass relative to that of all paths (0-1). */
  share: number | null;
  /** Signed sum over its paths of weight times input minus reference. */
  contribution: number | null;
  /** |contribution| relative to the sum of absolute values (0-1); 1 where nothing cancels. */
  cancellation: number | null;
  /** True if it never leaves the skip connections. */
  all_skip: boolean;
  /** Its steps, from the input on. */
  steps: readonly ListedStep[];
  /** The same in words. */
  sentence: string;
}

/** Routes that differ only in whether they pass feed-forward parts or the skip beside them. */
export interface Family {
  /** Short form, for example `"V·L0·H3 → V·L3·H3"`. */
  label: string;
  /** The same in words. */
  sentence: string;
  /** Of all paths that share these steps, listed or not. */
  contribution: number | null;
  /** That, relative to the contribution of all paths. */
  share: number | null;
  /** The ranks of those that are listed. */
  routes: readonly number[];
  /** The steps by attention, from the input on; none where all paths stay on the skip connections. */
  steps: readonly ListedStep[];
}

/** The first routes of a ranking, and what is known about all others. */
export interface Ranking {
  /** `"best"` (best path), `"mass"` or `"contribution"` (its absolute value). */
  by: RankedBy;
  /** The routes, first ones first. */
  routes: readonly ListedRoute[];
  /** The most that any other single route can have: log |weight| of a best path, log mass, or the absolute contribution; -inf (0) where all are listed. */
  missed: number | null;
  /** Share of the mass that all other routes hold together (0-1). */
  uncovered: number | null;
  /** Contribution of all other routes together. */
  rest: number | null;
  /** The same in plain words. */
  remark: string;
  /** The routes, those of a kind together; only of a ranking by contribution. */
  families: readonly Family[];
}

/** A number of the paths in a semiring of the reader's choice, with its unit (`"nats"`: a logarithm). */
export interface Statistic {
  name: string;
  unit: string;
}

/** What the text is compared with: effects and contributions say what becomes of the score in its place. */
export interface Reference {
  /** `"mask"`, `"mean"`, `"zero"`, `"text"` or `"tensor"`. */
  kind: ReferenceKind;
  /** In words, for example `"[MASK] in the place of every token"`. */
  label: string;
  /** The score of the whole reference. */
  score: number | null;
  /** The tokens of a second text; empty otherwise. */
  streams: readonly Stream[];
  /** For each token of each stream of the text, its counterpart in the stream of the second text; -1 where there is none. */
  aligned: readonly (readonly number[])[];
}

/** A part of the model that paths can pass; a token without a layer is where they start. */
export interface Part {
  layer: number | null;
  branch: Branch | null;
  head: number | null;
  token: number | null;
  /** Which input a token without a layer belongs to. */
  stream: number;
}

/** One sentence of the answer. */
export interface Sentence {
  /** What it tells: `"score"`, `"words"`, `"route"`, `"replaced"` or `"remark"`. */
  kind: SentenceKind;
  text: string;
  /** What it is about, to be selected with it. */
  parts: Selection;
}

/** One test, in the unit of the score. */
export interface Test {
  /** What was replaced, all at once. */
  parts: Selection;
  /** The route whose contribution was taken away; none where parts were replaced. */
  steps: readonly ListedStep[];
  /** What the parts were given: their value under the `"reference"`, `"zero"`, the `"mean"` over the tokens, or `"resample"`: their value in a given text. */
  by: Replacement;
  /** In words, for example `"head 3·3"`. */
  label: string;
  /** The score. */
  before: number | null;
  /** The score with these parts replaced. */
  after: number | null;
  /** Their contribution, the estimate of the effect; NaN where it is not known. */
  predicted: number | null;
}

/** How well contributions rank the parts of one kind as their effects do, in this text. */
export interface Correlation {
  /** `"tokens"`, `"heads"` or `"mlps"`. */
  kind: PartKind;
  /** Spearman's, -1 to 1. */
  rank_correlation: number | null;
}

/** One argument of `semiring_widgets.explain` that is not its default. */
export interface Argument {
  /** Of the argument. */
  name: string;
  /** Its value as Python writes it; where it is an object, a name for it. */
  code: string;
  /** Its value as a field shows it: one text, or the two of a pair. */
  words: readonly string[];
  /** Its value, where that is parts of the model. */
  parts: Selection;
  /** Whether it is an object of the caller's, which words cannot give again. */
  own: boolean;
}

/** What the model would say where it is asked: one of its first choices. */
export interface Likely {
  /** The token or class. */
  text: string;
  /** As a target is written: the word, or `id:N`. */
  words: string;
  /** 0 to 1. */
  probability: number | null;
}

/** A question that was asked in this view and has an answer. */
export interface PastQuestion {
  number: number;
  arguments: readonly Argument[];
  /** Of the score. */
  label: string;
  /** Of the score. */
  value: number | null;
  /** Whether its answer is still there in full; else it is asked again. */
  held: boolean;
}

/** The questions of a view. */
export interface Inquiry {
  /** Of the question whose answer is shown; 0 where there is no answer yet. */
  number: number;
  /** How often anything was asked here. */
  attempts: number;
  /** Of the question that was asked last. */
  arguments: readonly Argument[];
  /** How far that one is, or why it failed, as long as an earlier answer is shown; null otherwise. */
  status: Status | null;
  /** The argument that the failure is about, as far as known. */
  wrong: string;
  /** The last questions, the newest first. */
  past: readonly PastQuestion[];
}

/** Some parts under one name, and the paths through at least one of them. */
export interface Group {
  /** What it is called. */
  name: string;
  /** Its parts; a path that passes several of them counts once. */
  parts: Selection;
  /** Of the mass of all paths explained, 0-1. */
  share: number | null;
  /** Over these paths, in nats; NaN where there are none. */
  entropy: number | null;
  /** Signed sum over them of weight times input minus reference, in the unit of the score. */
  contribution: number | null;
}

/** The summary of an explanation; the maps of its heads are asked for one by one. */
export interface ExplanationHeader {
  type: "explanation";
  version: number;
  /** Number of this summary; older ones are ignored. */
  revision: number;
  text: string;
  model: string;
  score: Score;
  streams: readonly Stream[];
  status: Status;
  columns: readonly Column[];
  /** Which paths alone it is about, in words; empty where it is all of them. */
  paths: string;
  granularity: string;
  level: string;
  layers: readonly Layer[];
  totals: Totals;
  rankings: readonly Ranking[];
  statistics: readonly Statistic[];
  /** What effects and contributions compare the text with; null where not known yet. */
  reference: Reference | null;
  /** The sentences that come first. */
  answer: readonly Sentence[];
  /** Those that were asked for one by one; those of all tokens, heads and feed-forward parts are columns. */
  tests: readonly Test[];
  correlations: readonly Correlation[];
  /** Which number an edge carried. */
  rules: string;
  /** What was asked, without what is the default; empty in results that do not say. */
  arguments: readonly Argument[];
  /** What the model would say there. */
  likeliest: readonly Likely[];
  /** The questions of a view that can ask again; null where nobody can be asked. */
  inquiry: Inquiry | null;
  /** Parts that are taken together under a name. */
  groups: readonly Group[];
}

/** One method that was asked. */
export interface MethodResult {
  /** Unique name, for example `"Saliency"` or `"path max"`. */
  name: string;
  /** `"captum"`, `"semiring"`, or `"tested"` for the tested effects themselves. */
  family: string;
  /** What the screen shows. */
  label: string;
  /** Time it took. */
  seconds: number | null;
  /** A sentence if it failed (its scores are NaN), else null. */
  error: string | null;
  /** Whether its scores have a meaningful sign. */
  signed: boolean;
  /** For semiring methods, which graph was counted; else null. */
  granularity: string | null;
  /** For maxima, `"unit"` or `"branch"`; else null. */
  level: string | null;
  /** Whether tokens are ranked by absolute score, as the score has no sign, or one that speaks of a slope and not of a word. */
  ranked_by_size: boolean;
  /** Spearman's ρ of the scores with the tested effects, of absolute values where `ranked_by_size`; -1 to 1. null, like all that follow, where it was not asked for or has no value. */
  effect_correlation: number | null;
  /** Drop of the score when the first 20 % of the words are given the reference. */
  comprehensiveness: number | null;
  /** Drop of the score when all other words are. */
  sufficiency: number | null;
  /** Mean squared error, in the unit of the score squared, of the change that the scores predict for random sets of words, after the best common factor. */
  infidelity: number | null;
  /** The largest relative change of the scores when the input is moved a little. */
  sensitivity: number | null;
}

/** The summary of a comparison, which holds all its numbers. */
export interface ComparisonHeader {
  type: "comparison";
  version: number;
  /** Number of this summary; older ones are ignored. */
  revision: number;
  text: string;
  model: string;
  score: Score;
  streams: readonly Stream[];
  status: Status;
  columns: readonly Column[];
  /** Which paths alone it is about, in words; empty where it is all of them. */
  paths: string;
  methods: readonly MethodResult[];
  top_k: number;
  /** What is put in the place of words; null where nothing was tested. */
  reference: Reference | null;
}

/** One of two explanations that stand side by side. */
export interface Side {
  /** What it is called. */
  name: string;
  text: string;
  model: string;
  score: Score;
  /** Which graph, in words. */
  counted: string;
  totals: Totals;
  reference: Reference | null;
}

/** Two explanations side by side; columns have an axis of two sides in front, and tokens by place. */
export interface BesideHeader {
  type: "beside";
  version: number;
  /** Number of this summary; older ones are ignored. */
  revision: number;
  text: string;
  model: string;
  score: Score;
  streams: readonly Stream[];
  status: Status;
  columns: readonly Column[];
  /** Which paths alone it is about, in words; empty where it is all of them. */
  paths: string;
  /** A and B. */
  sides: readonly Side[];
  /** For each stream, at each place the token of either side as people read it; empty where it has none. */
  words: readonly (readonly (readonly string[])[])[];
  layers: readonly Layer[];
  statistics: readonly Statistic[];
  /** What the two differ in; parts count tokens by place. */
  answer: readonly Sentence[];
}

/** The flow of the paths through a selection. */
export interface ConditionedAnswer {
  type: "conditioned";
  id: number;
  /** The parts, as asked. */
  selection: Selection;
  /** Natural log of the share of all mass that passes through it; null where no path does. */
  log_share: number | null;
  /** What is known of the totals of these paths; null where that is known of all paths only. */
  totals: Totals;
  /** Of exactly these paths, input minus reference, in the unit of the score. */
  contribution: number | null;
  /** Parts that none of these paths pass. */
  avoiding: Selection;
  /** Parts of which they pass at least one; none for no such condition. */
  among: Selection;
  columns: readonly Column[];
}

/** One ranking of the routes of the paths through a selection. */
export interface RoutesAnswer {
  type: "routes";
  id: number;
  by: RankedBy;
  selection: Selection;
  ranking: Ranking;
  /** Parts of which they pass at least one; none for no such condition. */
  among: Selection;
}

/** What one test found. */
export interface TestAnswer {
  type: "test";
  id: number;
  test: Test;
}

/** One head between tokens, in one byte each: `255 * sqrt(share / peak)`. */
export interface HeadMapAnswer {
  type: "head_map";
  id: number;
  layer: number;
  head: number;
  /** Whose paths are meant; shares are of their mass. */
  selection: Selection;
  kinds: readonly Kind[];
  /** The largest share of each kind. */
  peak: readonly (number | null)[];
  columns: readonly Column[];
}

/** All groups, after one was made or forgotten. */
export interface GroupAnswer {
  type: "group";
  id: number;
  groups: readonly Group[];
}

/** The units of a part: the columns `value`, `contribution` and `mass_share`. */
export interface UnitsAnswer {
  type: "units";
  id: number;
  /** The part. */
  selection: Selection;
  /** Whether they are those of a hidden layer, and not of the part's output. */
  hidden: boolean;
  columns: readonly Column[];
}

/** One edge of a scalar path. */
export interface ScalarStep {
  /** The operator, such as `"aten.mm.default"`. */
  op: string;
  /** Dotted path of the module that ran it, "" outside of any. */
  module: string;
  /** Of the element reached, in the operator's result. */
  index: readonly number[];
  /** The local partial derivative. */
  derivative: number | null;
  /** Log of the absolute product of the derivatives so far. */
  log_weight: number | null;
  /** Of that product. */
  sign: number;
  layer: number | null;
  head: number | null;
  token: number | null;
  /** `"embedding"`, `"skip"`, `"query"`, `"key"`, `"value"`, `"mlp"`, `"mlp_skip"` or `"output"`. */
  route: string | null;
}

/** The strongest scalar path of a set, from one number of the input to the score. */
export interface ScalarPath {
  stream: number;
  token: number;
  unit: number;
  /** Log of the absolute product of its derivatives. */
  log_weight: number | null;
  /** Of that product. */
  sign: number;
  /** From the input on. */
  steps: readonly ScalarStep[];
}

/** The strongest scalar path of a selection or a route; null where there is none. */
export interface PathAnswer {
  type: "path";
  id: number;
  selection: Selection;
  avoiding: Selection;
  steps: readonly ListedStep[];
  path: ScalarPath | null;
}

/** A chart for BokehJS. */
export interface ChartAnswer {
  type: "chart";
  id: number;
  /** Whose paths it shows. */
  selection: Selection;
  /** What `Bokeh.embed.embed_item` takes. */
  item: unknown;
  /** The same with light letters. */
  dark: unknown;
}

/** BokehJS itself, in the buffer. */
export interface BokehAnswer {
  type: "bokehjs";
  id: number;
  version: string;
}

/** Why a request cannot be met, in a sentence. */
export interface ErrorAnswer {
  type: "error";
  id: number;
  message: string;
}

/** The flow of the paths through a selection, of two explanations side by side. */
export interface BothAnswer {
  type: "both";
  id: number;
  /** The parts, as asked; tokens are places. */
  selection: Selection;
  /** Of either side, natural log of the share of its mass that passes; null where none does. */
  log_shares: readonly (number | null)[];
  /** Of either side, why it has no numbers, in a sentence; empty where it has. */
  refusals: readonly string[];
  columns: readonly Column[];
}

/** Asks for the current summary. */
export interface Pull {
  type: "pull";
}

/** Stops the computation; its end, a summary, is the answer. */
export interface Cancel {
  type: "cancel";
}

/** Asks for the flow of the paths through a selection. */
export interface ConditionRequest {
  type: "condition";
  selection: Selection;
  /** Parts that none of these paths pass. */
  avoiding: Selection;
  /** Parts of which they pass at least one, as a group of parts means; none for no such condition. */
  among: Selection;
}

/** Asks for a ranking of the routes of the paths through a selection. */
export interface RoutesRequest {
  type: "routes";
  by: RankedBy;
  selection: Selection;
  /** Parts that none of these paths pass. */
  avoiding: Selection;
  /** Parts of which they pass at least one, as a group of parts means; none for no such condition. */
  among: Selection;
}

/** Asks what really becomes of the score when parts are given another value, all at once. */
export interface TestRequest {
  type: "test";
  selection: Selection;
  /** A route, instead of the parts: what it carries is taken away, and nothing else. */
  steps: readonly ListedStep[];
  /** What the parts are given. */
  by: Replacement;
}

/** Asks for the map of one head, of the selected paths. */
export interface HeadMapRequest {
  type: "head_map";
  layer: number;
  head: number;
  selection: Selection;
  /** Parts that none of these paths pass. */
  avoiding: Selection;
}

/** Asks to take some parts as one under a name; without any parts, to forget the group of that name. */
export interface GroupRequest {
  type: "group";
  name: string;
  selection: Selection;
}

/** Asks for the units of one head or feed-forward part. */
export interface UnitsRequest {
  type: "units";
  selection: Selection;
}

/** Asks for the strongest scalar path through a selection, or of a listed route. */
export interface PathRequest {
  type: "path";
  selection: Selection;
  /** Parts that the path does not pass. */
  avoiding: Selection;
  /** Of a listed route of the selection; none for all its paths. */
  steps: readonly ListedStep[];
}

/** Asks for the chart of the selected paths. */
export interface ChartRequest {
  type: "chart";
  selection: Selection;
  /** Parts that none of these paths pass. */
  avoiding: Selection;
  /** Parts of which they pass at least one; none for no such condition. */
  among: Selection;
}

/** Asks for BokehJS, once per page. */
export interface BokehRequest {
  type: "bokehjs";
}

/** Asks two explanations side by side for the flow of the paths through a selection. */
export interface BothRequest {
  type: "both";
  /** Tokens are places. */
  selection: Selection;
  /** Parts that none of these paths pass. */
  avoiding: Selection;
}

/** An argument that is to be another. */
export interface Change {
  name: string;
  /** As in a field; nothing there is the default. */
  words: readonly string[];
}

/** Asks the question of the view with some arguments changed; the summaries that follow are the answer. */
export interface AskRequest {
  type: "ask";
  changes: readonly Change[];
}

/** Asks for an earlier question of the view; the summaries that follow are the answer. */
export interface RecallRequest {
  type: "recall";
  number: number;
}

/** A view was opened; a computation stops when its last one is gone. */
export interface Shown {
  type: "shown";
  view: string;
}

/** A view was closed. */
export interface Gone {
  type: "gone";
  view: string;
}

/** The page of a view is closed or loaded anew: nobody looks now, and what runs goes on. */
export interface Left {
  type: "left";
  view: string;
}

/** An answer among those that are packed in a page. */
export interface Prepared {
  header: Answer;
  /** Where its buffer begins in the bytes of all answers. */
  offset: number;
  /** How long it is. */
  nbytes: number;
}

/** What a page without a kernel shows at once; what it answers later is packed beside it. */
export interface Page {
  summary: Summary;
  /** That of the summary, in base64. */
  buffer: string;
  /** Those that were run ahead. */
  tests: readonly Test[];
  /** What the packed answers are about, by the type of the request: parts, as in the page's address. */
  held: Partial<Record<Request["type"], readonly string[]>>;
}

/** The answers of a page, by the type of the request; their bytes come after them. */
export interface Packed {
  answers: Partial<Record<Request["type"], readonly Prepared[]>>;
}

export type Summary = ExplanationHeader | ComparisonHeader | BesideHeader;
export type Answer =
  | ConditionedAnswer
  | RoutesAnswer
  | TestAnswer
  | HeadMapAnswer
  | GroupAnswer
  | UnitsAnswer
  | PathAnswer
  | ChartAnswer
  | BokehAnswer
  | ErrorAnswer
  | BothAnswer;
export type Incoming = Answer | Summary;
export type Request =
  | Pull
  | Cancel
  | ConditionRequest
  | RoutesRequest
  | TestRequest
  | HeadMapRequest
  | GroupRequest
  | UnitsRequest
  | PathRequest
  | ChartRequest
  | BokehRequest
  | BothRequest
  | AskRequest
  | RecallRequest;
export type Notice = Shown | Gone | Left;

/** What each request is answered with, unless with an error. */
export interface AnswerTo {
  pull: never;
  cancel: never;
  condition: ConditionedAnswer;
  routes: RoutesAnswer;
  test: TestAnswer;
  head_map: HeadMapAnswer;
  group: GroupAnswer;
  units: UnitsAnswer;
  path: PathAnswer;
  chart: ChartAnswer;
  bokehjs: BokehAnswer;
  both: BothAnswer;
  ask: never;
  recall: never;
}
