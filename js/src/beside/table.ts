/** The numbers of the pictures as a table: one row a part, the largest differences first. */

import { html, nothing, render } from "lit-html";
import type { BesideHeader, Part } from "../contract";
import { alike, signed } from "../layout/numbers";
import { type Place, worded } from "../measures";
import type { Drawing } from "../pane";
import { partName } from "../part-names";
import { includes, partOf } from "../selection";
import type { State, Store } from "../store";
import { CALLED, type Compared, comparedOf, indicesOf, sizeOf } from "./compared";
import { mergedOf } from "./merged";

type Order = "part" | "A" | "B" | "difference";

interface Row {
  part: Part;
  name: string;
  compared: Compared;
  values: [number, number, number];
}

const KINDS: readonly { name: string; places: readonly Place[] }[] = [
  { name: "words", places: ["token", "decoder"] },
  { name: "heads and MLPs", places: ["head", "mlp"] },
  { name: "words × layers", places: ["node"] },
];
// More rows than that would take seconds to draw.
const MOST = 1_000;

export function mountBesideTable(root: HTMLElement, store: Store, signal: AbortSignal): void {
  let [open, kind, order, reverse]: [boolean, number, Order, boolean] = [false, 0, "difference", false];
  const draw = (state: State) => {
    const { summary } = state;
    if (summary?.type !== "beside") return;
    const again = () => draw(store.state);
    const turn = (event: Event) => {
      open = (event.currentTarget as HTMLDetailsElement).open;
      again();
    };
    const sort = (by: Order) => {
      [order, reverse] = [by, order === by && !reverse];
      again();
    };
    const choice = (name: string, index: number) => {
      const choose = () => {
        kind = index;
        again();
      };
      return html`<button type="button" aria-pressed=${index === kind} @click=${choose}>${name}</button>`;
    };
    const found = () => {
      const rows = sorted(rowsOf(state, summary, KINDS[kind]?.places ?? []), order, reverse);
      return html`<p class="kinds">${KINDS.map(({ name }, index) => choice(name, index))}</p>${table(state, summary, rows, order, reverse, sort)}`;
    };
    render(
      html`<details @toggle=${turn}><summary>The same numbers as a table</summary>${open ? found() : nothing}</details>`,
      root,
    );
  };
  store.effect(draw, signal);
}

function rowsOf(state: State, summary: BesideHeader, places: readonly Place[]): Row[] {
  const named = mergedOf(summary);
  return places.flatMap((place) => {
    const compared = comparedOf(state, summary, place);
    return indicesOf(summary, place).map((where): Row => {
      const part = partAt(place, where);
      const [a, b] = [compared.at(0, ...where), compared.at(1, ...where)];
      return { part, name: partName(part, named), compared, values: [a, b, a - b] };
    });
  });
}

function partAt(place: Place, [first = 0, second = 0]: readonly number[]): Part {
  if (place === "token" || place === "decoder")
    return partOf({ token: first, stream: place === "token" ? 0 : 1 });
  if (place === "mlp") return partOf({ layer: first, branch: "mlp" });
  return partOf(place === "head" ? { layer: first, head: second } : { layer: first, token: second });
}

function sorted(rows: Row[], order: Order, reverse: boolean): Row[] {
  const by = ({ values: [a, b] }: Row): number =>
    order === "difference" ? sizeOf(a, b) : (order === "A" ? a : b) || 0;
  if (order !== "part") rows.sort((one, other) => by(other) - by(one));
  return (reverse ? rows.reverse() : rows).slice(0, MOST);
}

function table(
  state: State,
  summary: BesideHeader,
  rows: readonly Row[],
  order: Order,
  reverse: boolean,
  sort: (by: Order) => void,
): Drawing {
  const heading = (by: Order, name: string, title = "") => {
    // Numbers begin with the largest, parts with the first.
    const said = order !== by ? "none" : reverse === (by === "part") ? "descending" : "ascending";
    return html`<th scope="col" aria-sort=${said}><button type="button" data-sort=${by}
      data-tip=${title || nothing} @click=${() => sort(by)}>${name} <span class="order" aria-hidden="true">${{ none: "↕", ascending: "▲", descending: "▼" }[said]}</span></button></th>`;
  };
  const written = alike(rows.flatMap(({ values }) => values));
  const share = rows[0]?.compared.measure.scale === "share";
  const difference = (value: number): string => {
    if (Number.isNaN(value)) return "–";
    return share ? `${signed(100 * value)} points` : (value > 0 ? "+" : "") + written(value);
  };
  return html`<div class="scroll" tabindex="0" role="group" aria-label="numbers of A, B and A − B">
    <table class="sides"><thead><tr>${heading("part", "part")}${heading("A", "A", summary.sides[0]?.name)}${heading("B", "B", summary.sides[1]?.name)}${heading("difference", CALLED[2], "Sorted by its size")}</tr></thead>
    <tbody>${rows.map(
      ({ part, name, compared, values }) =>
        html`<tr data-selected=${includes(state.selection, part)}><th scope="row">${name}</th><td class="number">${told(compared, values[0], written)}</td><td class="number">${told(compared, values[1], written)}</td><td class="number">${difference(values[2])}</td></tr>`,
    )}</tbody></table></div>${rows.length >= MOST ? html`<p class="hint">Only the first ${MOST} rows of this order.</p>` : nothing}`;
}

/** Signed numbers of a column alike, so that they can be compared at sight. */
function told({ measure }: Compared, value: number, written: (value: number) => string): string {
  if (Number.isNaN(value)) return "–";
  if (measure.scale !== "signed") return worded(measure, value);
  return (value > 0 ? "+" : "") + written(value);
}
