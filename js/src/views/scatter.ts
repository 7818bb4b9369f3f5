/** Predicted against actual: all tested words, heads and MLPs as points; on the line both are the same. */

import { html } from "lit-html";
import type { ExplanationHeader, Part, PartKind, Test } from "../contract";
import { h } from "../dom";
import type { Box, Face } from "../fields/face";
import { Field } from "../fields/field";
import type { Palette } from "../fields/palette";
import { columnOf } from "../layout/columns";
import { brief } from "../layout/numbers";
import { nearest, type Square, squareOf } from "../layout/scatter";
import { explanationPane } from "../pane";
import { partName } from "../part-names";
import { partOf, same } from "../selection";
import type { Store } from "../store";
import { singles } from "../tested";

// Pixels of the square, where there is room.
const LARGEST = 300;
const MARGIN = 44;
// Above it stands the name of the axis, below it that of the other.
const TOP = 16;
const BESIDE = 6;
const NAMED = 4;
// Pixels of a letter, and between two lines of text.
const LETTER = 6.6;
const LINE = 13;
// How far from a point the pointer still means it.
const REACH = 9;

const KINDS: Record<PartKind, string> = { tokens: "words", heads: "heads", mlps: "MLPs" };

interface Point {
  part: Part;
  kind: PartKind;
  predicted: number;
  actual: number;
}

