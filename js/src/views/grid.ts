/** The route grid: every word at every layer, and the first family of routes as a line over it. */

import { html, nothing, svg } from "lit-html";
import type { ExplanationHeader } from "../contract";
import { h, put, svgElement } from "../dom";
import { shortened } from "../labels";
import { type Grid, gridOf } from "../layout/grid";
import { type Drawing, explanationPane } from "../pane";
import { rankingShown } from "../rankings";
import type { State, Store } from "../store";
import { caption, explained } from "./caption";
import { cells, layerName } from "./cells";
import { lines } from "./lines";

// Pixels of a letter; labels that stand upright have the width of their cell, slanted ones 11 letters.
const COLUMN = 6.6;
const SLANTED = 80;

/** The grid of a summary in the width that there is. */
function gridFor(state: State, summary: ExplanationHeader): Grid {
  const count = Math.max(1, ...summary.streams.map((stream) => stream.tokens.length));
  return gridOf(count, summary.layers.length, state.space);
}

export function mountGrid(root: HTMLElement, store: Store, signal: AbortSignal): void {
  const below = svgElement("g");
  const over = svgElement("g", { class: "routes" });
  const names = svgElement("g");
  const picture = svgElement("svg", { role: "group", "aria-label": "words by layers" }, below, over, names);
  const margin = svgElement("svg", { class: "margin", "aria-hidden": "true" });
  const scroll = h("div", { class: "scroll" }, picture, margin);
  const title = h("h3");
  const legend = h("p", { class: "legend" });
  root.append(title, scroll, legend);
  explained(root, store, signal, "node");
  explanationPane(
    title,
    store,
    signal,
    (state, summary) => html`Words × layers <span class="caption">${caption(state, summary, "node")}</span>`,
  );
  store.effect((state) => {
    if (state.summary?.type !== "explanation") return;
    const grid = gridFor(state, state.summary);
    const known = state.summary.layers.length > 0;
    const height = known ? grid.height + (grid.cell >= 44 ? 20 : SLANTED) : 0;
    // In the style too: hosts set the height of every picture.
    put(picture, { width: grid.width, height, style: `width:${grid.width}px;height:${height}px` });
    const needed = known && grid.width > state.space;
    put(margin, { width: grid.gutter - 4, height: needed ? grid.height : 0 });
  }, signal);
  explanationPane(below, store, signal, (state, summary) => cells(state, summary, gridFor(state, summary)));
  explanationPane(over, store, signal, (state, summary) => lines(state, summary, gridFor(state, summary)));
  explanationPane(names, store, signal, (state, summary) => tokenNames(summary, gridFor(state, summary)));
  // The names of the layers once more, where they stay in sight while the tokens are scrolled.
  explanationPane(margin, store, signal, (state, summary) => {
    const grid = gridFor(state, summary);
    return svg`${summary.layers.map(({ index }) => layerName(index, grid))}`;
  });
  explanationPane(legend, store, signal, (state, summary) => {
    const kind = state.family === null && state.route === null ? "first of the routes below" : "chosen route";
    return html`<span class="key">the ${kind}, upwards from the input</span>${dashed(state, summary)}<span>${whoseNames(summary)}</span>`;
  });
  beginAtTheEnd(scroll, store, signal);
}

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
    if (end === undefined || scroll.clientWidth === 0) return;
    begun = true;
    scroll.scrollLeft = grid.x(end) - scroll.clientWidth / 2;
  }, signal);
}

/** Which tokens stand below the picture, where rows have those of different inputs. */
function whoseNames({ streams, layers }: ExplanationHeader): string {
  const [named, other] = streams;
  const from = Math.max(-1, ...layers.filter(({ stream }) => stream === 0).map(({ index }) => index)) + 1;
  if (named === undefined || other === undefined || from >= layers.length) return "";
  return `names = tokens of the ${named.name}; rows from layer ${from} on have those of the ${other.name}`;
}

function tokenNames(summary: ExplanationHeader, grid: Grid): Drawing {
  const tokens = summary.layers.length === 0 ? [] : (summary.streams[0]?.tokens ?? []);
  const every = Math.max(1, Math.ceil(11 / grid.cell));
  const upright = grid.cell >= 44;
  return svg`${tokens
    .filter(({ index }) => index % every === 0)
    .map((token) => {
      const [x, y] = [grid.x(token.index), grid.height + 10];
      const short = shortened(token.text, upright ? grid.cell / COLUMN : 11);
      return svg`<text x=${x} y=${y} text-anchor=${upright ? "middle" : "end"} class="name"
        transform=${upright ? "rotate(0)" : `rotate(-60 ${x} ${y})`}>${short}</text>`;
    })}`;
}
