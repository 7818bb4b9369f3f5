/** The numbers of both pictures as tables: each cell with all its measures, each layer with its heads. */

import { html, nothing } from "lit-html";
import type { Columns } from "../columns";
import { number, percent } from "../layout/numbers";
import type { Drawing } from "../pane";
import { includes } from "../selection";
import type { State } from "../store";
import { cellTarget, choiceOf } from "./choice";
import type { CellMeasure, OverlayHeader } from "./contract";
import { byCell, measureOf, said, shareAt } from "./maps";
import { rasterOf } from "./raster";
import { placeName } from "./words";

type Entry = string | Drawing | typeof nothing;

/** The first entry of a row is what it is about. */
const table = (caption: string, heads: readonly string[], rows: readonly (readonly Entry[])[]): Drawing =>
  html`<table><caption>${caption}</caption><thead><tr>${heads.map((head) => html`<th scope="col">${head}</th>`)}</tr></thead>
    <tbody>${rows.map(([name, ...entries]) => html`<tr><th scope="row">${name}</th>${entries.map((entry) => html`<td>${entry}</td>`)}</tr>`)}</tbody></table>`;

/** Places by their number, the largest in size first, of logarithms the largest; what is not known stands last. */
export function ordered(values: Float32Array, scale: CellMeasure["scale"] = "signed"): number[] {
  const size = (place: number) => {
    const value = values[place] ?? Number.NaN;
    if (Number.isNaN(value)) return Number.NEGATIVE_INFINITY;
    return scale === "log" ? Math.max(value, -Number.MAX_VALUE) : Math.abs(value);
  };
  return Array.from(values, (_, place) => place).sort((one, other) => size(other) - size(one) || 0);
}

/** The cells, in the order of what is shown. */
export function cellTable(
  header: OverlayHeader,
  columns: Columns,
  { selection, measure }: Pick<State, "selection" | "measure">,
): Drawing {
  const { measures, cells, several } = header;
  const [raster, chosen] = [rasterOf(header.grid), measureOf(header, measure)];
  const values = measures.map((one) => byCell(columns, one));
  return table(
    `Numbers of the ${several}, by ${chosen.label}`,
    [cells, ...measures.map(({ label }) => label)],
    ordered(byCell(columns, chosen), chosen.scale).map((cell) => [
      html`<span role="button" tabindex="-1" data-item class="named" data-token=${cell}
        aria-pressed=${includes(selection, cellTarget(cell))}>${placeName(header, raster, cell)}</span>`,
      ...measures.map((one, index) => said(one, values[index]?.[cell] ?? Number.NaN)),
    ]),
  );
}

export function layerTable(
  header: OverlayHeader,
  columns: Columns,
  { selection }: Pick<State, "selection">,
): Drawing {
  const { cell } = choiceOf(selection);
  const heads = Array.from({ length: Math.max(...header.layers.map((one) => one.heads)) }, (_, head) => head);
  const share = (layer: number, head: number | null) => percent(shareAt(header, columns, layer, head, cell));
  const where = cell === null ? "" : ` at ${placeName(header, rasterOf(header.grid), cell)}`;
  return table(
    `Share of all paths by layer${where}`,
    ["layer", "module", "all", ...heads.map((head) => `head ${head}`)],
    header.layers.map((one, layer) => [
      ...[`${layer}`, one.name, share(layer, null)],
      ...heads.map((head) => (head < one.heads ? share(layer, head) : nothing)),
    ]),
  );
}

/** Attribution methods with their yardsticks, or why one failed. */
export const methodTable = ({ methods }: OverlayHeader): Drawing =>
  table(
    "Methods against tested effects",
    [
      "method",
      "rank correlation with effects",
      "deletion (less is better)",
      "insertion (more is better)",
      "seconds",
    ],
    methods.map(({ name, error, effect_correlation, deletion, insertion, seconds }) => [
      name,
      ...(error === null
        ? [effect_correlation, deletion, insertion, seconds].map((value) => number(value, 3))
        : [error]),
    ]),
  );
