/** The words of one side in line with those of the other, with gaps where only the other has one. */

import { html, nothing } from "lit-html";
import type { BesideHeader } from "../contract";
import type { Drawing } from "../pane";
import { includes } from "../selection";
import type { State } from "../store";
import { CALLED, comparedOf, type Side } from "./compared";

// In longer texts only the numbers that stand out are printed.
const ALL_PRINTED = 60;
const STANDS_OUT = 0.3;

export function wordsOf(state: State, summary: BesideHeader, side: Side): Drawing {
  return html`${summary.streams.map(({ name, tokens }, stream) => {
    const compared = comparedOf(state, summary, stream === 0 ? "token" : "decoder");
    const words = tokens.map(({ index, text, special }) => {
      const both = summary.words[stream]?.[index] ?? ["", ""];
      const differs = both[0] !== both[1];
      const own = side === 2 ? text : both[side];
      const missing = side === 2 ? both.some((word) => word === "") : own === "";
      const value = compared.at(side, index);
      const tint = compared.strength(side, value);
      const printed = tokens.length <= ALL_PRINTED || Math.abs(tint) >= STANDS_OUT;
      const looks = `${special ? " special" : ""}${differs && side !== 2 && !missing ? " different" : ""}${tint < 0 ? " negative" : ""}${Number.isNaN(value) ? " unknown" : ""}${missing ? " missing" : ""}`;
      const label =
        missing && side !== 2
          ? `${CALLED[side]} has nothing in the place of ${text}`
          : `${own}: ${compared.say(index)}`;
      return html`<span role="button" tabindex="-1" data-item data-token=${index}
        data-stream=${stream} class="token${looks}" aria-label=${label} aria-pressed=${includes(state.selection, { token: index, stream })}
        data-value=${printed ? compared.short(side, value) || "–" : nothing}
        style="--tint:${(Math.abs(tint) || 0).toFixed(3)};--letters:${Math.max(...both.map((word) => word.length), 3)}">${missing && side !== 2 ? "·" : own}</span>`;
    });
    const called = summary.streams.length > 1 ? html`<span class="stream">${name}</span>` : nothing;
    return html`<div class="sentence">${called}${words}</div>`;
  })}`;
}
