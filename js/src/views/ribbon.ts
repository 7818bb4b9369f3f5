/** The sentence: every token tinted by one of several quantities. */

import { html, nothing } from "lit-html";
import { atToken, isNegative, measureOf, measuresOf, ofAllPaths, tints, worded } from "../measures";
import { chosen, explanationPane } from "../pane";
import { includes } from "../selection";
import type { Store } from "../store";

export function mountRibbon(root: HTMLElement, store: Store, signal: AbortSignal): void {
  explanationPane(root, store, signal, (state, summary) => {
    const measure = measureOf(state, summary);
    const choices = measuresOf(summary).map(
      ({ name, label, unit }) =>
        html`<option value=${name} .selected=${name === measure.name}>${unit === "" ? label : `${label} (${unit})`}</option>`,
    );
    const rows = summary.streams.map((stream, index) => {
      const numbers = stream.tokens.map((token) =>
        index === 0 ? atToken(state, measure, token.index) : Number.NaN,
      );
      const strengths = tints(measure, numbers);
      const name = summary.streams.length > 1 ? html`<span class="stream">${stream.name}</span>` : nothing;
      const tokens = stream.tokens.map((token) => {
        const value = numbers[token.index] ?? Number.NaN;
        const label = `${token.text}: ${measure.label} ${worded(measure, value)}`;
        const minus = isNegative(measure, value);
        return html`<span role="button" tabindex="-1" data-lm-suppress-shortcuts="true" data-item data-token=${token.index}
          data-stream=${index} class="token${token.special ? " special" : ""}${minus ? " negative" : ""}" title=${label}
          aria-label=${label} aria-pressed=${includes(state.selection, { token: token.index, stream: index })}
          style="--tint:${(strengths[token.index] ?? 0).toFixed(3)}">${token.text || token.raw}</span>`;
      });
      return html`<div class="sentence">${name}${tokens}</div>`;
    });
    return html`
      <label>Tint: <select data-measure @change=${chosen((measure) => store.update({ measure }))} data-lm-suppress-shortcuts="true" aria-label="quantity that tints the tokens">${choices}</select></label>
      ${ofAllPaths(state, measure) ? html`<span class="hint"> of all paths: not known for the selection</span>` : nothing}
      ${rows}`;
  });
}
