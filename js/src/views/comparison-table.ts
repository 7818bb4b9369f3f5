/** Attribution methods side by side: how each does against tested effects, its scores, how far they agree. */

import { html, nothing, render } from "lit-html";
import { repeat } from "lit-html/directives/repeat.js";
import {
  AT_FIRST,
  differenceOf,
  type Options,
  orderOf,
  peakOfRow,
  type RowIndex,
  rowName,
} from "../comparison-options";
import type { ComparisonHeader, MethodResult, Token } from "../contract";
import { keepEntry } from "../keyboard";
import { alike, number, tint } from "../layout/numbers";
import type { Drawing } from "../pane";
import { includes } from "../selection";
import type { State, Store } from "../store";
import {
  ariaSort,
  bestOf,
  clickedHeading,
  knownYardsticks,
  ordered,
  type Sortable,
  type Sorting,
  type Yardstick,
} from "../yardsticks";
import { comparisonCurves, lineStyle } from "./comparison-curves";
import { comparisonOptions } from "./comparison-options";

const STEPS = [-1, -0.5, -0.25, 0, 0.25, 0.5, 1];
// A long name may go on in the next line where a word of it begins.
const CAPITAL = /(?<=[a-z])(?=[A-Z])/;
const INCOMPLETE =
  "misses … of the change: the scores of this method should add up to the score minus that of the reference, " +
  "and do not.";

/** A row of the table; that of tested effects is there although nobody asked for it as a method. */
interface Row {
  method: MethodResult;
  /** Place among the methods; -1 for tested effects that are none. */
  index: number;
}

export function mountComparisonTable(root: HTMLElement, store: Store, signal: AbortSignal): void {
  let sorting: Sorting | null = null;
  let options = AT_FIRST;
  const change = (changed: Partial<Options>) => {
    options = { ...options, ...changed };
    draw(store.state);
  };
  const draw = (state: State) => {
    if (state.summary?.type !== "comparison") return;
    const sort = (key: Sortable) => {
      sorting = clickedHeading(sorting, key);
      draw(store.state);
    };
    render(view(state, state.summary, { sorting, sort, options, change }), root);
    keepEntry(root);
  };
  store.effect(draw, signal);
  const point = (event: Event) => pointAt(root, event.target as Element);
  root.addEventListener("pointerover", point, { signal });
  root.addEventListener("focusin", point, { signal });
  root.addEventListener("pointerleave", () => pointAt(root, document.activeElement), { signal });
}

/** Light up the method that an element belongs to, in the table and among the curves. */
function pointAt(root: HTMLElement, element: Element | null): void {
  const within = element !== null && root.contains(element) ? element : null;
  const method = within?.closest<HTMLElement | SVGElement>("[data-method]")?.dataset.method;
  for (const one of root.querySelectorAll<HTMLElement | SVGElement>("[data-method]"))
    one.classList.toggle("lit", one.dataset.method === method);
  root.querySelector(".curves")?.classList.toggle("pointed", method !== undefined);
}

/** What the reader has chosen, and what a choice does. */
interface Chosen {
  sorting: Sorting | null;
  sort: (key: Sortable) => void;
  options: Options;
  change: (options: Partial<Options>) => void;
}

function view(state: State, summary: ComparisonHeader, chosen: Chosen): Drawing {
  const { sorting, sort, options } = chosen;
  const { methods } = summary;
  const failed = methods.filter(({ error }) => error !== null);
  const yardsticks = knownYardsticks(methods);
  const best = new Map(yardsticks.map((one) => [one.key, bestOf(methods, one)]));
  const written = new Map(
    yardsticks.map(({ key }) => [key, alike(methods.map((method) => method[key]))] as const),
  );
  const rows = rowsOf(state, methods, sorting);
  const shown = shownOf(state, summary, rows, options);
  const tokens = shown.tokens;
  return html`
    ${summary.reference === null ? nothing : html`<p class="hint">${yardstickSentence(summary)}</p>`}
    ${comparisonOptions(
      options,
      rows.map(({ index }) => index).sort((one, other) => one - other),
      methods,
      chosen.change,
    )}
    <div class="scroll tall" tabindex="0" role="group" aria-label="methods and scores"
      ><table class="methods">
      <thead><tr><th scope="col">method</th>${yardsticks.map((one) => heading(one, sorting, sort))}${tokens.map(
        (token) => {
          const effect = state.columns.at("token_effect", token.index);
          const tested = Number.isNaN(effect) ? "" : `: tested effect ${number(effect, 3)}`;
          return html`<th scope="col" class="name" data-tip="${token.text}${tested}"><div>${token.text}</div></th>`;
        },
      )}</tr></thead>
      <tbody>${repeat(
        rows,
        ({ method }) => method.name,
        (row) => methodRow(row, shown, yardsticks, best, written),
      )}${differenceRow(shown, methods, yardsticks.length)}</tbody>
    </table></div>
    ${legend(options)}
    ${methods.some(isIncomplete) ? html`<p class="hint">${INCOMPLETE}</p>` : nothing}
    ${failed.map((method) => html`<p class="hint">${method.label}: ${method.error}</p>`)}
    ${comparisonCurves(state, methods)}
    ${agreement(state, summary, "rank_correlation", "How far methods agree: rank correlation of |score| (Spearman)")}
    ${agreement(state, summary, "top_k_overlap", `How far methods agree: share of the top ${summary.top_k} tokens in common`)}`;
}

