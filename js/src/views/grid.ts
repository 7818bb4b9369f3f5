/** The route grid: every word at every layer, and the first family of routes as a line over it. */

import { html, nothing } from "lit-html";
import type { ExplanationHeader } from "../contract";
import { h, put, svgElement } from "../dom";
import { Field } from "../fields/field";
import { depthOf } from "../fields/lattice-face";
import { type Grid, gridOf } from "../layout/grid";
import { type Drawing, explanationPane } from "../pane";
import { rankingShown } from "../rankings";
import type { State, Store } from "../store";
import { caption, explained } from "./caption";
import { cellsFace } from "./cells";
import { isDrawn, lines } from "./lines";

// Of the window; a higher picture is scrolled in itself, with its names in sight.
const HIGHEST = 0.85;
const LEAST = 360;

/** The grid of a summary in the width that there is. */
function gridFor(state: State, summary: ExplanationHeader): Grid {
  const count = Math.max(1, ...summary.streams.map((stream) => stream.tokens.length));
  return gridOf(count, summary.layers.length, state.space);
}

export function mountGrid(root: HTMLElement, store: Store, signal: AbortSignal): void {
  const title = h("h3");
  const legend = h("p", { class: "legend" });
  const over = svgElement("svg", { class: "routes", "aria-hidden": "true" });
  root.append(title);
  explained(root, store, signal, "node");
  explanationPane(
    title,
    store,
    signal,
    (state, summary) => html`Words × layers <span class="caption">${caption(state, summary, "node")}</span>`,
  );
  const field = new Field(root, store, signal, "words by layers", [over]);
  root.append(legend);
  store.effect((state) => {
    if (state.summary?.type !== "explanation") return;
    const grid = gridFor(state, state.summary);
    const face = state.summary.layers.length === 0 ? null : cellsFace(state, state.summary, grid);
    field.show(face, { width: state.space, height: Math.max(LEAST, HIGHEST * window.innerHeight) });
    const [width, height] = [grid.width, grid.height + depthOf(grid.cell >= 44)];
    // In the style too: hosts set the height of every picture.
    put(over, { width, height, style: `width:${width}px;height:${height}px` });
  }, signal);
  explanationPane(over, store, signal, (state, summary) => lines(state, summary, gridFor(state, summary)));
  explanationPane(legend, store, signal, (state, summary) => {
    const line = isDrawn(state, summary)
      ? html`<span class="key">the ${kindOf(state)}, upwards from the input</span>${dashed(state, summary)}`
      : nothing;
    return html`${line}<span>${whoseNames(summary)}</span>`;
  });
  beginAtTheEnd(field.element, store, signal);
}

const kindOf = ({ family, route }: State): string =>
  family === null && route === null ? "first of the routes below" : "chosen route";

/** What dashes say of a line. */
function dashed(state: State, summary: ExplanationHeader): Drawing | typeof nothing {
  const { contrast } = summary.score;
  const meaning = {
    contribution: contrast === null ? "lowers the score" : `speaks for ${contrast}`,
    best: "the path has a negative weight",
    mass: null,
  }[rankingShown(state, summary)?.by ?? "mass"];
  return meaning === null ? nothing : html`<span class="key sign">dashed: ${meaning}</span>`;
}

/** A picture that is too wide begins, once, at the place where its routes end. */
function beginAtTheEnd(scroll: HTMLElement, store: Store, signal: AbortSignal): void {
  let begun = false;
  store.effect((state) => {
    if (begun || state.summary?.type !== "explanation") return;
    const end = rankingShown(state, state.summary)?.routes[0]?.steps.at(-1)?.target;
    const grid = gridFor(state, state.summary);
    if (end === undefined || state.space === 0) return;
    begun = true;
    const left = grid.x(end) - Math.min(grid.width, state.space) / 2;
    // With the layout of the next frame, not with one of its own.
    if (grid.width > state.space)
      store.frames.request(() => {
        scroll.scrollLeft = left;
      });
  }, signal);
}

/** Which tokens stand below the picture, where rows have those of different inputs. */
function whoseNames({ streams, layers }: ExplanationHeader): string {
  const [named, other] = streams;
  const from = Math.max(-1, ...layers.filter(({ stream }) => stream === 0).map(({ index }) => index)) + 1;
  if (named === undefined || other === undefined || from >= layers.length) return "";
  return `names = tokens of the ${named.name}; rows from layer ${from} on have those of the ${other.name}`;
}
