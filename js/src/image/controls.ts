/** What lies over the picture, how strongly, and what its tints mean. */

import { html, nothing } from "lit-html";
import { number, percent } from "../layout/numbers";
import type { Drawing } from "../pane";
import { ends, swatchesOf } from "../views/legend";
import type { OverlayHeader } from "./contract";
import { measureOf, type Shown } from "./maps";

interface Acts {
  measure(name: string): void;
  opacity(value: number): void;
}

export function controls(
  header: OverlayHeader,
  shown: Shown,
  name: string | null,
  opacity: number,
  acts: Acts,
): Drawing {
  const chosen = measureOf(header, name);
  return html`<label>Shown <select data-action="measure" @change=${(event: Event) =>
    acts.measure((event.target as HTMLSelectElement).value)}>
      ${header.measures.map(
        (one) =>
          html`<option value=${one.name} .selected=${one === chosen && one.label === shown.label}>${one.label} (${one.how})</option>`,
      )}${
        header.measures.some(({ label }) => label === shown.label)
          ? nothing
          : html`<option selected disabled>${shown.label}</option>`
      }</select></label>
    <label>Strength <input type="range" min="0" max="100" step="5" data-action="opacity" .value=${`${100 * opacity}`}
      aria-valuetext=${percent(opacity)} @input=${(event: Event) => acts.opacity(Number((event.target as HTMLInputElement).value) / 100)} /></label>
    <p class="scale-of-all">${legend(header, shown)}</p>`;
}

function legend({ score, methods }: OverlayHeader, { scale, peak, unit, label }: Shown): Drawing {
  const [low, high] = endsOf();
  return html`<span>${low}</span>${swatchesOf(scale === "signed")}<span>${high}</span>`;

  function endsOf(): [string, string] {
    if (scale === "share") return ["none", `${percent(peak)} of all paths, the most`];
    if (scale === "log") return ["far weaker", "the strongest path of all"];
    if (scale === "plain") return ["0", `${number(peak)} ${unit}`];
    return methods.length === 0 || label === "effect"
      ? ends(score, peak)
      : ["negative", `positive, to ${number(peak, 3)}`];
  }
}