function yardstickSentence({ reference, score }: ComparisonHeader): string {
  return (
    `Tested effect of a word: the score, ${number(score.value)}, minus the score with the reference in its place ` +
    `(${reference?.label}). With all of it the score is ${number(reference?.score ?? null)}. ` +
    "Special tokens are neither replaced nor ranked."
  );
}

function rowsOf(state: State, methods: readonly MethodResult[], sorting: Sorting | null): Row[] {
  const rows = ordered(methods, sorting).flatMap((index) => {
    const method = methods[index];
    return method === undefined ? [] : [{ method, index }];
  });
  if (methods.some(({ family }) => family === "tested") || state.columns.get("token_effect") === undefined)
    return rows;
  const tested: MethodResult = {
    ...{ name: "tested effect", label: "tested effect", family: "tested", error: null, seconds: null },
    ...{ signed: true, granularity: null, level: null, ranked_by_size: false, effect_correlation: null },
    ...{ comprehensiveness: null, sufficiency: null, infidelity: null, sensitivity: null },
  };
  return [{ method: tested, index: -1 }, ...rows];
}

function heading(yardstick: Yardstick, sorting: Sorting | null, sort: (key: Sortable) => void): Drawing {
  const order = ariaSort(sorting, yardstick);
  const mark = { ascending: "▲", descending: "▼" }[order] ?? "↕";
  return html`<th scope="col" class="yardstick" aria-sort=${order}><button type="button" data-tip=${yardstick.sentence}
    data-sort=${yardstick.key} @click=${() => sort(yardstick.key)}
    >${yardstick.label} <span class="order" aria-hidden="true">${mark}</span></button></th>`;
}

function methodRow(
  { method, index }: Row,
  shown: Shown,
  yardsticks: readonly Yardstick[],
  best: ReadonlyMap<Sortable, number>,
  written: ReadonlyMap<Sortable, (value: number | null) => string>,
): Drawing {
  const values = shown.scores(index);
  const waits = method.error === null && values.every(Number.isNaN);
  return html`<tr data-method=${index} data-tested=${method.family === "tested" ? "" : nothing}>${methodName(method, index)}${yardsticks.map(
    ({ key, label }) => {
      const value = waits ? null : method[key];
      const name = label.replaceAll("\u00ad", "");
      const leads = index >= 0 && best.get(key) === index ? ", the best of these" : "";
      return html`<td class=${leads ? "number best" : "number"} data-tip=${`${method.name}, ${name}: ${number(value)}${leads}`}
        >${value === null && index < 0 ? nothing : written.get(key)?.(value)}</td>`;
    },
  )}${scoreCells(method.name, values, shown.peak ?? peakOfRow(values), shown)}</tr>`;
}

const isIncomplete = ({ name, label }: MethodResult): boolean => label.slice(name.length).includes("misses");

/** The name, what is to be remarked, and its line among the curves. */
function methodName(method: MethodResult, index: number): Drawing {
  const remarked = method.label.startsWith(method.name);
  const remark = remarked ? method.label.slice(method.name.length).trim() : "";
  const name = remarked ? method.name : method.label;
  const counted = method.granularity === null ? "" : `; ${method.granularity} graph, ${method.level} level`;
  const ranked = method.ranked_by_size ? "; words are ranked by absolute score" : "";
  const said = method.error ?? `${method.label}${ranked}${counted}`;
  return html`<th scope="row" data-tip=${said}>${
    index < 0 || method.error !== null
      ? nothing
      : html`<svg class="sample" width="20" height="8" aria-hidden="true"><line x1="1" x2="19" y1="4" y2="4"
          style=${lineStyle(method, index)}></line></svg>`
  }${name.split(CAPITAL).map((part) => html`${part}<wbr />`)}${method.error === null ? nothing : " (failed)"}${remark ? html`<small>${remark}</small>` : nothing}</th>`;
}

