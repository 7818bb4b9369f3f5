/** What becomes of the score as more and more words are replaced, in the order of each method. */

import { html, nothing, svg } from "lit-html";
import { repeat } from "lit-html/directives/repeat.js";
import type { MethodResult } from "../contract";
import { across, curve, type Plot, plotOf, ticks, up } from "../layout/curves";
import { number } from "../layout/numbers";
import type { Drawing } from "../pane";
import type { State } from "../store";

const PANELS = [
  ["comprehensiveness", "Words ranked first replaced", "higher is better"],
  ["sufficiency", "All other words replaced", "lower is better"],
] as const;
// Of the words; the point that stands in the table.
const SHOWN = 0.2;
const NARROW = 620;
const HUES = 6;
const DASHES = ["", "7 3", "2 3"];

/** How the line of a method looks, in the curves and beside its name: one of six colours, three ways to dash. */
export function lineStyle(method: MethodResult, index: number): string {
  if (method.family === "tested") return "--hue:var(--ink)";
  return `--hue:var(--line-${index % HUES});stroke-dasharray:${DASHES[Math.floor(index / HUES) % DASHES.length] || "none"}`;
}

export function comparisonCurves(state: State, methods: readonly MethodResult[]): Drawing {
  const numbers = (column: string, row: number): number[] => {
    const count = state.columns.get(column)?.shape[1] ?? 0;
    return Array.from({ length: count }, (_, index) => state.columns.at(column, row, index));
  };
  const known = PANELS.filter(([column]) => methods.some((_, row) => curveIsKnown(numbers(column, row))));
  if (known.length === 0) return html``;
  const all = known.flatMap(([column]) => methods.flatMap((_, row) => numbers(column, row)));
  const width = Math.min(430, state.space < NARROW ? state.space : Math.floor((state.space - 16) / 2));
  const plot = plotOf(all, width);
  return html`<div class="curves">${known.map(([column, title, better]) => {
    const curves = methods
      .map((method, row) => ({ method, row, values: numbers(column, row) }))
      .filter(({ values }) => curveIsKnown(values));
    return html`<figure style="width:${plot.width}px"><figcaption><strong>${title}</strong>: drop of the score; ${better}</figcaption>
      <svg role="img" aria-label="${title}: drop of the score by share of the words, one curve for each method"
        width=${plot.width} height=${plot.height} viewBox="0 0 ${plot.width} ${plot.height}">
      ${axes(plot)}
      ${repeat(
        curves,
        ({ method }) => method.name,
        ({ method, row, values }) => {
          const path = curve(plot, values);
          const said = `${method.label}: ${values.map((value) => number(value, 3)).join(", ")}`;
          return svg`<g class="method" data-method=${row} data-tested=${method.family === "tested" ? "" : nothing}
            style=${lineStyle(method, row)} data-tip=${said}><path class="reach" d=${path}></path
            ><path class="line" d=${path}></path></g>`;
        },
      )}</svg></figure>`;
  })}</div>`;
}

const curveIsKnown = (values: readonly number[]): boolean =>
  values.length > 1 && values.every(Number.isFinite);

function axes(plot: Plot): Drawing {
  const { left, right, top, bottom } = plot;
  const middle = (left + right) / 2;
  return svg`<g class="axes">${ticks(plot.low, plot.high).map(
    (
      value,
    ) => svg`<line x1=${left} x2=${right} y1=${up(plot, value)} y2=${up(plot, value)} data-zero=${value === 0}></line>
      <text x=${left - 5} y=${up(plot, value) + 3.5} text-anchor="end">${number(value, 3).replace(/^-/, "−")}</text>`,
  )}<line class="shown" x1=${across(plot, SHOWN)} x2=${across(plot, SHOWN)} y1=${top} y2=${bottom}></line>
  ${[0, SHOWN, 0.5, 1].map(
    (share) =>
      svg`<text x=${across(plot, share)} y=${bottom + 14} text-anchor="middle">${Math.round(share * 100)}</text>`,
  )}<text x=${middle} y=${bottom + 28} text-anchor="middle">% of the words, in the order of the method</text></g>`;
}
