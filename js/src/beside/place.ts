/** Two explanations side by side: A, B and A − B of every picture, one selection and one scale for all. */

import { html, nothing } from "lit-html";
import type { BesideHeader } from "../contract";
import { h, put } from "../dom";
import { Field } from "../fields/field";
import { measureOf, type Place } from "../measures";
import { type Drawing, pane } from "../pane";
import { mountPicture } from "../picture/menu";
import type { Questions } from "../questions";
import type { State, Store } from "../store";
import { mountHelp } from "../views/help";
import { switchOf } from "../views/switch";
import { CALLED, comparedOf, SIDES, type Side } from "./compared";
import { cellsOf, headsOf } from "./faces";
import { mergedOf } from "./merged";
import { scaleOf } from "./scale";
import { mountBesideSelection } from "./selected";
import { mountBesideTable } from "./table";
import { wordsOf } from "./words";

type Mount = (root: HTMLElement, store: Store, signal: AbortSignal, questions: Questions) => void;

// Between pictures; of narrower widgets they stand below each other.
const GAP = 18;
const NARROW = 720;
const HIGHEST = 0.85;
const LEAST = 360;

let groups = 0;

/** The panes, in the order of reading. */
export function placeBeside(
  body: HTMLElement,
  placed: (parent: HTMLElement, mount: Mount, element: HTMLElement) => void,
): void {
  const choices = h("div", { class: "choices" });
  body.append(choices);
  placed(choices, mountChoice, h("div"));
  placed(choices, mountScale, h("p", { class: "scale-of-all" }));
  placed(choices, mountPicture, h("div", { class: "picture" }));
  placed(choices, mountHelp, h("div", { class: "help" }));
  placed(body, mountBesideSelection, h("div", { class: "notice" }));
  placed(body, mountWords, h("div", { class: "beside" }));
  placed(
    body,
    fields("Heads and MLPs", "heads and MLPs: layers by heads", "head", headsOf),
    h("div", { class: "beside" }),
  );
  placed(body, fields("Words × layers", "words by layers", "node", cellsOf), h("div", { class: "beside" }));
  placed(body, mountBesideTable, h("div", { class: "number-table beside-table" }));
}

/** The width of one picture. */
const widthOf = (space: number): number =>
  space < NARROW ? space : Math.floor((space - GAP * (SIDES.length - 1)) / SIDES.length);

/** Draw for two explanations only. */
export function besidePane(
  root: HTMLElement,
  store: Store,
  signal: AbortSignal,
  view: (state: State, summary: BesideHeader) => Drawing,
): void {
  pane(root, store, signal, (state) =>
    state.summary?.type === "beside" ? view(state, state.summary) : html``,
  );
}

function mountChoice(root: HTMLElement, store: Store, signal: AbortSignal, questions: Questions): void {
  groups += 1;
  const group = `semiring-widgets-beside-${groups}-${Math.random()}`;
  besidePane(root, store, signal, (state, summary) => switchOf(state, mergedOf(summary), group, questions));
}

function mountScale(root: HTMLElement, store: Store, signal: AbortSignal): void {
  besidePane(root, store, signal, scaleOf);
}

/** Three sections with a name of their own, beside each other where there is room. */
function sections(
  root: HTMLElement,
  store: Store,
  signal: AbortSignal,
  title: string,
  label: string,
  place: Place,
): HTMLElement[] {
  const heading = h("h3");
  const row = h("div", { class: "three" });
  root.append(heading, row);
  besidePane(heading, store, signal, (state, summary) => {
    const asked = measureOf(state, mergedOf(summary));
    const { measure, caption } = comparedOf(state, summary, place);
    const other = measure === asked ? "" : `; there is no ${asked.label} of these`;
    return html`${title} <span class="caption">${caption}${other}</span>`;
  });
  store.effect(({ space }) => put(row, { "data-columns": space < NARROW ? 1 : SIDES.length }), signal);
  return SIDES.map((side) => {
    const name = h("h4");
    const section = h("section", {
      "data-pane": `${place}-${["a", "b", "difference"][side]}`,
      "data-side": CALLED[side],
      "aria-label": `${CALLED[side]}, ${label}`,
      "data-order": "plane",
    });
    section.append(name);
    row.append(section);
    besidePane(name, store, signal, (_, summary) => sideName(summary, side));
    return section;
  });
}

const sideName = ({ sides }: BesideHeader, side: Side): Drawing =>
  html`<strong>${CALLED[side]}</strong>${side === 2 ? nothing : html` <span>${sides[side]?.name}</span>`}`;

function mountWords(root: HTMLElement, store: Store, signal: AbortSignal): void {
  sections(root, store, signal, "Words", "words", "token").forEach((section, index) => {
    const drawn = h("div");
    section.append(drawn);
    besidePane(drawn, store, signal, (state, summary) => wordsOf(state, summary, SIDES[index] ?? 0));
  });
}

const fields =
  (title: string, label: string, place: Place, face: typeof cellsOf): Mount =>
  (root, store, signal) => {
    sections(root, store, signal, title, label, place).forEach((section, index) => {
      const side = SIDES[index] ?? 0;
      const field = new Field(section, store, signal, `${CALLED[side]}, ${label}`);
      store.effect((state) => {
        const { summary } = state;
        if (summary?.type !== "beside") return;
        const width = widthOf(state.space);
        const most = { width, height: Math.max(LEAST, HIGHEST * window.innerHeight) };
        field.show(summary.layers.length === 0 ? null : face(state, summary, side, width), most);
      }, signal);
    });
  };
