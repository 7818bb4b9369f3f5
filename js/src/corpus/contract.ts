/**
 * The messages between Python and the view of a corpus.
 *
 * Written by `python -m semiring_widgets.contract.typescript` from the table in
 * `semiring_widgets/contract/corpus_table.py`: change it there.
 */

import type { Column } from "../contract";

/** A number that texts have. */
export interface NumberOfTexts {
  name: string;
  label: string;
  unit: string;
  /** The lower end of the first bin. */
  low: number | null;
  /** The upper end of the last bin. */
  high: number | null;
}

/** A group of texts, and how it is drawn. */
export interface GroupOfTexts {
  name: string;
  colour: string;
  /** A marker of Bokeh. */
  marker: string;
}

/** What a column of effects belongs to. */
export interface PartOfModel {
  /** `"head"`, `"layer"` (the sum over its heads) or `"mlp"`. */
  kind: string;
  /** From 0. */
  layer: number;
  /** Of the layer, from 0; null of the others. */
  head: number | null;
}

/** One text in the table. */
export interface Line {
  /** Its place in the corpus. */
  row: number;
  id: string;
  /** Place of its group. */
  group: number;
  text: string;
  target: string | null;
  contrast: string | null;
  /** Whether the target is preferred; null where that cannot be said. */
  right: boolean | null;
  score: number | null;
  entropy: number | null;
  log_mass: number | null;
  /** The word with the largest effect. */
  top_token_text: string | null;
  /** Its effect. */
  top_token_effect: number | null;
}

/** A corpus at first sight. */
export interface CorpusHeader {
  type: "corpus";
  version: number;
  name: string;
  /** What was found, in at most two sentences. */
  found: readonly string[];
  /** What was asked of which model, in words. */
  asked: string;
  texts: number;
  /** Rows that could not be asked. */
  errors: number;
  /** The column that groups the texts; empty where there is one group. */
  by: string;
  /** What parts are measured by, effect or contribution; empty where nothing is known. */
  of: string;
  numbers: readonly NumberOfTexts[];
  groups: readonly GroupOfTexts[];
  parts: readonly PartOfModel[];
  /** Those that have a flow. */
  layers: readonly number[];
  /** By which it runs. */
  branches: readonly string[];
  /** The number to the right in the picture of points. */
  x: string;
  y: string;
  /** Of each histogram. */
  bins: number;
  /** Texts in that picture; where they are fewer than the texts, a sample. */
  points: number;
  /** Of the table; where they are fewer than the texts, the extremes and a sample. */
  lines: readonly Line[];
  /** Whether a text can be explained, as a model is there. */
  explains: boolean;
  /** Those of `BrushedAnswer` of all texts, and `point_row`, `point_group` and `point_number`. */
  columns: readonly Column[];
}

/** What some texts have in common; `overview.aggregates.Aggregates` says what the columns are. */
export interface BrushedAnswer {
  type: "brushed";
  id: number;
  columns: readonly Column[];
}

/** Lines of the table. */
export interface TextsAnswer {
  type: "texts_found";
  id: number;
  /** How many there are in all. */
  total: number;
  /** The place of the first of these. */
  start: number;
  lines: readonly Line[];
}

/** A token of a text. */
export interface Word {
  text: string;
  /** Special, asked or word, see `corpus.table_columns`. */
  of: string;
  /** Or contribution, whichever the corpus has. */
  effect: number | null;
}

/** All that the tables say of one text. */
export interface OneTextAnswer {
  type: "one_text";
  id: number;
  row: number;
  label: string;
  text: string;
  reference: string;
  best_path: string;
  /** How it is explained in Python. */
  call: string;
  words: readonly Word[];
  /** `effect` by part, and `flow` by layer and branch. */
  columns: readonly Column[];
}

/** The explanation of one text. */
export interface ExplainedAnswer {
  type: "explained";
  id: number;
  /** Which. */
  row: number;
  /** Its summary, whose buffer comes along. */
  summary: unknown;
}

/** Sets of texts that are brushed together; `overview.cells.cells_of` says what the columns are. */
export interface CellsAnswer {
  type: "cells";
  id: number;
  /** Whether each text is a set of its own. */
  each: boolean;
  columns: readonly Column[];
}

/** Asks what the texts in a box and in some groups have in common. */
export interface BrushRequest {
  type: "brush";
  x: string;
  y: string;
  /** The lowest and highest x, the lowest and highest y; empty for all. */
  box: readonly (number | null)[];
  /** Their places; empty for all. */
  groups: readonly number[];
}

/** Asks for lines of the table of those texts. */
export interface TextsRequest {
  type: "texts";
  x: string;
  y: string;
  box: readonly (number | null)[];
  groups: readonly number[];
  /** To be found in them. */
  words: string;
  /** The column that orders them. */
  sort: string;
  descending: boolean;
  start: number;
  count: number;
}

/** Asks for all that the tables say of one text. */
export interface OneTextRequest {
  type: "one_text";
  row: number;
}

/** Asks for the explanation of one text, as the run asked for it. */
export interface ExplainTextRequest {
  type: "explain_text";
  row: number;
}

/** Asks for what a page without a kernel brushes. */
export interface CellsRequest {
  type: "cells";
}

export type CorpusAnswer = BrushedAnswer | TextsAnswer | OneTextAnswer | ExplainedAnswer | CellsAnswer;
export type CorpusRequest = BrushRequest | TextsRequest | OneTextRequest | ExplainTextRequest | CellsRequest;

/** What each request is answered with, unless with an error. */
export interface CorpusAnswerTo {
  brush: BrushedAnswer;
  texts: TextsAnswer;
  one_text: OneTextAnswer;
  explain_text: ExplainedAnswer;
  cells: CellsAnswer;
}
