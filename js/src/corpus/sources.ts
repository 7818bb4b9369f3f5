/** The tables behind the charts, from what the chosen texts have in common. */

import { brief } from "../layout/numbers";
import type { Aggregates, Numbers } from "./aggregates";
import { type Brush, chosen, within } from "./brush";
import type { CorpusHeader, PartOfModel } from "./contract";

type Table = Record<string, unknown[]>;

export const PART_COLOURS: Record<string, string> = { head: "#5d74c9", layer: "#5d74c9", mlp: "#c26a9b" };
const UNRESOLVED = "#8a939c";
const LISTED = 10;
const PALE = 0.1;

export const partName = ({ kind, layer, head }: PartOfModel): string =>
  kind === "head" ? `head ${layer}·${head}` : kind === "mlp" ? `MLP ${layer}` : `heads of layer ${layer}`;

export function points(
  header: CorpusHeader,
  rows: Numbers,
  group: Numbers,
  number: Numbers,
  brush: Brush,
): Table {
  const made: Table = { x: [], y: [], colour: [], marker: [], alpha: [], size: [], row: [], group: [] };
  const count = header.numbers.length;
  const full = rows.length > 400 ? 0.6 : 0.9;
  rows.forEach((row, point) => {
    const [x = Number.NaN, y = Number.NaN] = [
      number[point * count + brush.x],
      number[point * count + brush.y],
    ];
    const own = header.groups[group[point] ?? 0];
    const kept = chosen(brush, group[point] ?? 0) && within(brush.box, x, y);
    made.x?.push(x);
    made.y?.push(y);
    made.colour?.push(own?.colour ?? UNRESOLVED);
    made.marker?.push(own?.marker ?? "circle");
    made.alpha?.push(kept ? full : PALE);
    made.size?.push(rows.length > 400 ? 5 : 8);
    made.row?.push(row);
    made.group?.push(own?.name ?? "");
  });
  return made;
}

/** How many texts there are around each point of the picture of points. */
export function density(header: CorpusHeader, brush: Brush, { joint }: Aggregates): Table {
  const bins = Math.round(Math.sqrt(joint.length));
  const peak = Math.max(1, ...joint);
  const edges = (place: number) => {
    const { low, high } = header.numbers[place] ?? {};
    return (bin: number) => (low ?? 0) + (((high ?? 1) - (low ?? 0)) * bin) / bins;
  };
  const [across, up] = [edges(brush.x), edges(brush.y)];
  const made: Table = { left: [], right: [], bottom: [], top: [], alpha: [] };
  joint.forEach((count, place) => {
    if (count === 0) return;
    const [right, above] = [Math.floor(place / bins), place % bins];
    made.left?.push(across(right));
    made.right?.push(across(right + 1));
    made.bottom?.push(up(above));
    made.top?.push(up(above + 1));
    made.alpha?.push(0.5 * Math.sqrt(count / peak));
  });
  return made;
}

/** The outline of the bars of each group. */
export function histogram(header: CorpusHeader, place: number, of: Aggregates): Table {
  const { groups, bins, numbers } = header;
  const { low, high } = numbers[place] ?? {};
  const edge = (bin: number) => (low ?? 0) + (((high ?? 1) - (low ?? 0)) * bin) / bins;
  const made: Table = { xs: [], ys: [], colour: [], group: [], count: [], mean: [] };
  groups.forEach((group, own) => {
    const count = of.count[own] ?? 0;
    if (count === 0) return;
    const [xs, ys] = [[edge(0)], [0]];
    for (let bin = 0; bin < bins; bin++) {
      const texts = of.histogram[(place * groups.length + own) * bins + bin] ?? 0;
      xs.push(edge(bin), edge(bin + 1));
      ys.push(texts, texts);
    }
    made.xs?.push([...xs, edge(bins)]);
    made.ys?.push([...ys, 0]);
    made.colour?.push(group.colour);
    made.group?.push(group.name);
    made.count?.push(count);
    made.mean?.push(of.mean[place * groups.length + own] ?? Number.NaN);
  });
  return made;
}

/** The largest mean of a head, on either side, for the scale of their tints. */
export const peakOf = ({ parts }: CorpusHeader, { part_mean }: Aggregates): number =>
  Math.max(
    0,
    ...parts.map(({ kind }, place) => (kind === "head" ? Math.abs(part_mean[place] ?? 0) || 0 : 0)),
  );

export function heads(header: CorpusHeader, of: Aggregates): Table {
  const made: Table = { head: [], layer: [], mean: [], low: [], high: [], count: [], written: [] };
  const peak = peakOf(header, of);
  header.parts.forEach(({ kind, layer, head }, place) => {
    if (kind !== "head") return;
    const mean = of.part_mean[place] ?? Number.NaN;
    made.head?.push(head);
    made.layer?.push(layer);
    made.mean?.push(mean);
    made.low?.push(of.part_low[place] ?? Number.NaN);
    made.high?.push(of.part_high[place] ?? Number.NaN);
    made.count?.push(of.part_count[place] ?? 0);
    made.written?.push(Number.isNaN(mean) ? "" : brief(mean, peak));
  });
  return made;
}

