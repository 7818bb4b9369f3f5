/** What the tints mean on both sides, and in the difference. */

import { html, nothing } from "lit-html";
import type { BesideHeader } from "../contract";
import { brief } from "../layout/numbers";
import { isNegative } from "../measures";
import type { Drawing } from "../pane";
import type { State } from "../store";
import { comparedOf } from "./compared";

const STEPS = [-1, -0.75, -0.5, -0.25, 0, 0.25, 0.5, 0.75, 1];

export function scaleOf(state: State, summary: BesideHeader): Drawing {
  const { measure, peak } = comparedOf(state, summary, "token");
  if (peak !== null) {
    const { target, contrast } = summary.score;
    const [low, high] =
      target !== null && contrast !== null
        ? [`for ${contrast}`, `for ${target}`]
        : ["lowers it", "raises it"];
    return html`<span>${low} ${brief(-peak, peak)}, or more in B</span>${swatches(STEPS)}<span>${brief(peak, peak)} ${high}, or more in A</span>
      <span class="unit">one scale for A, B and A − B in all pictures</span>`;
  }
  const signs = isNegative(measure, -1);
  const shares = measure.scale === "share" || measure.scale === "plain";
  return html`<span>A and B: ${signs ? "negative" : "the least"}</span>${swatches(signs ? STEPS : STEPS.filter((step) => step >= 0))}<span>the most in each picture</span>
    <span>A − B: more in B</span>${swatches(STEPS)}<span>more in A</span>
    ${shares ? html`<span class="unit">one scale for A, B and A − B in each picture</span>` : nothing}`;
}

const swatches = (steps: readonly number[]): Drawing =>
  html`<span class="swatches" aria-hidden="true">${steps.map(
    (step) =>
      html`<span class="shade${step < 0 ? " negative" : ""}" style="--tint:${Math.abs(step)}"></span>`,
  )}</span>`;
