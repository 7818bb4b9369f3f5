/**
 * Families of routes as lines over the grid: the first one thick, the others when they are pointed at or chosen;
 * dashes say that a line speaks against the score. What it ends in is the score.
 */

import { nothing, svg } from "lit-html";
import type {
  ExplanationHeader,
  Layer,
  ListedRoute,
  ListedStep,
  RankedBy,
  Score,
  StepBranch,
} from "../contract";
import type { Kin } from "../families";
import { familiesShown } from "../families-shown";
import { aside, type Grid, hasRoom, middleOf, rowOf, stepPath } from "../layout/grid";
import { brief } from "../layout/numbers";
import type { Drawing } from "../pane";
import { rankingShown } from "../rankings";
import { factsOf, stepsOf } from "../route-words";
import type { State } from "../store";

// Pixels of a letter in a chip.
const LETTER = 6.2;
const WIDTH = 4.5;
// What a pointer meets of a line.
const REACH = 12;
const OPERAND: Partial<Record<StepBranch, string>> = { query: " query", key: " key" };

/** Whether any route is there to be drawn. */
export function isDrawn(state: State, summary: ExplanationHeader): boolean {
  const ranking = rankingShown(state, summary);
  return (
    ranking !== null &&
    familiesShown(state.sieve, ranking).some(({ drawn: steps }) => hopsOf(steps).length > 0)
  );
}

const hopsOf = (steps: readonly ListedStep[]): readonly ListedStep[] =>
  steps.filter(({ branch }) => branch !== "mlp" && branch !== "mlp_skip");

export function lines(state: State, summary: ExplanationHeader, grid: Grid): Drawing {
  const { layers } = summary;
  const ranking = rankingShown(state, summary);
  const families = ranking === null ? [] : familiesShown(state.sieve, ranking);
  const lead =
    state.route === null ? (families.find(({ index }) => index === state.family) ?? families[0]) : undefined;
  const upwards = [...families].reverse().sort((one, other) => Number(one === lead) - Number(other === lead));
  const open = families.filter(({ index }) => state.unfolded.includes(index));
  return svg`
    ${upwards.map((family) => {
      const looks = [family === lead ? "lead" : "", family.index === state.family ? "chosen" : ""];
      return drawn(grid, layers, family, looks, family.index, "family", family.index, tipOf(family, summary));
    })}
    ${open
      .flatMap(({ routes, negative }) => routes.map((route) => [route, negative] as const))
      .map(([route, negative]) => {
        const kin = { drawn: route.steps, negative };
        const looks = [route.rank === state.route ? "chosen" : ""];
        return drawn(grid, layers, kin, looks, 1 + route.rank, "route", route.rank, factsOf(route), route);
      })}
    ${end(summary, grid, lead, ranking?.by ?? "contribution", state.space)}`;
}

/** What a line is, under the pointer: the list says it to everybody else. */
function tipOf(family: Kin, summary: ExplanationHeader): string {
  const { value, exact } = family;
  const told = value === null || !exact ? "" : ` (${brief(value, Math.abs(value))})`;
  return `${family.index + 1}. ${stepsOf(family, summary, true)}${told}`;
}

function drawn(
  grid: Grid,
  layers: readonly Layer[],
  { drawn: steps, negative }: Pick<Kin, "drawn" | "negative">,
  looks: string[],
  place: number,
  kind: "family" | "route",
  index: number,
  tip: string,
  route?: ListedRoute,
): Drawing {
  const shift = aside(grid, place);
  const hops = hopsOf(steps);
  const [first] = hops;
  if (first === undefined) return svg`${nothing}`;
  const path = hops.map((step) => stepPath(grid, step, shift, rowOf(step, layers))).join("");
  const classes = ["route", ...looks, negative ? "negative" : "", hasRoom(grid) ? "open" : ""].join(" ");
  return svg`<g aria-hidden="true" data-item data-family=${kind === "family" ? index : nothing}
    data-route=${kind === "route" ? index : nothing} class=${classes} data-tip=${tip}
    ><path class="halo" d=${path} stroke-width=${WIDTH + 4}></path><path class="line" d=${path} stroke-width=${WIDTH}></path
    ><path class="reach" d=${path} stroke-width=${REACH}></path><circle class="start" cx=${grid.x(first.source) + shift} cy=${grid.y(rowOf(first, layers))} r="5"></circle
    >${(route?.steps ?? [])
      .filter(({ branch }) => branch === "mlp")
      .map((step) =>
        square(step, grid, shift),
      )}${hops.map((step) => chip(step, grid, shift, rowOf(step, layers)))}</g>`;
}

