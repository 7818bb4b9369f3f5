/**
 * The message to the view of a picture or a sound.
 *
 * Written by `python -m semiring_widgets.contract.typescript` from the table in
 * `semiring_widgets/contract/overlay_types.py`: change it there.
 */

import type { Column, Score, Sentence } from "../contract";

/** How an input is cut into cells, which are numbered row by row. */
export interface Grid {
  /** Where rows of cells begin, and after them where the last one ends; in pixels from the top. A sound has one row. */
  rows: readonly number[];
  /** The same of columns; in pixels from the left, or samples. */
  columns: readonly number[];
}

/** A number that every cell has. */
export interface CellMeasure {
  /** Of its column by cell. */
  name: string;
  /** In words. */
  label: string;
  /** Where it comes from, in a few words. */
  how: string;
  /** What its tints mean. */
  scale: "signed" | "share" | "log" | "plain";
  /** The largest of the numbers that it is compared with: the end of its scale. */
  peak: number | null;
  /** Of its numbers; empty where they have none. */
  unit: string;
}

/** A place in the model where all paths can be told by cell: an attention, or a feature map. */
export interface CellLayer {
  /** Of the module. */
  name: string;
  /** `"attention"` or `"feature map"`. */
  kind: string;
  /** How many rows of cells it has, which need not be those of the grid. */
  rows: number;
  /** How many columns. */
  columns: number;
  /** Of an attention; 0 of a feature map. */
  heads: number;
}

/** Paths that take the same heads and patches, as far as they were looked at. */
export interface CellRoute {
  /** In words. */
  text: string;
  /** Of the mass of all paths, 0-1. */
  share: number | null;
  /** Sum over its paths of weight times (input - reference) where they begin. */
  contribution: number | null;
  /** The patches that it passes, from the first on, as places in the first attention's grid; -1 for a token that is no patch. */
  cells: readonly number[];
  /** Layer and head of each step of attention. */
  heads: readonly (readonly number[])[];
}

/** One method that was asked. */
export interface ImageMethod {
  /** Unique name. */
  name: string;
  /** Time it took. */
  seconds: number | null;
  /** A sentence if it failed (its scores are NaN), else null. */
  error: string | null;
  /** Spearman's ρ with the tested effects; null where it has no value. */
  effect_correlation: number | null;
  /** Area under its deletion curve. */
  deletion: number | null;
  /** Area under its insertion curve. */
  insertion: number | null;
}

/** A picture or a sound with all that is known of its cells. */
export interface OverlayHeader {
  type: "overlay";
  version: number;
  /** Always 1, as nothing is told later. */
  revision: number;
  model: string;
  score: Score;
  answer: readonly Sentence[];
  /** How it was computed, in words. */
  settings: string;
  /** What one cell is called. */
  cells: string;
  /** What more of them are called. */
  several: string;
  /** Samples per second of a sound; null of a picture. */
  rate: number | null;
  grid: Grid;
  /** What can be laid over it; the first one is shown first. */
  measures: readonly CellMeasure[];
  /** Where paths are told by place; `layer_mass_share` and `layer_contribution` by layer and its place, `head_mass_share` by layer and head, and `head_map` by all three are columns. */
  layers: readonly CellLayer[];
  routes: readonly CellRoute[];
  /** Attribution methods that are compared; none of an explanation. */
  methods: readonly ImageMethod[];
  /** The measures, those of layers, and `picture` (rows, columns, red green blue; 0-255) or `waveform` (lowest and highest of several samples each). */
  columns: readonly Column[];
}
