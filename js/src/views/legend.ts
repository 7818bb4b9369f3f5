/** What the tints mean, with their ends; in the reasons one scale for all panes. */

import { html } from "lit-html";
import type { Score } from "../contract";
import { brief } from "../layout/numbers";
import { isNegative, measureOf } from "../measures";
import { type Drawing, explanationPane } from "../pane";
import { peakOf } from "../reasons";
import type { Store } from "../store";

const STEPS = [0, 0.25, 0.5, 0.75, 1];

// Other scales go to the most that there is in each picture.
const ENDS = {
  share: ["none", "the most in each picture"],
  weight: ["far weaker", "the strongest in each picture"],
  log: ["the lowest", "the highest in each picture"],
  plain: ["negative", "positive, to the largest in each picture"],
} as const;

export function mountLegend(root: HTMLElement, store: Store, signal: AbortSignal): void {
  explanationPane(root, store, signal, (state, summary) => {
    const measure = measureOf(state, summary);
    const signs = isNegative(measure, -1);
    const peak = peakOf(state.columns);
    const [low, high] = measure.scale === "signed" ? ends(summary.score, peak) : ENDS[measure.scale];
    return html`<span>${low}</span>${swatchesOf(signs)}<span>${high}</span>
      ${measure.scale === "signed" ? html`<span class="unit">one scale for all pictures</span>` : ""}`;
  });
}

/** The tints from the one end of a scale to the other. */
export function swatchesOf(signs: boolean): Drawing {
  const steps = signs ? [...STEPS.map((step) => -step).reverse(), ...STEPS.slice(1)] : STEPS;
  const swatch = (step: number) =>
    html`<span class="shade${step < 0 ? " negative" : ""}" style="--tint:${Math.abs(step)}"></span>`;
  return html`<span class="swatches" aria-hidden="true">${steps.map(swatch)}</span>`;
}

/** What both ends of a signed scale mean. */
export function ends({ target, contrast }: Score, peak: number): [string, string] {
  const [low, high] = peak > 0 ? [` ${brief(-peak, peak)}`, `${brief(peak, peak)} `] : ["", ""];
  if (target === null || contrast === null) return [`lowers the score${low}`, `${high}raises it`];
  return [`for ${contrast}${low}`, `${high}for ${target}`];
}
