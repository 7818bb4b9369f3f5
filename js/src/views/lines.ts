/**
 * The routes of the list as lines over the grid: the colour is the kind of a step, dashes say that the best
 * path is negative. All of them are there, those after the first few unseen until they are pointed at or chosen.
 */

import { nothing, svg } from "lit-html";
import type { ExplanationHeader, ListedRoute, ListedStep, StepBranch } from "../contract";
import { aside, type Grid, stepPath } from "../layout/grid";
import type { Drawing } from "../pane";
import { rankingShown } from "../rankings";
import type { State } from "../store";

// More lines than that at once are a tangle.
const DRAWN = 6;
// In narrower cells a line would be all that the pointer meets.
const ROOM = 44;
const LETTER: Partial<Record<StepBranch, string>> = { query: "Q", key: "K", value: "V" };

export function lines(state: State, summary: ExplanationHeader, grid: Grid): Drawing {
  const listed = rankingShown(state, summary)?.routes ?? [];
  const first = listed.find(({ all_skip }) => !all_skip)?.rank;
  const upwards = [...listed].reverse();
  // What is drawn later lies on top.
  upwards.sort((one, other) => Number(one.rank === state.route) - Number(other.rank === state.route));
  return svg`${upwards.map((route) => {
    const chosen = route.rank === state.route;
    const looks = [
      "route",
      chosen ? "chosen" : "",
      route.sign < 0 ? "negative" : "",
      route.rank >= DRAWN ? "spare" : "",
      route.rank === first ? "named" : "",
      grid.cell >= ROOM ? "open" : "",
    ];
    const width = chosen ? 4 : Math.max(1.6, 3.2 - 0.4 * route.rank);
    return svg`<g aria-hidden="true" data-item data-route=${route.rank} class=${looks.join(" ")}
      >${line(route, grid, width)}</g>`;
  })}`;
}

function line(route: ListedRoute, grid: Grid, width: number): Drawing[] {
  const shift = aside(grid, route.rank);
  const steps = route.steps.filter((step) => step.branch !== "mlp");
  const paths = steps.map((step) => stepPath(grid, step, shift));
  return [
    svg`<path class="halo" d=${paths.join("")} stroke-width=${width + 2}></path>`,
    ...steps.map(
      (step, index) =>
        svg`<path d=${paths[index]} class="branch ${step.branch}" stroke-width=${width}></path>`,
    ),
    ...route.steps.filter((step) => step.branch === "mlp").map((step) => square(step, grid, shift)),
    ...steps.map((step) => hopName(step, grid, shift)),
  ];
}

function square(step: ListedStep, grid: Grid, shift: number): Drawing {
  const [x, y] = [grid.x(step.target) + shift - 4, grid.y(step.layer + 0.72) - 4];
  return svg`<rect x=${x} y=${y} width="8" height="8" class="branch mlp"></rect>`;
}

/** `V·H3` beside the middle of a hop: its kind without colours, and its head. */
function hopName({ branch, head, layer, source, target }: ListedStep, grid: Grid, shift: number): Drawing {
  if (branch === "skip") return svg`${nothing}`;
  const name = `${LETTER[branch] ?? "A"}${head === null ? "" : `·H${head}`}`;
  const x = (grid.x(source) + grid.x(target)) / 2 + shift;
  return svg`<text x=${x} y=${grid.y(layer + 0.5) - 3} text-anchor="middle" class="hop">${name}</text>`;
}
