/** The cells of the route grid: one for every token at every layer. */

import { nothing, svg } from "lit-html";
import type { ExplanationHeader } from "../contract";
import { type Grid, hasRoom } from "../layout/grid";
import { isNegative, measureOf, tinting } from "../measures";
import { numbersOf } from "../numbers";
import type { Drawing } from "../pane";
import { includes } from "../selection";
import { short } from "../short";
import type { State } from "../store";

// Paler cells have a number that does not matter.
const PRINTED = 0.3;

export function cells(state: State, summary: ExplanationHeader, grid: Grid): Drawing {
  const numbers = numbersOf(state, measureOf(state, summary), "node");
  const { measure } = numbers;
  const { selection } = state;
  const tokensOf = (stream: number) => summary.streams[stream]?.tokens ?? [];
  const values = summary.layers.map(({ index, stream }) =>
    tokensOf(stream).map((token) => numbers.at(index, token.index)),
  );
  const strength = tinting(measure, numbers.peak === null ? values.flat() : [numbers.peak]);
  const printing = hasRoom(grid);
  const width = Math.max(1, grid.cell - 2);
  const rows = summary.layers.map((layer, place) => {
    const top = grid.y(layer.index) - grid.row / 2 + 1;
    const pressed = includes(selection, { layer: layer.index });
    const row = tokensOf(layer.stream).map((token) => {
      const value = values[place]?.[token.index] ?? Number.NaN;
      const tint = strength(value);
      const here = { layer: layer.index, token: token.index };
      const linked = pressed || includes(selection, { token: token.index, stream: layer.stream });
      const looks = `${Number.isNaN(value) ? " unknown" : ""}${isNegative(measure, value) ? " negative" : ""}`;
      const left = grid.x(token.index) - grid.cell / 2 + 1;
      return svg`<rect role="button" tabindex="-1" data-lm-suppress-shortcuts="true" data-item data-layer=${layer.index}
        data-token=${token.index} data-stream=${layer.stream} data-linked=${linked}
        aria-pressed=${includes(selection, here)} aria-label="${token.text} at layer ${layer.index}: ${numbers.say(layer.index, token.index)}"
        class="cell${looks}" x=${left} y=${top} width=${width} height=${grid.row - 2} rx="3"
        style="--tint:${tint.toFixed(3)}"></rect>${
          printing && tint >= PRINTED
            ? svg`<text class="value" x=${left + width - 5} y=${grid.y(layer.index) + 4} text-anchor="end" aria-hidden="true">${short(measure, value)}</text>`
            : nothing
        }`;
    });
    const name = `the attention of layer ${layer.index}, ${layer.name}`;
    return svg`<g role="button" tabindex="-1" data-lm-suppress-shortcuts="true" data-item data-layer=${layer.index}
      aria-pressed=${pressed} aria-label="layer ${layer.index}: ${name}">${layerName(layer.index, grid)}</g>${row}`;
  });
  return svg`${rows}`;
}

export function layerName(layer: number, grid: Grid): Drawing {
  const top = grid.y(layer) - grid.row / 2 + 1;
  return svg`<rect x="2" y=${top} width=${grid.gutter - 8} height=${grid.row - 2} rx="4" class="layer"></rect>
    <text x=${grid.gutter / 2 - 2} y=${grid.y(layer) + 4} text-anchor="middle">layer ${layer}</text>`;
}
