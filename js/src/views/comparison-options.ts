/** Above the table of methods: order of the words, values, scale, and whose difference is shown. */

import { html } from "lit-html";
import { type Options, type RowIndex, rowName } from "../comparison-options";
import type { MethodResult } from "../contract";
import { chosen, type Drawing } from "../pane";

export function comparisonOptions(
  options: Options,
  rows: readonly RowIndex[],
  methods: readonly MethodResult[],
  change: (options: Partial<Options>) => void,
): Drawing {
  const list = (
    name: "words" | "minuend" | "subtrahend",
    label: string,
    none: string,
    said: (row: RowIndex) => string,
  ): Drawing => {
    const choose = chosen((value) => change({ [name]: value === "" ? null : Number(value) }));
    return html`<label>${label} <select data-option=${name} @change=${choose}>
      <option value="" .selected=${options[name] === null}>${none}</option>${rows.map(
        (row) => html`<option value=${row} .selected=${options[name] === row}>${said(row)}</option>`,
      )}</select></label>`;
  };
  const check = (name: string, label: string, checked: boolean, turn: (on: boolean) => void): Drawing =>
    html`<label><input type="checkbox" data-option=${name} .checked=${checked}
      @change=${(event: Event) => turn((event.currentTarget as HTMLInputElement).checked)}>${label}</label>`;
  const named = (row: RowIndex) => rowName(methods, row);
  return html`<div class="options" role="group" aria-label="how the table is shown">
    ${list("words", "words", "in the order of the text", (row) => `by ${named(row)}`)}
    ${check("values", "values", options.values, (values) => change({ values }))}
    ${check("scale", "one scale for all methods", options.scale === "all", (all) => change({ scale: all ? "all" : "row" }))}
    <span>${list("minuend", "difference", "none", named)} ${list("subtrahend", "minus", "none", named)}</span></div>`;
}
