/** Attribution methods side by side: methods × tokens, how far they agree, how long they took. */

import { html, nothing } from "lit-html";
import type { ComparisonHeader, MethodResult } from "../contract";
import { tint } from "../layout/numbers";
import { type Drawing, pane } from "../pane";
import { includes } from "../selection";
import type { State, Store } from "../store";

export function mountComparisonTable(root: HTMLElement, store: Store, signal: AbortSignal): void {
  pane(root, store, signal, (state) => {
    if (state.summary?.type !== "comparison") return html``;
    const summary = state.summary;
    const tokens = summary.streams[0]?.tokens ?? [];
    const failed = summary.methods.filter(({ error }) => error !== null);
    return html`
      <div class="scroll" tabindex="0" data-lm-suppress-shortcuts="true" role="group" aria-label="scores"><table>
        <thead><tr><th scope="col">method</th>${tokens.map((t) => html`<th scope="col" class="name">${t.text}</th>`)}<th scope="col" title="time taken">seconds</th></tr></thead>
        <tbody>${summary.methods.map((method, row) => methodRow(state, summary, method, row))}</tbody>
      </table></div>
      ${failed.map((method) => html`<p class="hint">${method.label}: ${method.error}</p>`)}
      ${agreement(state, summary, "rank_correlation", "Rank correlation (Spearman, of |score|)")}
      ${agreement(state, summary, "top_k_overlap", `Overlap of the top ${summary.top_k} tokens`)}`;
  });
}

function methodRow(state: State, summary: ComparisonHeader, method: MethodResult, row: number): Drawing {
  const tokens = summary.streams[0]?.tokens ?? [];
  const numbers = tokens.map((token) => state.columns.at("scores", row, token.index));
  const peak = Math.max(0, ...numbers.filter(Number.isFinite).map(Math.abs));
  const cells = numbers.map((value, token) => {
    const shown = Number.isNaN(value) ? "not known" : value.toPrecision(3);
    const label = `${method.label}, ${tokens[token]?.text}: ${shown}`;
    const looks = `${value < 0 ? " negative" : ""}${Number.isNaN(value) ? " unknown" : ""}`;
    return html`<td><div role="button" tabindex="-1" data-lm-suppress-shortcuts="true" data-item data-token=${token}
      data-stream="0" aria-pressed=${includes(state.selection, { token, stream: 0 })} aria-label=${label} title=${label}
      class="cell${looks}" style="--tint:${tint(value, peak).toFixed(3)}"></div></td>`;
  });
  const name = method.error === null ? method.label : `${method.label} (failed)`;
  const seconds = method.seconds === null ? "" : method.seconds.toFixed(2);
  return html`<tr><th scope="row" title=${method.error ?? nothing}>${name}</th>${cells}<td>${seconds}</td></tr>`;
}

function agreement(state: State, summary: ComparisonHeader, column: string, title: string): Drawing {
  const rows = summary.methods.map((method, row) => {
    const cells = summary.methods.map((other, index) => {
      const value = state.columns.at(column, row, index);
      return html`<td class="cell${value < 0 ? " negative" : ""}" style="--tint:${tint(value, 1).toFixed(3)}"
        title="${method.name} and ${other.name}">${Number.isNaN(value) ? "" : value.toFixed(2)}</td>`;
    });
    return html`<tr><th scope="row">${method.name}</th>${cells}</tr>`;
  });
  return html`<details><summary data-lm-suppress-shortcuts="true">${title}</summary><div class="scroll" tabindex="0"
    data-lm-suppress-shortcuts="true" role="group" aria-label=${title}><table><tbody>${rows}</tbody></table></div></details>`;
}
