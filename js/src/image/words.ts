/** Cells, layers and heads in words. */

import type { Columns } from "../columns";
import { number, percent } from "../layout/numbers";
import type { CellLayer, OverlayHeader } from "./contract";
import { byCell, type Shown, said, shareAt } from "./maps";
import { type Raster, rasterOf, rowOf } from "./raster";

/** A place in words, counted from 1, as Python says it; a frame with its time. */
export function placeName({ rate, grid }: OverlayHeader, raster: Raster, place: number): string {
  const [row, column] = rowOf(raster, place);
  if (rate === null) return `row ${row + 1}, column ${column + 1}`;
  const length = (grid.columns.at(-1) ?? 0) / rate;
  const [from = 0, to = 0] = raster.columns.slice(column).map((edge) => edge * length);
  // As many digits as tell the two ends of a frame apart.
  const digits = to > from ? Math.min(9, Math.max(3, 2 + Math.ceil(Math.log10(to / (to - from))))) : 3;
  return `frame ${column + 1}, ${number(from, digits)} to ${number(to, digits)} s`;
}

/** What is known of a cell, in one sentence: the measure that is shown comes first, and `most` of them are told. */
export function cellSentence(
  header: OverlayHeader,
  columns: Columns,
  cell: number,
  first: string | null = null,
  most = header.measures.length,
): string {
  const ordered = [...header.measures].sort(
    (one, other) => Number(other.name === first) - Number(one.name === first),
  );
  const parts = ordered.slice(0, most).map((measure) => {
    const how = measure.scale === "signed" && header.methods.length === 0 ? ` (${measure.how})` : "";
    return `${measure.label} ${said(measure, byCell(columns, measure)[cell] ?? Number.NaN)}${how}`;
  });
  return `${placeName(header, rasterOf(header.grid), cell)}: ${parts.join(", ")}`;
}

/** A place of what lies over the picture, which may be cut otherwise than its cells. */
export function placeSentence(header: OverlayHeader, shown: Shown, place: number): string {
  const value = said(shown, shown.values[place] ?? Number.NaN);
  return `${placeName(header, shown.raster, place)}: ${shown.label}, ${value}`;
}

export const layerLabel = (layer: number, { name, kind, rows, columns, heads }: CellLayer): string =>
  `layer ${layer}: ${kind} ${rows} × ${columns}${heads > 0 ? `, ${heads} heads` : ""}, ${name}`;

/** What paths do at a head or a layer, in all or in the chosen cell. */
export function shareSentence(
  header: OverlayHeader,
  columns: Columns,
  layer: number,
  head: number | null,
  cell: number | null,
): string {
  const share = percent(shareAt(header, columns, layer, head, cell));
  const where = cell === null ? "" : ` at ${placeName(header, rasterOf(header.grid), cell)}`;
  if (head === null) return `layer ${layer}: ${share} of all paths pass its places${where}`;
  const how = cell === null ? "pass it" : `enter it by its values${where}`;
  return `head ${layer}·${head}: ${share} of all paths ${how}`;
}
