/** The text, word by word, with numbers below; below them what stands in their place in a second text. */

import { html, nothing } from "lit-html";
import type { ExplanationHeader, Segment, Token } from "../contract";
import { h } from "../dom";
import { type Pair, pairs } from "../layout/alignment";
import { joinedIn } from "../layout/words";
import { isNegative, measureOf, tinting } from "../measures";
import { numbersOf } from "../numbers";
import { type Drawing, explanationPane } from "../pane";
import { includes } from "../selection";
import { short } from "../short";
import type { State, Store } from "../store";
import { caption, explained } from "./caption";
import { mountEstimates } from "./estimates";

// In longer texts only the numbers that stand out are printed.
const ALL_PRINTED = 60;
const STANDS_OUT = 0.3;
// Tokens of a text that is scrolled in itself, so that the pictures below stay near.
const LONG = 150;
const AT_FIRST = 150;

export function mountRibbon(root: HTMLElement, store: Store, signal: AbortSignal): void {
  const drawn = h("div");
  const told = h("div");
  root.append(drawn, told);
  explained(root, store, signal, "token");
  explanationPane(drawn, store, signal, (state, summary) => {
    return html`<h3>Words <span class="caption">${caption(state, summary, "token")}</span></h3>
      ${summary.streams.map((_, index) => row(state, summary, index))}`;
  });
  mountEstimates(told, store, signal);
}

function row(state: State, summary: ExplanationHeader, stream: number): Drawing {
  const tokens = summary.streams[stream]?.tokens ?? [];
  const segments = summary.streams[stream]?.segments ?? [];
  const numbers = numbersOf(state, measureOf(state, summary), stream === 0 ? "token" : "decoder");
  const values = tokens.map(({ index }) => numbers.at(index));
  const strength = tinting(numbers.measure, numbers.peak === null ? values : [numbers.peak]);
  const joined = joinedIn(tokens);
  // What the model is asked to say, and reads as its own words.
  const begins = summary.score.continuation ?? tokens.length;
  const said = (index: number) => stream === summary.streams.length - 1 && index >= begins;
  const token = ({ index, text, raw, special }: Token): Drawing => {
    const value = values[index] ?? Number.NaN;
    const tint = strength(value);
    const printed = tokens.length <= ALL_PRINTED || tint >= STANDS_OUT;
    const looks = `${said(index) ? " said" : ""}${special ? " special" : ""}${joined.has(index) ? " joined" : ""}${includes(state.avoiding, { token: index, stream }) ? " avoided" : ""}${isNegative(numbers.measure, value) ? " negative" : ""}${Number.isNaN(value) ? " unknown" : ""}`;
    return html`<span role="button" tabindex="-1" data-item data-token=${index}
      data-stream=${stream} class="token${looks}" aria-label="${said(index) ? "asked for, " : ""}${text}: ${numbers.say(index)}"
      aria-pressed=${includes(state.selection, { token: index, stream })} data-value=${printed ? short(numbers.measure, value, numbers.peak) : nothing} style="--tint:${tint.toFixed(3)}"
      >${text || raw}</span>`;
  };
  const name =
    summary.streams.length > 1 ? html`<span class="stream">${summary.streams[stream]?.name}</span>` : nothing;
  const other = summary.reference?.streams[stream]?.tokens ?? [];
  // What is in sight at first; the others follow when that is on screen.
  const shown = state.complete ? tokens : tokens.slice(0, AT_FIRST);
  if (other.length === 0)
    return html`<div class="sentence${tokens.length > LONG ? " long" : ""}">${name}${shown.map((one) => html`${segmentAt(segments, one)}${token(one)}`)}</div>`;
  const aligned = summary.reference?.aligned[stream] ?? [];
  const columns = pairs(tokens.length, other.length, aligned).map((pair) => {
    const own = tokens[pair.token];
    return html`<span class="pair">${own === undefined ? html`<span class="gap"></span>` : token(own)}${below(state, pair, own, other[pair.counterpart], stream)}</span>`;
  });
  return html`<div class="sentence pairs">${name}<span class="pair names" aria-hidden="true"><span>text</span><span>reference</span></span>${columns}</div>`;
}

/** The name of the text of a pair, or of who says a message, before its first token. */
function segmentAt(segments: readonly Segment[], { index }: Token): Drawing | typeof nothing {
  const begun = segments.find(({ begins }) => begins === index);
  return begun === undefined ? nothing : html`<span class="segment">${begun.name}</span>`;
}

/** A token of the second text: it stands for the one above it, and is chosen with it. */
function below(
  state: State,
  pair: Pair,
  own: Token | undefined,
  other: Token | undefined,
  stream: number,
): Drawing {
  if (other === undefined) return html`<span class="gap"></span>`;
  if (own === undefined)
    return html`<span class="token reference different" data-tip="Only the reference has ${other.text}">${other.text || other.raw}</span>`;
  const differs = own.text !== other.text;
  return html`<span role="button" tabindex="-1" data-item data-token=${pair.token}
    data-stream=${stream} class="token reference${differs ? " different" : ""}"
    aria-label="reference: ${other.text}${differs ? ` in the place of ${own.text}` : ", the same"}"
    aria-pressed=${includes(state.selection, { token: pair.token, stream })}>${other.text || other.raw}</span>`;
}
