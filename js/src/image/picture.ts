/** The picture or the waveform with one kind of number over it, and what chooses it. */

import { html, render } from "lit-html";
import { h } from "../dom";
import { Field } from "../fields/field";
import { columnOf } from "../layout/columns";
import type { Store } from "../store";
import { backdropOf } from "./backdrop";
import { cellTarget, choiceOf } from "./choice";
import type { OverlayHeader } from "./contract";
import { controls } from "./controls";
import type { Known } from "./known";
import { shownOf } from "./maps";
import { overlayFace } from "./overlay-face";
import { across, boxOf, evenly, rasterOf } from "./raster";
import { cellSentence, placeSentence } from "./words";

// The tints at first; and the largest that a picture is shown, and a waveform.
const OPACITY = 0.85;
const WIDEST = 560;
export const HIGHEST = 640;
const WAVE = 150;
// Measures that a hint tells: the one that is shown and some others.
const TOLD = 3;

/** @param above what the choices are drawn into. */
export function mountPicture(
  root: HTMLElement,
  above: HTMLElement,
  { header, columns, store, signal }: Known,
): void {
  const title = h("h3");
  root.append(title);
  const [backdrop, raster] = [backdropOf(columns), rasterOf(header.grid)];
  const field = new Field(root, store, signal, `${root.dataset.pane} by ${header.several}`);
  let opacity = OPACITY;
  const draw = () => {
    const { selection, measure, route, space } = store.state;
    const shown = shownOf(header, columns, choiceOf(selection), measure);
    const { width, height } = sizeIn(header, space);
    const own = header.measures.find(({ label }) => label === shown.label);
    const chosen = header.routes[route ?? -1];
    const first = header.layers[chosen?.heads[0]?.[0] ?? 0];
    const ofRoute = first === undefined ? raster : evenly(first.rows, first.columns);
    render(html`${shown.label} <span class="caption">${shown.how}</span>`, title);
    const acts = {
      measure: (name: string) => store.update({ measure: name, selection: kept(name, store) }),
      opacity: (value: number) => {
        opacity = value;
        draw();
      },
    };
    render(controls(header, shown, measure, opacity, acts), above);
    field.show(
      overlayFace({
        ...{ shown, width, height, opacity, backdrop },
        route: (chosen?.cells ?? []).map((one) => (one < 0 ? null : boxOf(ofRoute, one))),
        spoken: (at) => ({
          label:
            own === undefined
              ? placeSentence(header, shown, at)
              : cellSentence(header, columns, at, own.name, TOLD),
          target: cellTarget(across(shown.raster, at, raster)),
          disabled: false,
        }),
        lying: ({ layer, token }) =>
          (layer ?? null) === null && token !== undefined && token !== null ? [boxOf(raster, token)] : [],
      }),
      { width, height },
    );
  };
  // All that it reads, so that it is drawn when one of them changes.
  store.effect(
    ({ selection, measure, route, space }) => void [selection, measure, route, space, draw()],
    signal,
  );
}

/** A measure is one of cells; a layer has its own map of it only where it is a contribution. */
const kept = (name: string, { state: { selection } }: Store) =>
  name === "contribution" ? selection : selection.filter(({ layer }) => layer === null);

/** Pixels of the picture, beside the layers where there is room. */
function sizeIn({ grid, rate, layers }: OverlayHeader, space: number): { width: number; height: number } {
  if (rate !== null) return { width: space, height: WAVE };
  const ratio = (grid.rows.at(-1) ?? 1) / (grid.columns.at(-1) ?? 1);
  const most = Math.min(WIDEST, layers.length > 0 ? columnOf(space) : space, HIGHEST / ratio);
  return { width: Math.floor(most), height: Math.floor(most * ratio) };
}
