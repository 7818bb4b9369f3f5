/**
 * Which of some listed routes pass through a selection: how a page without a kernel ranks routes.
 *
 * A list in the order of its ranking has the first routes through any selection in that order too, and what
 * may be missing from it is bounded by the same number.
 */

import type { Family, Layer, ListedRoute, Part, Ranking, Selection } from "./contract";
import { power, signed } from "./layout/numbers";
import { EMPTY, isEmpty } from "./selection";

// As many as a kernel would send.
const LISTED = 5;
// Times the largest contribution, from which on a bound on all others says nothing.
const USELESS = 100;

/** The first routes of a ranking that pass through all parts of a selection, and through any of a group. */
export function through(
  ranking: Ranking,
  selection: Selection,
  layers: readonly Layer[],
  avoiding: Selection = EMPTY,
  among: Selection = EMPTY,
): Ranking {
  const found = ranking.routes.filter(
    (route) =>
      selection.every((part) => passes(route, part, layers)) &&
      (isEmpty(among) || among.some((part) => passes(route, part, layers))) &&
      !avoiding.some((part) => passes(route, part, layers)),
  );
  const routes = found.slice(0, LISTED).map((route, rank) => ({ ...route, rank }));
  const missed = most(ranking, found[LISTED]);
  const count = ranking.routes.length;
  const listed = found.length > LISTED ? `; the first ${LISTED} are listed` : "";
  return {
    ...ranking,
    routes,
    families: familiesThrough(ranking, found, [...selection, ...avoiding, ...among]),
    missed,
    // Of those that are not listed only the families know a number.
    uncovered: null,
    rest: null,
    remark: `${found.length} of the first ${count} routes of this ranking ${found.length === 1 ? "passes" : "pass"} through the selection${listed}. ${rest(ranking, missed)}`,
  };
}

/** The families whose routes pass, all of them or none: unless the selection is about what sets them apart. */
function familiesThrough(
  { families }: Ranking,
  found: readonly ListedRoute[],
  selection: Selection,
): readonly Family[] {
  if (selection.some(({ branch }) => branch === "mlp" || branch === "mlp_skip")) return [];
  const places = new Map(found.map(({ rank }, place) => [rank, place]));
  return families
    .filter(({ routes }) => routes.some((rank) => places.has(rank)))
    .slice(0, LISTED)
    .map((family) => ({
      ...family,
      routes: family.routes.flatMap((rank) => places.get(rank) ?? []).filter((place) => place < LISTED),
    }));
}

/** The most that a route can have that is not listed: the next one that is known, or the bound on all others. */
function most({ by, missed }: Ranking, next: ListedRoute | undefined): number | null {
  const sizes = {
    best: next?.log_weight,
    mass: next?.log_mass,
    contribution: Math.abs(next?.contribution ?? 0),
  };
  const known = [missed, next === undefined ? null : sizes[by]].filter((size) => typeof size === "number");
  return known.length === 0 ? null : Math.max(...known);
}

/** The same in words. */
function rest({ by, routes }: Ranking, missed: number | null): string {
  if (missed === null || (by === "contribution" && missed === 0)) return "There are no others.";
  const largest = Math.max(...routes.map(({ contribution }) => Math.abs(contribution ?? 0)));
  // A bound that is a mass, of which nearly all cancels, is true and of no use.
  if (by === "contribution" && missed !== null && missed > USELESS * largest)
    return "Found by a search that may miss some.";
  if (by === "contribution") return `No other route through it can contribute more than ${signed(missed)}.`;
  const what = by === "best" ? "has a best path of" : "holds a mass of";
  return `Any other route through it ${what} at most ${power(missed)}.`;
}

/** Whether all paths of a route pass a part of the model. */
export function passes(route: ListedRoute, part: Part, layers: readonly Layer[]): boolean {
  const { layer, branch, head, token, stream } = part;
  if (layer === null) {
    const [first] = route.steps;
    return (
      token === null || (first !== undefined && first.source === token && streamOf(first, layers) === stream)
    );
  }
  const steps = route.steps.filter((step) => step.layer === layer);
  if (branch === "mlp_skip") return steps.length > 0 && !steps.some((step) => step.branch === "mlp");
  if (branch === null && head === null && token !== null) {
    // At the input of the layer; by an operand of another stream a path comes from elsewhere.
    const here = layers[layer]?.stream;
    return steps.some(
      (step) => step.branch !== "mlp" && step.source === token && streamOf(step, layers) === here,
    );
  }
  return steps.some(
    (step) =>
      (branch === null ? step.branch !== "skip" && step.branch !== "mlp" : step.branch === branch) &&
      (head === null || step.head === head) &&
      (token === null || step.source === token),
  );
}

/** Number of the stream that a step comes from. */
function streamOf(step: ListedRoute["steps"][number], layers: readonly Layer[]): number {
  const layer = layers[step.layer];
  const fromKeys = step.branch === "key" || step.branch === "value";
  return (fromKeys ? layer?.key_stream : layer?.stream) ?? 0;
}