export interface Ordered {
  place: number;
  part: PartOfModel;
  /** Whether it is told from all below it. */
  resolved: boolean;
}

/** Heads and MLPs by |mean|, the largest first; as `corpus/averaging.py` says whether their order is told. */
export function ordered({ parts }: CorpusHeader, of: Aggregates): Ordered[] {
  const size = (place: number) => Math.abs(of.part_mean[place] ?? Number.NaN);
  const all = parts
    .map((part, place) => ({ part, place, resolved: false }))
    .filter(({ part, place }) => part.kind !== "layer" && !Number.isNaN(size(place)))
    .sort((one, other) => size(other.place) - size(one.place));
  let most = Number.NEGATIVE_INFINITY;
  for (const one of [...all].reverse()) {
    const [low = Number.NaN, high = Number.NaN] = [of.part_low[one.place], of.part_high[one.place]];
    const known = Number.isFinite(low) && Number.isFinite(high);
    const least = low * high > 0 ? Math.min(Math.abs(low), Math.abs(high)) : 0;
    one.resolved = known && least > most;
    most = Math.max(most, known ? Math.max(Math.abs(low), Math.abs(high)) : Number.POSITIVE_INFINITY);
  }
  return all;
}

function whiskers(of: Aggregates, rows: { at: unknown; one: Ordered; solid: boolean }[]): Table {
  const colours = rows.map(({ one, solid }) => (solid ? PART_COLOURS[one.part.kind] : UNRESOLVED));
  const pick = (from: Numbers) => rows.map(({ one }) => from[one.place] ?? Number.NaN);
  return {
    place: rows.map(({ at }) => at),
    mean: pick(of.part_mean),
    low: pick(of.part_low),
    high: pick(of.part_high),
    colour: colours,
    fill: rows.map(({ solid }, place) => (solid ? colours[place] : "rgba(0,0,0,0)")),
    marker: rows.map(({ one }) => (one.part.kind === "mlp" ? "diamond" : "circle")),
    name: rows.map(({ one }) => partName(one.part)),
    count: pick(of.part_count),
  };
}

export function layers({ parts }: CorpusHeader, of: Aggregates): Table {
  const rows = parts.flatMap((part, place) => {
    if (part.kind === "head") return [];
    const shift = part.kind === "mlp" ? 0.13 : -0.13;
    return [{ at: part.layer + shift, one: { part, place, resolved: true }, solid: true }];
  });
  return whiskers(of, rows);
}

/** The first of the order, the largest last: charts count upwards. */
export function order(header: CorpusHeader, of: Aggregates): Table {
  const first = ordered(header, of).slice(0, LISTED).reverse();
  return whiskers(
    of,
    first.map((one) => ({ at: partName(one.part), one, solid: one.resolved })),
  );
}

export interface Flow {
  lines: Table;
  data: Table;
  /** The largest share. */
  peak: number;
}

/** The share of one branch by layer, a line a group. */
export function flow(header: CorpusHeader, branch: number, of: Aggregates): Flow {
  const { groups, layers: known } = header;
  const lines: Table = { xs: [], ys: [], colour: [] };
  const data: Table = { layer: [], share: [], colour: [], marker: [], group: [] };
  let peak = 0;
  groups.forEach((group, own) => {
    if ((of.count[own] ?? 0) === 0) return;
    const shares = known.map((_, layer) => shareOf(header, of, own, layer, branch));
    lines.xs?.push([...known]);
    lines.ys?.push(shares);
    lines.colour?.push(group.colour);
    shares.forEach((share, layer) => {
      peak = Math.max(peak, share || 0);
      data.layer?.push(known[layer]);
      data.share?.push(share);
      data.colour?.push(group.colour);
      data.marker?.push(group.marker);
      data.group?.push(group.name);
    });
  });
  return { lines, data, peak };
}

export const shareOf = (
  { layers: known, branches }: CorpusHeader,
  of: Aggregates,
  group: number,
  layer: number,
  branch: number,
): number => of.flow[(group * known.length + layer) * branches.length + branch] ?? Number.NaN;

/** The highest bar of a histogram; at least one text. */
export const highest = ({ ys }: Table): number => Math.max(1, ...((ys ?? []) as number[][]).flat());

/** The ends of an axis for means with their intervals, and zero. */
export function around({ mean, low, high }: Table): { start: number; end: number } {
  const known = [mean, low, high].flatMap((one) => (one ?? []) as number[]).filter(Number.isFinite);
  const [start, end] = [Math.min(0, ...known), Math.max(0, ...known)];
  const air = 0.05 * (end - start || 1);
  return { start: start - air, end: end + air };
}
