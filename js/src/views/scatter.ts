/** Predicted against actual: all tested words, heads and MLPs as points; on the line both are the same. */

import { html, nothing, svg } from "lit-html";
import type { ExplanationHeader, Part, PartKind, Test } from "../contract";
import { brief } from "../layout/numbers";
import { type Square, squareOf } from "../layout/scatter";
import { type Drawing, explanationPane } from "../pane";
import { partName } from "../part-names";
import { includes } from "../selection";
import type { State, Store } from "../store";
import { singles } from "../tested";

const SIZE = 300;
const MARGIN = 44;
// Above it stands the name of the axis.
const TOP = 16;
const NAMED = 4;
// Pixels of a letter, and between two lines of text.
const LETTER = 6.6;
const LINE = 13;

const KINDS: Record<PartKind, string> = { tokens: "words", heads: "heads", mlps: "MLPs" };

interface Point {
  part: Part;
  kind: PartKind;
  predicted: number;
  actual: number;
}

export function mountScatter(root: HTMLElement, store: Store, signal: AbortSignal): void {
  root.dataset.order = "line";
  explanationPane(root, store, signal, (state, summary) => {
    const points = singles(state, summary).flatMap(pointOf);
    if (root.hidden !== (points.length === 0)) root.hidden = points.length === 0;
    if (points.length === 0) return html``;
    points.sort((one, other) => one.predicted - other.predicted);
    return html`<h3>Predicted against actual <span class="caption">one point a part; on the line the estimate is right</span></h3>
      ${picture(state, summary, points)}
      <p class="legend"><span class="point tokens">words</span><span class="point heads">heads</span><span class="point mlps">MLPs</span></p>
      <p class="hint" data-correlations data-tip="Spearman's rank correlation between contribution and effect in this text: 1 where the estimate ranks the parts as the tests do.">${correlations(summary)}</p>`;
  });
}

function pointOf({ parts: [part], before, after, predicted }: Test): Point[] {
  if (part === undefined || before === null || after === null || predicted === null) return [];
  const kind = part.layer === null ? "tokens" : part.head === null ? "mlps" : "heads";
  return [{ part, kind, predicted, actual: before - after }];
}

function correlations({ correlations: known }: ExplanationHeader): string {
  const said = known
    .filter(({ rank_correlation }) => rank_correlation !== null)
    .map(({ kind, rank_correlation }) => `${KINDS[kind]} ${(rank_correlation ?? 0).toFixed(2)}`);
  return said.length === 0 ? "" : `Rank correlation: ${said.join(", ")}.`;
}

function picture(state: State, summary: ExplanationHeader, points: readonly Point[]): Drawing {
  const square = squareOf(
    points.flatMap(({ predicted, actual }) => [predicted, actual]),
    SIZE,
    MARGIN,
  );
  const { x, y, low, high, ticks } = square;
  const named = apart(points, square);
  const grid = ticks.map(
    (
      tick,
    ) => svg`<path class="tick${tick === 0 ? " zero" : ""}" d="M${x(tick)} ${y(low)}V${y(high)}M${x(low)} ${y(tick)}H${x(high)}"></path
      ><text x=${x(tick)} y=${y(low) + 14} text-anchor="middle">${brief(tick)}</text
      ><text x=${x(low) - 5} y=${y(tick) + 4} text-anchor="end">${brief(tick)}</text>`,
  );
  return html`<svg class="scatter" role="group" aria-label="predicted against actual effects" width=${SIZE + 6} height=${SIZE + TOP}><g transform="translate(0 ${TOP})">
    ${grid}<path class="same" d="M${x(low)} ${y(low)}L${x(high)} ${y(high)}"></path>
    <text x=${x(high)} y=${y(low) + 28} text-anchor="end" class="axis">predicted →</text>
    <text x=${x(low) + 4} y="-4" class="axis">↑ actual</text>
    ${named.map(({ part, predicted, actual }) => {
      const left = x(predicted) + LETTER * partName(part, summary).length > SIZE - 8;
      return svg`<text class="label" aria-hidden="true" x=${x(predicted) + (left ? -8 : 8)} y=${y(actual) + 4} text-anchor=${left ? "end" : "start"}>${partName(part, summary)}</text>`;
    })}
    ${points.map((point) => mark(state, summary, point, square))}
  </g></svg>`;
}

/** The largest effects whose names do not stand on each other. */
function apart(points: readonly Point[], { y }: Square): Point[] {
  const found: Point[] = [];
  for (const point of [...points].sort((one, other) => Math.abs(other.actual) - Math.abs(one.actual))) {
    if (found.length === NAMED) break;
    if (found.every(({ actual }) => Math.abs(y(actual) - y(point.actual)) > LINE)) found.push(point);
  }
  return found;
}

function mark(
  state: State,
  summary: ExplanationHeader,
  { part, kind, predicted, actual }: Point,
  { x, y }: Square,
) {
  const { layer, branch, head, token, stream } = part;
  const facet = (value: string | number | null) => value ?? nothing;
  const [left, top] = [x(predicted), y(actual)];
  const shape =
    kind === "heads"
      ? svg`<circle cx=${left} cy=${top} r="5"></circle>`
      : kind === "tokens"
        ? svg`<rect x=${left - 4.5} y=${top - 4.5} width="9" height="9"></rect>`
        : svg`<path d="M${left} ${top - 6}L${left + 6} ${top + 4.5}H${left - 6}Z"></path>`;
  return svg`<g role="button" tabindex="-1" data-lm-suppress-shortcuts="true" data-item class="point ${kind}" data-layer=${facet(layer)}
    data-branch=${facet(branch)} data-head=${facet(head)} data-token=${facet(token)} data-stream=${layer === null ? stream : nothing}
    aria-pressed=${includes(state.selection, part)}
    aria-label="${partName(part, summary)}: predicted ${brief(predicted)}, actual ${brief(actual)}">${shape}</g>`;
}
