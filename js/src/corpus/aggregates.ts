/**
 * What chosen texts have in common: from Python, or, on a page without a kernel, from the sets that it holds.
 *
 * Counts and means of both are the same. Intervals from sets are the mean and 1.96 standard errors on either
 * side; those of Python are drawn by the bootstrap.
 */

import type { Columns } from "../columns";
import { type Box, type Brush, chosen, within } from "./brush";
import type { CorpusHeader } from "./contract";

export type Numbers = Float32Array | Float64Array | Uint8Array;

/** By group, by number, by bin, by part, as `overview/aggregates.py` has them. */
export interface Aggregates {
  count: Numbers;
  right: Numbers;
  mean: Numbers;
  histogram: Numbers;
  part_mean: Numbers;
  part_low: Numbers;
  part_high: Numbers;
  part_count: Numbers;
  flow: Numbers;
  joint: Numbers;
}

const NOTHING = new Float32Array(0);

export function fromColumns(columns: Columns): Aggregates {
  const get = (name: keyof Aggregates) => columns.get(name)?.data ?? NOTHING;
  return {
    count: get("count"),
    right: get("right"),
    mean: get("mean"),
    histogram: get("histogram"),
    part_mean: get("part_mean"),
    part_low: get("part_low"),
    part_high: get("part_high"),
    part_count: get("part_count"),
    flow: get("flow"),
    joint: get("joint"),
  };
}

/** Texts of all chosen groups. */
export const total = ({ count }: Aggregates): number => Array.from(count).reduce((sum, one) => sum + one, 0);

export interface Cells {
  /** Whether each text is a set of its own. */
  each: boolean;
  columns: Columns;
}

/** A box moved to the bins that the sets of a large corpus are of; where each text is a set, as it is. */
export function snapped(box: Box, { each, columns }: Cells): Box {
  const edges = columns.get("edges");
  if (each || edges === undefined) return box;
  const bins = (edges.shape[1] ?? 1) - 1;
  const along = (axis: number, low: number, high: number): [number, number] => {
    const own = Array.from(edges.data.slice(axis * (bins + 1), (axis + 1) * (bins + 1)));
    const [from, width] = [own[0] ?? 0, ((own[bins] ?? 1) - (own[0] ?? 0)) / bins];
    const place = (value: number) => Math.min(bins, Math.max(0, Math.round((value - from) / width)));
    // At least one bin.
    const [first, last] = [Math.min(place(low), bins - 1), Math.max(place(high), place(low) + 1)];
    return [own[first] ?? low, own[Math.min(last, bins)] ?? high];
  };
  return [...along(0, box[0], box[1]), ...along(1, box[2], box[3])];
}

