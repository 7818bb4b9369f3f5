/** The cells of the route grid: one for every token at every layer. */

import { svg } from "lit-html";
import type { ExplanationHeader } from "../contract";
import type { Grid } from "../layout/grid";
import { atNode, isSigned, partsMeasure, tints, worded } from "../measures";
import type { Drawing } from "../pane";
import { includes } from "../selection";
import type { State } from "../store";

export function cells(state: State, summary: ExplanationHeader, grid: Grid): Drawing {
  const measure = partsMeasure(state, summary);
  const { selection } = state;
  const rows = summary.layers.map((layer) => {
    const tokens = summary.streams[layer.stream]?.tokens ?? [];
    const numbers = tokens.map((token) => atNode(state, measure, layer.index, token.index));
    const strengths = tints(measure, numbers);
    const top = grid.y(layer.index) - grid.row / 2 + 1;
    const pressed = includes(selection, { layer: layer.index });
    const row = tokens.map((token) => {
      const value = numbers[token.index] ?? Number.NaN;
      const place = { layer: layer.index, token: token.index };
      const label = `${token.text} at layer ${layer.index}: ${measure.label} ${worded(measure, value)}`;
      const linked = pressed || includes(selection, { token: token.index, stream: layer.stream });
      const looks = `${Number.isNaN(value) ? " unknown" : ""}${isSigned(measure) && value < 0 ? " negative" : ""}`;
      return svg`<rect role="button" tabindex="-1" data-lm-suppress-shortcuts="true" data-item data-layer=${layer.index}
        data-token=${token.index} data-stream=${layer.stream} data-linked=${linked}
        aria-pressed=${includes(selection, place)} aria-label=${label} class="cell${looks}"
        x=${grid.x(token.index) - grid.cell / 2 + 1} y=${top} width=${Math.max(1, grid.cell - 2)}
        height=${grid.row - 2} rx="3" style="--tint:${(strengths[token.index] ?? 0).toFixed(3)}"
        ><title>${label}</title></rect>`;
    });
    return svg`<g role="button" tabindex="-1" data-lm-suppress-shortcuts="true" data-item data-layer=${layer.index}
      aria-pressed=${pressed} aria-label="L${layer.index}, attention of layer ${layer.index}: ${layer.name}"
      ><title>attention of layer ${layer.index}: ${layer.name}</title>${layerName(layer.index, grid)}</g>${row}`;
  });
  return svg`${rows}`;
}

export function layerName(layer: number, grid: Grid): Drawing {
  const top = grid.y(layer) - grid.row / 2 + 1;
  return svg`<rect x="2" y=${top} width=${grid.gutter - 8} height=${grid.row - 2} rx="4" class="layer"></rect>
    <text x=${grid.gutter / 2 - 2} y=${grid.y(layer) + 4} text-anchor="middle">L${layer}</text>`;
}
