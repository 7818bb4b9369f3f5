/** What lies over the picture: a number for each of its places, and what its tints mean. */

import type { Columns } from "../columns";
import { logTint, number, percent, power, signed, tint } from "../layout/numbers";
import type { Choice } from "./choice";
import type { CellLayer, CellMeasure, OverlayHeader } from "./contract";
import { boxOf, evenly, partsIn, type Raster, rasterOf, sizeOf } from "./raster";

export interface Shown {
  /** What its numbers are, in words: `effect`, `head 1·2`. */
  label: string;
  how: string;
  scale: CellMeasure["scale"];
  peak: number;
  unit: string;
  raster: Raster;
  values: Float32Array;
}

const NONE = new Float32Array(0);

/** The measure that was chosen, or the first one. */
export const measureOf = ({ measures }: OverlayHeader, name: string | null): CellMeasure =>
  measures.find((one) => one.name === name) ?? (measures[0] as CellMeasure);

/** The numbers of a measure by cell. */
export const byCell = (columns: Columns, { name }: CellMeasure): Float32Array =>
  (columns.get(name)?.data as Float32Array | undefined) ?? NONE;

/** What lies over the picture: the map of the chosen layer or head, else that of the measure. */
export function shownOf(
  header: OverlayHeader,
  columns: Columns,
  { layer, head }: Choice,
  name: string | null,
): Shown {
  const measure = measureOf(header, name);
  const found = layer === null ? undefined : header.layers[layer];
  if (layer !== null && found !== undefined) return ofLayer(columns, layer, found, head, measure);
  const { label, how, scale, peak, unit } = measure;
  const values = byCell(columns, measure);
  return { label, how, scale, peak: peak ?? 0, unit, raster: rasterOf(header.grid), values };
}

function ofLayer(
  columns: Columns,
  layer: number,
  { kind, rows, columns: count }: CellLayer,
  head: number | null,
  measure: CellMeasure,
): Shown {
  const raster = evenly(rows, count);
  const pick = (name: string, ...place: number[]) => {
    const at = columns.reader(name);
    return Float32Array.from({ length: sizeOf(raster) }, (_, index) => at(layer, ...place, index));
  };
  const common = { raster, unit: "" };
  if (head !== null) {
    const values = pick("head_map", head);
    const how = "share of all paths that enter it by its values, by place";
    return { ...common, label: `head ${layer}·${head}`, how, scale: "share", peak: peakOf(values), values };
  }
  const label = `layer ${layer}, ${kind} ${rows} × ${count}`;
  const contribution = pick("layer_contribution");
  if (measure.name === "contribution" && contribution.some((value) => !Number.isNaN(value)))
    return {
      ...{ ...common, label, how: `contribution ${measure.how}, by place`, scale: "signed" },
      ...{ peak: peakOf(contribution), values: contribution, unit: measure.unit },
    };
  const values = pick("layer_mass_share");
  return {
    ...common,
    label,
    how: "share of all paths, by place",
    scale: "share",
    peak: peakOf(values),
    values,
  };
}

const peakOf = (values: Float32Array): number =>
  values.reduce((most, value) => Math.max(most, Math.abs(value) || 0), 0);

/** Tints from -1 to 1; NaN where a number is not known. */
export function strengthsOf({ scale, peak, values }: Pick<Shown, "scale" | "peak" | "values">): Float32Array {
  return values.map((value) => {
    if (Number.isNaN(value)) return value;
    if (scale === "log") return logTint(value, peak);
    const strength = tint(value, peak);
    return scale === "signed" && value < 0 ? -strength : strength;
  });
}

/** A number with its unit. */
export function said({ scale, unit }: Pick<CellMeasure, "scale" | "unit">, value: number): string {
  if (Number.isNaN(value)) return "not known";
  if (scale === "share") return percent(value);
  if (scale === "log") return power(value);
  const words = scale === "signed" ? signed(value) : number(value);
  return unit === "" || unit === "logits" ? words : `${words} ${unit}`;
}

/** The share of all paths at a head, or in the stream of a layer, in all or in one cell; NaN where it is not known. */
export function shareAt(
  { layers, grid }: Pick<OverlayHeader, "layers" | "grid">,
  columns: Columns,
  layer: number,
  head: number | null,
  cell: number | null,
): number {
  const found = layers[layer];
  if (found === undefined) return Number.NaN;
  if (head !== null && cell === null) return columns.at("head_mass_share", layer, head);
  const raster = evenly(found.rows, found.columns);
  const box = cell === null ? { left: 0, top: 0, width: 1, height: 1 } : boxOf(rasterOf(grid), cell);
  const [name, before] = head === null ? ["layer_mass_share", [layer]] : ["head_map", [layer, head]];
  const at = columns.reader(name as string);
  return partsIn(raster, box).reduce(
    (sum, [place, part]) => sum + part * at(...(before as number[]), place),
    0,
  );
}
