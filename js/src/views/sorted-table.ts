/** The numbers of the pictures as a table: folded, one row a part, sorted by any column. */

import { html, nothing } from "lit-html";
import type { Part } from "../contract";
import { type Drawing, pane } from "../pane";
import { includes } from "../selection";
import type { State, Store } from "../store";

export interface Column {
  id: string;
  name: string;
  /** What it is, where its name is short. */
  tip?: string | undefined;
  /** What it is sorted by, the largest first; the number itself where nothing else is given. */
  size?(values: readonly number[]): number;
}

export interface Row {
  /** What it is about, where that is a part. */
  part: Part | null;
  name: string;
  /** One number a column. */
  values: readonly number[];
}

export interface Table<R extends Row = Row> {
  columns: readonly Column[];
  /** By which column it is sorted at first. */
  first: string;
  rows: R[];
  written(row: R): readonly string[];
}

// More rows than that would take seconds to draw.
const MOST = 1_000;

/**
 * @param kinds names of the pictures.
 * @param tableOf the numbers of one of them; null where there are none.
 */
export function mountSortedTable<R extends Row>(
  root: HTMLElement,
  store: Store,
  signal: AbortSignal,
  label: string,
  kinds: readonly string[],
  tableOf: (state: State, kind: number) => Table<R> | null,
): void {
  const change = (tables: Partial<State["tables"]>) =>
    store.update({ tables: { ...store.state.tables, ...tables } });
  const turn = (event: Event) => change({ open: (event.currentTarget as HTMLDetailsElement).open });
  const sort = (id: string, { order, reverse }: State["tables"]) =>
    change({ order: id, reverse: order === id && !reverse });
  const choice = (name: string, index: number, kind: number) =>
    html`<button type="button" aria-pressed=${index === kind} @click=${() => change({ kind: index, order: "" })}>${name}</button>`;
  pane(root, store, signal, (state) => {
    const { open, kind } = state.tables;
    const found = () =>
      html`<p class="kinds">${kinds.map((name, index) => choice(name, index, kind))}</p>${shown(state, tableOf(state, kind))}`;
    return html`<details .open=${open} @toggle=${turn}><summary>The same numbers as a table</summary>${open ? found() : nothing}</details>`;
  });
  function shown(state: State, table: Table<R> | null): Drawing {
    if (table === null || table.rows.length === 0)
      return html`<p class="hint">There are no numbers of this picture yet.</p>`;
    const order = state.tables.order || table.first;
    const settings = { ...state.tables, order };
    const heading = (id: string, name: string, tip?: string) => {
      // Numbers begin with the largest, parts with the first.
      const said = order !== id ? "none" : settings.reverse === (id === "part") ? "descending" : "ascending";
      return html`<th scope="col" aria-sort=${said}><button type="button" data-sort=${id}
        data-tip=${tip || nothing} @click=${() => sort(id, settings)}>${name} <span class="order" aria-hidden="true">${{ none: "↕", ascending: "▲", descending: "▼" }[said]}</span></button></th>`;
    };
    const all = table.rows.length;
    const rows = sorted(table, order, settings.reverse);
    return html`<div class="scroll" tabindex="0" role="group" aria-label=${label}>
      <table class="sides"><thead><tr>${heading("part", "part")}${table.columns.map(({ id, name, tip }) => heading(id, name, tip))}</tr></thead>
      <tbody>${rows.map(
        (row) =>
          html`<tr data-selected=${row.part !== null && includes(state.selection, row.part)}><th scope="row">${row.name}</th>${table
            .written(row)
            .map((told) => html`<td class="number">${told}</td>`)}</tr>`,
      )}</tbody></table></div>${all > MOST ? html`<p class="hint">Only the first ${MOST} rows of this order.</p>` : nothing}`;
  }
}

function sorted<R extends Row>({ columns, rows }: Table<R>, order: string, reverse: boolean): R[] {
  const index = columns.findIndex(({ id }) => id === order);
  const size = columns[index]?.size;
  // What is not known stands behind all that is, logarithms below 0 as well.
  const by = ({ values }: R): number => {
    const found = (size ? size(values) : values[index]) ?? Number.NaN;
    return Number.isNaN(found) ? Number.NEGATIVE_INFINITY : found;
  };
  if (index >= 0) rows.sort((one, other) => by(other) - by(one) || 0);
  return (reverse ? rows.reverse() : rows).slice(0, MOST);
}