function square(step: ListedStep, grid: Grid, shift: number): Drawing {
  const [x, y] = [grid.x(step.target) + shift - 5, grid.y(step.layer + 0.72) - 5];
  return svg`<rect x=${x} y=${y} width="10" height="10" class="mlp"></rect>`;
}

/** `head 0·3` on the middle of a hop. */
function chip(step: ListedStep, grid: Grid, shift: number, row: number): Drawing {
  const { branch, head, layer } = step;
  if (branch === "skip") return svg`${nothing}`;
  const name = `${head === null ? `layer ${layer}` : `head ${layer}·${head}`}${OPERAND[branch] ?? ""}`;
  const width = LETTER * name.length + 12;
  const [middle, y] = middleOf(grid, step, shift, row);
  const x = Math.max(grid.gutter + width / 2, Math.min(grid.width - width / 2 - 2, middle));
  return svg`<g class="hop"><rect x=${x - width / 2} y=${y - 9} width=${width} height="18" rx="9"></rect
    ><text x=${x} y=${y + 4} text-anchor="middle">${name}</text></g>`;
}

/** What the model says, with the score: `are, not is +8.0`, or `is, not are (−8.0 for are)`. */
function saying({ target, contrast, value }: Score): string {
  // By itself, so with its own digits.
  const told = brief(value, Math.abs(value ?? 0));
  if (contrast === null || target === null) return `${target ?? "score"} ${told}`;
  if ((value ?? 0) >= 0) return `${target}, not ${contrast} ${told}`;
  return `${contrast}, not ${target} (${told} for ${target})`;
}

// The picture ends so many pixels before its grid.
const EDGE = 6;

const pillOf = (label: string): number => 1.15 * LETTER * label.length + 26;

/** The score, where the paths end; those that are drawn may speak against it. */
function end(
  { score, layers }: ExplanationHeader,
  grid: Grid,
  lead: Kin | undefined,
  by: RankedBy,
  space: number,
): Drawing {
  const token = lead?.drawn.at(-1)?.target ?? score.position;
  if (token === null || score.value === null || layers.length === 0) return svg`${nothing}`;
  const against =
    by === "contribution" && lead !== undefined && lead.value !== null && lead.negative !== score.value < 0;
  const said = saying(score);
  const told = `${score.target ?? "score"} ${brief(score.value, Math.abs(score.value))}`;
  // As much as is in sight at once; the shortest wherever it is cut off.
  const room = Math.min(grid.width, space) - grid.gutter - 2 * EDGE;
  const labels = [...(against ? [`${said}, in spite of this`] : []), said, told];
  const label = labels.find((one) => pillOf(one) <= room) ?? told;
  const width = pillOf(label);
  const x = Math.max(grid.gutter + width / 2, Math.min(grid.width - width / 2 - EDGE, grid.x(token)));
  const [y, height] = [grid.y(layers.length), Math.min(26, grid.row)];
  return svg`<g class="pill" aria-hidden="true"><rect x=${x - width / 2} y=${y - height / 2} width=${width} height=${height}
    rx=${height / 2}></rect><text x=${x} y=${y + 4.5} text-anchor="middle">${label}</text></g>`;
}
