/** What is chosen by the keyboard or a button: groups of texts, the two numbers they lie by, and a box. */

import { html, type TemplateResult } from "lit-html";
import { number, percent } from "../layout/numbers";
import type { Aggregates } from "./aggregates";
import { type Brush, toggled } from "./brush";
import type { CorpusHeader } from "./contract";

interface Acts {
  choose(change: Partial<Brush>): void;
  /** One end of the box: left, right, low, high. */
  type(place: 0 | 1 | 2 | 3, text: string): void;
}

/** @param fixed whether the axes stay, since the page holds no others. */
export function controls(
  header: CorpusHeader,
  brush: Brush,
  shown: Aggregates,
  fixed: boolean,
  acts: Acts,
): TemplateResult {
  const { groups, numbers } = header;
  const axis = (which: "x" | "y", label: string) => html`
      <label>${label} <select data-axis=${which} ?disabled=${fixed} @change=${(event: Event) =>
        acts.choose({ box: null, [which]: (event.target as HTMLSelectElement).selectedIndex })}>
        ${numbers.map((one, place) => html`<option ?selected=${place === brush[which]}>${one.label}</option>`)}
      </select></label>`;
  const end = (place: 0 | 1 | 2 | 3, label: string) => html`
      <input type="number" step="any" aria-label=${label} .value=${brush.box === null ? "" : `${Number(brush.box[place].toPrecision(6))}`}
        placeholder=${label.split(", ")[1] ?? ""} @change=${(event: Event) => acts.type(place, (event.target as HTMLInputElement).value)} />`;
  const group = ({ name, colour, marker }: CorpusHeader["groups"][number], place: number) => html`
      <button type="button" class="group" data-group=${place} aria-pressed=${brush.groups.includes(place)}
        @click=${() => acts.choose({ groups: toggled(brush, place, groups.length) })}>
        <span style="color:${colour}" aria-hidden="true">${MARKS[marker]}</span> ${name}
        <span class="hint">${(shown.count[place] ?? 0).toLocaleString("en")}${shown.count[place] ? html`${right(shown.right[place])}, ${numbers[0]?.label} ${number(shown.mean[place] ?? Number.NaN, 3)}` : ""}</span></button>`;
  return html`<div class="groups" role="group" aria-label=${`groups by ${header.by || "nothing"}`}>${groups.map(group)}</div>
        <div class="axes" role="group" aria-label="box of the texts">${axis("x", "→")} ${end(0, "to the right, from")}${end(1, "to the right, to")}
        ${axis("y", "↑")} ${end(2, "upwards, from")}${end(3, "upwards, to")}</div>`;
}

const right = (share: number | undefined): string =>
  share === undefined || Number.isNaN(share) ? "" : `, ${percent(share)} right`;

// Bokeh's markers as letters.
const MARKS: Record<string, string> = {
  circle: "●",
  triangle: "▲",
  square: "■",
  diamond: "◆",
  inverted_triangle: "▼",
  star: "★",
};
