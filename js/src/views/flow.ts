/** The route grid: mass through every token at every layer, and the best paths as lines over it. */

import type { ExplanationHeader } from "../contract";
import { h, item, svg } from "../dom";
import { shortened } from "../labels";
import { aside, type Grid, gridOf, stepPath } from "../layout/grid";
import { atNode, isSigned, partsMeasure, tints, worded } from "../measures";
import { RANKED_BY, rankingShown } from "../ranked";
import { covers } from "../selection";
import type { State } from "../store";

const LEGEND = ["skip", "query", "key", "value", "mlp"] as const;

export function flow(state: State, summary: ExplanationHeader, space: number): HTMLElement {
  const pane = h("section", { "data-pane": "flow", "aria-label": "route grid: tokens by layers" });
  pane.append(h("h3", {}, "Routes: tokens × layers"));
  const count = Math.max(0, ...summary.streams.map((stream) => stream.tokens.length));
  if (summary.layers.length === 0 || count === 0) return pane;
  const grid = gridOf(count, summary.layers.length, space);
  const labels = grid.cell >= 44 ? 20 : 74;
  const picture = svg("svg", { width: grid.width, height: grid.height + labels, role: "group" });
  cells(picture, state, summary, grid);
  routes(picture, state, summary, grid);
  names(picture, summary, grid);
  const legend = h(
    "p",
    { class: "legend" },
    ...LEGEND.map((branch) => h("span", { class: `branch ${branch}` }, branch)),
    h(
      "span",
      {},
      `cell = ${partsMeasure(state, summary).label}; line = routes by ${RANKED_BY[state.by]}, upwards from the input`,
    ),
  );
  const end = rankingShown(state, summary)?.routes[0]?.steps.at(-1)?.target;
  pane.append(
    h(
      "div",
      { class: "scroll", "data-towards": end === undefined ? null : grid.x(end) },
      picture,
      grid.width > space ? margin(summary, grid) : null,
    ),
    legend,
  );
  return pane;
}

/** The names of the layers once more, where they stay in sight while the tokens are scrolled. */
function margin(summary: ExplanationHeader, grid: Grid): SVGElement {
  const picture = svg("svg", {
    class: "margin",
    width: grid.gutter - 4,
    height: grid.height,
    "aria-hidden": "true",
  });
  for (const layer of summary.layers) picture.append(...named(layer.index, grid));
  return picture;
}

function named(layer: number, grid: Grid): SVGElement[] {
  const top = grid.y(layer) - grid.row / 2 + 1;
  return [
    svg("rect", { x: 2, y: top, width: grid.gutter - 8, height: grid.row - 2, rx: 4, class: "layer" }),
    svg("text", { x: grid.gutter / 2 - 2, y: grid.y(layer) + 4, "text-anchor": "middle" }, `L${layer}`),
  ];
}

function cells(picture: SVGElement, state: State, summary: ExplanationHeader, grid: Grid): void {
  const measure = partsMeasure(state, summary);
  for (const layer of summary.layers) {
    const tokens = summary.streams[layer.stream]?.tokens ?? [];
    const numbers = tokens.map((token) => atNode(state, measure, layer.index, token.index));
    const strengths = tints(measure, numbers);
    const top = grid.y(layer.index) - grid.row / 2 + 1;
    const pressed = covers(state.selection, { layer: layer.index });
    picture.append(
      svg(
        "g",
        item({ layer: layer.index }, pressed, `layer ${layer.index}, ${layer.name}`),
        svg("title", {}, layer.name),
        ...named(layer.index, grid),
      ),
    );
    for (const token of tokens) {
      const value = numbers[token.index] ?? Number.NaN;
      const facets = { layer: layer.index, token: token.index, stream: layer.stream };
      const label = `${token.text} at layer ${layer.index}: ${measure.label} ${worded(measure, value)}`;
      picture.append(
        svg(
          "rect",
          {
            ...item(facets, covers(state.selection, facets), label),
            "data-linked": String(
              covers(state.selection, { token: token.index, stream: layer.stream }) || pressed,
            ),
            class: `cell${Number.isNaN(value) ? " unknown" : ""}${isSigned(measure) && value < 0 ? " negative" : ""}`,
            x: grid.x(token.index) - grid.cell / 2 + 1,
            y: top,
            width: Math.max(1, grid.cell - 2),
            height: grid.row - 2,
            rx: 3,
            style: `--tint:${(strengths[token.index] ?? 0).toFixed(3)}`,
          },
          svg("title", {}, label),
        ),
      );
    }
  }
}

function routes(picture: SVGElement, state: State, summary: ExplanationHeader, grid: Grid): void {
  const listed = rankingShown(state, summary)?.routes ?? [];
  for (const route of listed.slice(0, 6).reverse()) {
    const chosen = state.route === route.rank;
    const shift = aside(grid, route.rank);
    const group = svg("g", { class: `route${chosen ? " chosen" : ""}`, "pointer-events": "none" });
    for (const step of route.steps) {
      if (step.branch === "mlp") {
        const [x, y] = [grid.x(step.target) + shift - 4, grid.y(step.layer + 0.72) - 4];
        group.append(svg("rect", { x, y, width: 8, height: 8, class: "branch mlp" }));
      } else {
        const width = chosen ? 4 : Math.max(1.2, 3.2 - 0.5 * route.rank);
        group.append(
          svg("path", {
            d: stepPath(grid, step, shift),
            class: `branch ${step.branch}`,
            "stroke-width": width,
          }),
        );
      }
    }
    picture.append(group);
  }
}

function names(picture: SVGElement, summary: ExplanationHeader, grid: Grid): void {
  const tokens = summary.streams[0]?.tokens ?? [];
  const every = Math.max(1, Math.ceil(11 / grid.cell));
  for (const token of tokens) {
    if (token.index % every !== 0) continue;
    const [x, y] = [grid.x(token.index), grid.height + 10];
    // A column is 6 pixels; labels that stand upright have the width of their cell.
    const short = shortened(token.text, grid.cell >= 44 ? Math.floor(grid.cell / 6) : 11);
    const turn = grid.cell >= 44 ? {} : { transform: `rotate(-60 ${x} ${y})` };
    const anchor = grid.cell >= 44 ? "middle" : "end";
    picture.append(svg("text", { x, y, "text-anchor": anchor, class: "name", ...turn }, short));
  }
}