export function mountScatter(root: HTMLElement, store: Store, signal: AbortSignal): void {
  const title = h("h3");
  const below = h("div");
  root.append(title);
  explanationPane(
    title,
    store,
    signal,
    () =>
      html`Predicted against actual <span class="caption">one point a part; on the line the estimate is right</span>`,
  );
  const field = new Field(root, store, signal, "predicted against actual effects");
  root.append(below);
  store.effect((state) => {
    const { summary } = state;
    if (summary?.type !== "explanation") return;
    const points = singles(state, summary).flatMap(pointOf);
    if (root.hidden !== (points.length === 0)) root.hidden = points.length === 0;
    points.sort((one, other) => one.predicted - other.predicted);
    const size = Math.min(LARGEST, columnOf(state.space) - BESIDE);
    const most = { width: size + BESIDE, height: size + TOP };
    field.show(points.length === 0 ? null : scatterFace(summary, points, size), most);
  }, signal);
  explanationPane(
    below,
    store,
    signal,
    (
      _,
      summary,
    ) => html`<p class="legend"><span class="point tokens">words</span><span class="point heads">heads</span><span class="point mlps">MLPs</span></p>
      <p class="hint" data-correlations data-tip="Spearman's rank correlation between contribution and effect in this text: 1 where the estimate ranks the parts as the tests do.">${correlations(summary)}</p>`,
  );
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

/** Points from the left to the right, which is the order of the keyboard too. */
function scatterFace(summary: ExplanationHeader, points: readonly Point[], size: number): Face {
  const square = squareOf(
    points.flatMap(({ predicted, actual }) => [predicted, actual]),
    size,
    MARGIN,
  );
  const places = points.map(({ predicted, actual }): [number, number] => [
    square.x(predicted),
    square.y(actual) + TOP,
  ]);
  const box = (place: number): Box => {
    const [x, y] = places[place] ?? [0, 0];
    return { left: x - 7, top: y - 7, width: 14, height: 14 };
  };
  const largest = Math.max(...points.flatMap(({ predicted, actual }) => [predicted, actual]).map(Math.abs));
  const to = (place: number) => (place >= 0 && place < points.length ? place : null);
  return {
    width: size + BESIDE,
    height: size + TOP,
    strips: [],
    paint: (context, _shown, palette) => {
      context.save();
      context.translate(0, TOP);
      paintAxes(context, square, palette);
      for (const point of points) paintPoint(context, point, square, palette);
      paintNames(context, apart(points, square), square, size, summary, palette);
      context.restore();
    },
    at: (x, y) => nearest(places, x, y, REACH),
    first: 0,
    has: (place) => place < points.length,
    box,
    step: (place, right, up) => to(place + right - up),
    ends: () => [0, points.length - 1],
    spoken: (place) => {
      const point = points[place];
      if (point === undefined) return { label: "", target: null, disabled: true };
      const { part, predicted, actual } = point;
      const label = `${partName(part, summary)}: predicted ${brief(predicted, largest)}, actual ${brief(actual, largest)}`;
      return { label, target: part, disabled: false };
    },
    lying: (target) => {
      const wanted = partOf(target);
      return points.flatMap(({ part }, place) =>
        same([part], [wanted]) ? [{ box: box(place), own: true }] : [],
      );
    },
  };
}

function paintAxes(context: CanvasRenderingContext2D, square: Square, palette: Palette): void {
  const { x, y, low, high, ticks } = square;
  const line = (from: [number, number], to: [number, number]) => {
    context.beginPath();
    context.moveTo(...from);
    context.lineTo(...to);
    context.stroke();
  };
  context.font = `11px ${palette.font}`;
  context.lineWidth = 1;
  const largest = Math.max(...ticks.map(Math.abs));
  for (const tick of ticks) {
    context.strokeStyle = tick === 0 ? palette.quiet : palette.line;
    context.globalAlpha = 0.7;
    line([x(tick), y(low)], [x(tick), y(high)]);
    line([x(low), y(tick)], [x(high), y(tick)]);
    context.globalAlpha = 1;
    context.fillStyle = palette.ink;
    context.textAlign = "center";
    context.fillText(brief(tick, largest), x(tick), y(low) + 14);
    context.textAlign = "right";
    context.fillText(brief(tick, largest), x(low) - 5, y(tick) + 4);
  }
  context.strokeStyle = palette.quiet;
  context.setLineDash([4, 4]);
  line([x(low), y(low)], [x(high), y(high)]);
  context.setLineDash([]);
  context.fillStyle = palette.quiet;
  context.textAlign = "right";
  context.fillText("predicted →", x(high), y(low) + 28);
  context.textAlign = "left";
  context.fillText("↑ actual", x(low) + 4, -4);
}

function paintPoint(
  context: CanvasRenderingContext2D,
  { kind, predicted, actual }: Point,
  { x, y }: Square,
  palette: Palette,
): void {
  const [left, top] = [x(predicted), y(actual)];
  context.beginPath();
  if (kind === "heads") context.arc(left, top, 5, 0, 2 * Math.PI);
  else if (kind === "tokens") context.rect(left - 4.5, top - 4.5, 9, 9);
  else {
    context.moveTo(left, top - 6);
    context.lineTo(left + 6, top + 4.5);
    context.lineTo(left - 6, top + 4.5);
    context.closePath();
  }
  context.globalAlpha = 0.8;
  context.fillStyle = palette.named({ heads: "mass", tokens: "minus", mlps: "mlp" }[kind]);
  context.fill();
  context.globalAlpha = 1;
  context.strokeStyle = palette.named("halo");
  context.stroke();
}

function paintNames(
  context: CanvasRenderingContext2D,
  named: readonly Point[],
  { x, y }: Square,
  size: number,
  summary: ExplanationHeader,
  palette: Palette,
): void {
  context.font = `600 11px ${palette.font}`;
  context.lineJoin = "round";
  for (const { part, predicted, actual } of named) {
    const name = partName(part, summary);
    const left = x(predicted) + LETTER * name.length > size - 8;
    context.textAlign = left ? "right" : "left";
    const place = [x(predicted) + (left ? -8 : 8), y(actual) + 4] as const;
    context.strokeStyle = palette.named("halo");
    context.lineWidth = 3;
    context.strokeText(name, ...place);
    context.fillStyle = palette.ink;
    context.fillText(name, ...place);
  }
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
