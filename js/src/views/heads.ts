/** Layers by heads, and the MLP of each layer beside them. */

import { html } from "lit-html";
import type { ExplanationHeader, Layer } from "../contract";
import { h } from "../dom";
import { availability } from "../fields/available";
import type { Face, Lying } from "../fields/face";
import { Field } from "../fields/field";
import { boxOf, type Lattice, placeOf } from "../fields/lattice";
import { type Lettering, latticeFace, rowBox } from "../fields/lattice-face";
import { ABSENT } from "../fields/paint";
import { columnOf } from "../layout/columns";
import { isNegative, measureOf, tinting } from "../measures";
import { type Numbers, numbersOf } from "../numbers";
import { explanationPane } from "../pane";
import type { Target } from "../selection";
import { short } from "../short";
import { sifted } from "../sieve";
import type { State, Store } from "../store";
import { caption, explained } from "./caption";
import { layerLabel, type Places, PRINTED } from "./cells";

const GUTTER = 58;
const ABOVE = 20;
const GAP = 12;
// Pixels of a column: what fingers still meet, and what a number needs.
const NARROWEST = 12;
const WIDEST = 66;
const ROOM = 40;

export function mountHeads(root: HTMLElement, store: Store, signal: AbortSignal): void {
  const title = h("h3");
  root.append(title);
  explained(root, store, signal, "head");
  explanationPane(
    title,
    store,
    signal,
    (state, summary) => html`Heads and MLPs <span class="caption">${caption(state, summary, "head")}</span>`,
  );
  const field = new Field(root, store, signal, "heads and MLPs: layers by heads");
  store.effect((state) => {
    const { summary } = state;
    if (summary?.type !== "explanation") return;
    const most = { width: columnOf(state.space), height: Number.POSITIVE_INFINITY };
    field.show(summary.layers.length === 0 ? null : headsFace(state, summary, most.width), most);
  }, signal);
}

/** Heads from left to right, and behind a gap the MLP. */
export function latticeOf(layers: readonly Layer[], heads: number, space: number): Lattice {
  const fitting = (space - GUTTER - GAP - 8) / (heads + 1);
  return {
    columns: heads + 1,
    rows: layers.length,
    gutter: GUTTER,
    above: ABOVE,
    cell: Math.max(NARROWEST, Math.min(WIDEST, Math.floor(fitting))),
    row: layers.length > 24 ? 20 : 29,
    upwards: true,
    apart: heads,
    gap: GAP,
    named: true,
  };
}

export function headsFace(state: State, summary: ExplanationHeader, space: number): Face {
  const { layers } = summary;
  const measure = measureOf(state, summary);
  const [heads, mlps] = [numbersOf(state, measure, "head"), numbersOf(state, measure, "mlp")];
  const most = Math.max(0, ...layers.map((layer) => layer.heads));
  const columns = most + 1;
  const values = new Float32Array(layers.length * columns).fill(Number.NaN);
  layers.forEach(({ index, heads: count }, row) => {
    for (let head = 0; head < count; head++) values[row * columns + head] = heads.at(index, head);
    values[row * columns + most] = mlps.at(index);
  });
  const isMlp = (place: number) => place % columns === most;
  const shadeOf = (numbers: Numbers, own: (place: number) => boolean) =>
    tinting(
      numbers.measure,
      numbers.peak === null ? values.filter((_, place) => own(place)) : [numbers.peak],
    );
  const [shade, shadeOfMlp] = [shadeOf(heads, (place) => !isMlp(place)), shadeOf(mlps, isMlp)];
  const all = values.map((value, place) => {
    if (!isMlp(place) && place % columns >= (layers[Math.floor(place / columns)]?.heads ?? 0)) return ABSENT;
    const [numbers, tint] = isMlp(place) ? [mlps, shadeOfMlp] : [heads, shade];
    return Number.isNaN(value) ? value : isNegative(numbers.measure, value) ? -tint(value) : tint(value);
  });
  const { sieve } = state;
  const kept = (place: number) => !sieve.without.includes(isMlp(place) ? "MLP" : "attention");
  const strengths = sifted(sieve, all, kept);
  const { target, names, label } = headPlaces(layers, most, heads, mlps);
  const available = availability(state);
  const disabled = (row: number, column: number) => !available(target(row, column));
  const lattice = latticeOf(layers, most, space);
  return latticeFace(
    {
      lattice,
      strengths,
      printed: (row, column) => {
        const place = row * columns + column;
        const enough = lattice.cell >= ROOM && Math.abs(strengths[place] ?? 0) >= PRINTED;
        const { measure: own, peak } = isMlp(place) ? mlps : heads;
        return enough ? short(own, values[place] ?? Number.NaN, peak) : "";
      },
      align: "center",
      disabled,
    },
    names,
    {
      spoken: (row, column) => ({
        label: label(row, column),
        target: target(row, column),
        disabled: disabled(row, column),
      }),
      lying: (part) => lying(part, layers, most, lattice),
    },
  );
}

/** What places stand for and how they are called: rows are layers, columns heads, and the last one the MLP. */
export function headPlaces(
  layers: readonly Layer[],
  most: number,
  heads: Pick<Numbers, "say">,
  mlps: Pick<Numbers, "say">,
): Places & { names: Lettering } {
  return {
    target: (row, column) => {
      const layer = layers[row]?.index ?? 0;
      if (column < 0) return { layer };
      return column === most ? { layer, branch: "mlp" } : { layer, head: column };
    },
    label: (row, column) => {
      const { index } = layers[row] ?? { index: 0 };
      if (column < 0) return layerLabel(layers[row]);
      return column === most
        ? `MLP of layer ${index}: ${mlps.say(index)}`
        : `head ${index}·${column}: ${heads.say(index, column)}`;
    },
    names: {
      row: (row) => `layer ${layers[row]?.index}`,
      column: (column) => (column === most ? "MLP" : `${column}`),
      where: "top",
      upright: true,
    },
  };
}

export function lying(
  { layer, branch, head, token }: Target,
  layers: readonly Layer[],
  most: number,
  lattice: Lattice,
): Lying[] {
  const row = layers.findIndex(({ index }) => index === layer);
  if (row < 0 || (token ?? null) !== null) return [];
  const box = (column: number) => boxOf(lattice, placeOf(lattice, row, column));
  if ((head ?? null) !== null) return [{ box: box(head ?? 0), own: (branch ?? null) === null }];
  if (branch === "mlp") return [{ box: box(most), own: true }];
  if ((branch ?? null) !== null) return [];
  return [
    { box: box(-1), own: true },
    { box: rowBox(lattice, row), own: false },
  ];
}