/** What is shown of the scores: words in their order, whose scores they are, and how they are tinted. */
interface Shown {
  state: State;
  options: Options;
  tokens: readonly Token[];
  /** Scores of a row, in the order of the text. */
  scores: (row: RowIndex) => number[];
  /** The end of the one scale; null where each row has its own. */
  peak: number | null;
}

function shownOf(state: State, summary: ComparisonHeader, rows: readonly Row[], options: Options): Shown {
  const tokens = summary.streams[0]?.tokens ?? [];
  const scores = (row: RowIndex) =>
    tokens.map(({ index }) =>
      row < 0 ? state.columns.at("token_effect", index) : state.columns.at("scores", row, index),
    );
  const order = orderOf(options.words === null ? null : scores(options.words), tokens.length);
  const peak = options.scale === "all" ? peakOfRow(rows.flatMap(({ index }) => scores(index))) : null;
  return { state, options, tokens: order.flatMap((place) => tokens[place] ?? []), scores, peak };
}

function scoreCells(name: string, values: readonly number[], peak: number, shown: Shown): Drawing {
  const { state, options, tokens } = shown;
  const written = alike(values);
  return html`${tokens.map(({ index: token, text }) => {
    const value = values[token] ?? Number.NaN;
    const label = `${name}, ${text}: ${Number.isNaN(value) ? "not known" : number(value, 3)}`;
    const looks = `${value < 0 ? " negative" : ""}${Number.isNaN(value) ? " unknown" : ""}${options.values ? " valued" : ""}`;
    return html`<td><div role="button" tabindex="-1" data-item data-token=${token}
      data-stream="0" aria-pressed=${includes(state.selection, { token, stream: 0 })} aria-label=${label}
      class="cell${looks}" style="--tint:${tint(value, peak).toFixed(3)}">${options.values && !Number.isNaN(value) ? written(value) : nothing}</div></td>`;
  })}`;
}

/** One method minus another, where both were chosen. */
function differenceRow(
  shown: Shown,
  methods: readonly MethodResult[],
  yardsticks: number,
): Drawing | typeof nothing {
  const { minuend, subtrahend, scale } = shown.options;
  if (minuend === null || subtrahend === null) return nothing;
  const values = differenceOf(shown.scores(minuend), shown.scores(subtrahend), scale);
  const name = `${rowName(methods, minuend)} − ${rowName(methods, subtrahend)}`;
  const said =
    scale === "all"
      ? "The difference of the scores as they are; methods need not have one unit."
      : "Each relative to the largest |score| of its row, as the tints are; the strongest tint here is 1.";
  return html`<tr data-difference><th scope="row" data-tip=${said}>${name}<small>${scale === "all" ? "of the scores" : "of the relative scores"}</small></th>${Array.from(
    { length: yardsticks },
    () => html`<td class="number"></td>`,
  )}${scoreCells(name, values, shown.peak ?? 1, shown)}</tr>`;
}

/** What the tints mean, once for all rows. */
function legend({ scale }: Options): Drawing {
  const cells = STEPS.map(
    (value) =>
      html`<span class="cell${value < 0 ? " negative" : ""}" style="--tint:${tint(value, 1).toFixed(3)}"></span>`,
  );
  const end =
    scale === "row"
      ? "the largest |score| of the row: methods have units of their own"
      : "the largest |score| of all rows, whatever their units";
  return html`<p class="scale hint"><span>against the score</span>${cells}<span
    >for it; no tint is 0, the strongest ${end}</span></p>`;
}

function agreement(state: State, summary: ComparisonHeader, column: string, title: string): Drawing {
  const rows = summary.methods.map((method, row) => {
    const cells = summary.methods.map((other, index) => {
      const value = state.columns.at(column, row, index);
      return html`<td class="cell${value < 0 ? " negative" : ""}" style="--tint:${tint(value, 1).toFixed(3)}"
        data-tip="${method.name} and ${other.name}: ${number(value, 2)}">${Number.isNaN(value) ? "" : value.toFixed(2)}</td>`;
    });
    return html`<tr><th scope="row">${method.name}</th>${cells}</tr>`;
  });
  return html`<details><summary>${title}</summary><div class="scroll" tabindex="0"
    role="group" aria-label=${title}><table><tbody>${rows}</tbody></table></div></details>`;
}
