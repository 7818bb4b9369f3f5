/** Attribution methods side by side: methods × tokens, how far they agree, how long they took. */

import type { ComparisonHeader } from "../contract";
import { h, item } from "../dom";
import { tint } from "../layout/numbers";
import { covers } from "../selection";
import type { State } from "../store";

export function comparison(state: State, summary: ComparisonHeader): HTMLElement {
  const tokens = summary.streams[0]?.tokens ?? [];
  const pane = h("section", { "data-pane": "comparison", "aria-label": "attribution methods by tokens" });
  const head = h(
    "tr",
    {},
    h("th", {}, "method"),
    ...tokens.map((t) => h("th", { class: "name" }, t.text)),
    h("th", { title: "time taken" }, "seconds"),
  );
  const body = summary.methods.map((method, row) => {
    const numbers = tokens.map((token) => state.columns.at("scores", row, token.index));
    const peak = Math.max(0, ...numbers.filter(Number.isFinite).map(Math.abs));
    const cells = numbers.map((value, token) => {
      const label = `${method.label}, ${tokens[token]?.text}: ${Number.isNaN(value) ? "not known" : value.toPrecision(3)}`;
      return h("td", {
        ...item({ token, stream: 0 }, covers(state.selection, { token, stream: 0 }), label),
        title: label,
        class: `cell${value < 0 ? " negative" : ""}${Number.isNaN(value) ? " unknown" : ""}`,
        style: `--tint:${tint(value, peak).toFixed(3)}`,
      });
    });
    const title = h(
      "th",
      { title: method.error ?? "", scope: "row" },
      method.error === null ? method.label : `${method.label} (failed)`,
    );
    return h(
      "tr",
      {},
      title,
      ...cells,
      h("td", {}, method.seconds === null ? "" : method.seconds.toFixed(2)),
    );
  });
  pane.append(h("div", { class: "scroll" }, h("table", {}, h("thead", {}, head), h("tbody", {}, ...body))));
  for (const method of summary.methods) {
    if (method.error !== null) pane.append(h("p", { class: "hint" }, `${method.label}: ${method.error}`));
  }
  pane.append(
    agreement(state, summary, "rank_correlation", "Rank correlation (Spearman, of |score|)"),
    agreement(state, summary, "top_k_overlap", `Overlap of the top ${summary.top_k} tokens`),
  );
  return pane;
}

function agreement(state: State, summary: ComparisonHeader, column: string, title: string): HTMLElement {
  const rows = summary.methods.map((method, row) =>
    h(
      "tr",
      {},
      h("th", { scope: "row" }, method.name),
      ...summary.methods.map((other, index) => {
        const value = state.columns.at(column, row, index);
        const shown = Number.isNaN(value) ? "" : value.toFixed(2);
        const style = `--tint:${tint(value, 1).toFixed(3)}`;
        return h(
          "td",
          { class: `cell${value < 0 ? " negative" : ""}`, style, title: `${method.name} and ${other.name}` },
          shown,
        );
      }),
    ),
  );
  return h(
    "details",
    {},
    h("summary", {}, title),
    h("div", { class: "scroll" }, h("table", {}, h("tbody", {}, ...rows))),
  );
}