export function ofCells({ each, columns }: Cells, header: CorpusHeader, brush: Brush): Aggregates {
  const read = (name: string) => columns.get(name)?.data ?? NOTHING;
  const [groups, bins, numbers] = [header.groups.length, header.bins, header.numbers.length];
  const [parts, shares] = [header.parts.length, header.layers.length * header.branches.length];
  const group = read("group");
  const keep = each ? textsIn(columns, brush) : cellsIn(columns, brush);
  const size = columns.get("edges")?.shape[1];
  const across = size === undefined ? bins : size - 1;
  const [count, rights, sums] = [new Sums(groups), new Sums(groups), new Sums(numbers * groups)];
  const [effects, flows] = [new Sums(parts), new Sums(groups * shares)];
  const squares = new Float64Array(parts);
  const histogram = new Float64Array(numbers * groups * bins);
  const joint = new Float64Array(across * across);
  const held = (name: string) => ({
    sum: read(each ? name : `${name}_sum`),
    count: each ? null : read(`${name}_count`),
  });
  const [ofNumber, ofRight, ofEffect, ofFlow] = ["number", "right", "effect", "flow"].map(held) as Held4;
  const square = each ? null : read("effect_square");
  const texts = each ? null : read("count");
  const bin = read(each ? "bin" : "histogram");
  const [x, y] = [read("x"), read("y")];
  for (let cell = 0; cell < group.length; cell++) {
    if (!keep(cell)) continue;
    const own = group[cell] ?? 0;
    const many = texts?.[cell] ?? 1;
    count.add(own, many, 1);
    rights.take(own, ofRight, cell);
    for (let one = 0; one < numbers; one++) {
      sums.take(one * groups + own, ofNumber, cell * numbers + one);
      const first = (one * groups + own) * bins;
      if (each) {
        const place = bin[cell * numbers + one] ?? 255;
        if (place < bins) histogram[first + place] = (histogram[first + place] ?? 0) + 1;
      } else
        for (let place = 0; place < bins; place++)
          histogram[first + place] =
            (histogram[first + place] ?? 0) + (bin[(cell * numbers + one) * bins + place] ?? 0);
    }
    const [right, up] = each
      ? [bin[cell * numbers + brush.x] ?? 255, bin[cell * numbers + brush.y] ?? 255]
      : [x[cell] ?? 255, y[cell] ?? 255];
    if (right < across && up < across) joint[right * across + up] = (joint[right * across + up] ?? 0) + many;
    for (let part = 0; part < parts; part++) {
      const place = cell * parts + part;
      effects.take(part, ofEffect, place);
      const value = square === null ? (ofEffect.sum[place] ?? Number.NaN) ** 2 : (square[place] ?? 0);
      if (!Number.isNaN(value)) squares[part] = (squares[part] ?? 0) + value;
    }
    for (let share = 0; share < shares; share++)
      flows.take(own * shares + share, ofFlow, cell * shares + share);
  }
  const mean = effects.means();
  const wide = mean.map((value, part) => {
    const many = effects.count[part] ?? 0;
    const variance = ((squares[part] ?? 0) - many * value * value) / (many - 1);
    return many < 2 ? Number.NaN : (STANDARD_ERRORS * Math.sqrt(Math.max(0, variance))) / Math.sqrt(many);
  });
  return {
    count: count.sum,
    right: rights.means(),
    mean: sums.means(),
    histogram,
    part_mean: mean,
    part_low: mean.map((value, part) => value - (wide[part] ?? Number.NaN)),
    part_high: mean.map((value, part) => value + (wide[part] ?? Number.NaN)),
    part_count: effects.count,
    flow: flows.means(),
    joint,
  };
}

const STANDARD_ERRORS = 1.96;

interface Held {
  sum: Numbers;
  count: Numbers | null;
}
type Held4 = [Held, Held, Held, Held];

class Sums {
  readonly sum: Float64Array;
  readonly count: Float64Array;

  constructor(size: number) {
    this.sum = new Float64Array(size);
    this.count = new Float64Array(size);
  }

  add(place: number, value: number, many: number): void {
    this.sum[place] = (this.sum[place] ?? 0) + value;
    this.count[place] = (this.count[place] ?? 0) + many;
  }

  /** Add what a set has, which is nothing where that is not known. */
  take(place: number, { sum, count }: Held, from: number): void {
    const value = sum[from] ?? Number.NaN;
    if (!Number.isNaN(value)) this.add(place, value, count?.[from] ?? 1);
  }

  means(): Float64Array {
    return this.sum.map((sum, place) => sum / (this.count[place] || Number.NaN));
  }
}

/** Whether a text is chosen. */
function textsIn(columns: Columns, brush: Brush): (text: number) => boolean {
  const group = columns.reader("group");
  const number = columns.reader("number");
  return (text) =>
    chosen(brush, group(text)) && within(brush.box, number(text, brush.x), number(text, brush.y));
}

/** Whether a set is chosen: the middle of its bins lies in the box. */
function cellsIn(columns: Columns, brush: Brush): (cell: number) => boolean {
  const [group, x, y] = [columns.reader("group"), columns.reader("x"), columns.reader("y")];
  const edges = columns.reader("edges");
  const middle = (axis: number, bin: number) => (edges(axis, bin) + edges(axis, bin + 1)) / 2;
  return (cell) => {
    if (!chosen(brush, group(cell))) return false;
    return brush.box === null || within(brush.box, middle(0, x(cell)), middle(1, y(cell)));
  };
}
