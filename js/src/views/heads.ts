/** Layers by heads, and the MLP of each layer beside them. */

import { html, nothing } from "lit-html";
import type { ExplanationHeader, Layer } from "../contract";
import { h } from "../dom";
import { isNegative, measureOf, tinting } from "../measures";
import { type Numbers, numbersOf } from "../numbers";
import { type Drawing, explanationPane } from "../pane";
import { includes } from "../selection";
import { short } from "../short";
import type { State, Store } from "../store";
import { caption, explained } from "./caption";

// More heads beside each other leave no room for numbers.
const ROOM = 8;
const PRINTED = 0.3;

type Shade = (value: number) => number;

export function mountHeads(root: HTMLElement, store: Store, signal: AbortSignal): void {
  const drawn = h("div");
  root.append(drawn);
  explained(root, store, signal, "head");
  explanationPane(drawn, store, signal, (state, summary) => {
    const measure = measureOf(state, summary);
    const [heads, mlps] = [numbersOf(state, measure, "head"), numbersOf(state, measure, "mlp")];
    const all = summary.layers.flatMap(({ index, heads: count }) =>
      Array.from({ length: count }, (_, head) => heads.at(index, head)),
    );
    const shades: [Shade, Shade] = [
      tinting(heads.measure, heads.peak === null ? all : [heads.peak]),
      tinting(
        mlps.measure,
        mlps.peak === null ? summary.layers.map(({ index }) => mlps.at(index)) : [mlps.peak],
      ),
    ];
    const most = Math.max(0, ...summary.layers.map((layer) => layer.heads));
    const numbers = Array.from({ length: most }, (_, head) => html`<span>${head}</span>`);
    return html`<h3>Heads and MLPs <span class="caption">${caption(state, summary, "head")}</span></h3>
      <div class="grid" style="--heads:${most}">
        <div class="heads names" aria-hidden="true"><span>head</span>${numbers}<span>MLP</span></div>
        ${[...summary.layers].reverse().map((layer) => row(state, summary, layer, most, [heads, mlps], shades))}
      </div>`;
  });
}

function row(
  state: State,
  summary: ExplanationHeader,
  layer: Layer,
  most: number,
  [heads, mlps]: [Numbers, Numbers],
  [shade, shadeOfMlp]: [Shade, Shade],
): Drawing {
  const { index } = layer;
  const printing = most <= ROOM;
  const own = Array.from({ length: most }, (_, head) => {
    if (head >= layer.heads) return html`<span></span>`;
    const value = heads.at(index, head);
    return html`<button type="button" tabindex="-1" data-lm-suppress-shortcuts="true" data-item data-layer=${index}
      data-head=${head} aria-pressed=${includes(state.selection, { layer: index, head })}
      aria-label="head ${index}·${head}: ${heads.say(index, head)}" class="head${looks(heads, value)}"
      data-own="${index}·${head}"
      data-value=${number(heads, value, shade(value), printing)} style="--tint:${shade(value).toFixed(3)}"></button>`;
  });
  const value = mlps.at(index);
  const mlp = html`<button type="button" tabindex="-1" data-lm-suppress-shortcuts="true" data-item data-layer=${index}
    data-branch="mlp" aria-pressed=${includes(state.selection, { layer: index, branch: "mlp" })}
    aria-label="MLP of layer ${index}: ${mlps.say(index)}" class="head mlp${looks(mlps, value)}"
    data-value=${number(mlps, value, shadeOfMlp(value), true)} style="--tint:${shadeOfMlp(value).toFixed(3)}"></button>`;
  const name = `the attention of layer ${index}, ${summary.layers[index]?.name}`;
  return html`<div class="heads"><button type="button" tabindex="-1" data-lm-suppress-shortcuts="true" data-item
    data-layer=${index} aria-pressed=${includes(state.selection, { layer: index })}
    aria-label="layer ${index}: ${name}" class="row">layer ${index}</button>${own}${mlp}</div>`;
}

const looks = ({ measure }: Numbers, value: number): string =>
  `${Number.isNaN(value) ? " unknown" : ""}${isNegative(measure, value) ? " negative" : ""}`;

/** It is printed by the stylesheet: the label of a button says it in full, and must hold all its text. */
const number = ({ measure }: Numbers, value: number, tint: number, printing: boolean) =>
  printing && tint >= PRINTED ? short(measure, value) : nothing;
