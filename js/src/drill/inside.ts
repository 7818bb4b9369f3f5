/** What of the selection has an inside: the part whose units are asked for, and the route that is followed. */

import type { ListedStep, Part } from "../contract";
import { familiesOf } from "../families";
import { rankingShown } from "../rankings";
import type { State } from "../store";

/** The head or feed-forward part that was selected last; null where there is none. */
export function unitsOf({ selection }: Pick<State, "selection">): Part | null {
  const inside = ({ layer, branch, head }: Part) => layer !== null && (head !== null || branch === "mlp");
  return [...selection].reverse().find(inside) ?? null;
}

/** The steps of the route that is drawn out, of a family its first; none for all paths of the selection. */
export function stepsOfRoute(state: State): readonly ListedStep[] {
  const { summary, route, family } = state;
  if (summary?.type !== "explanation") return [];
  const ranking = rankingShown(state, summary);
  if (ranking === null) return [];
  if (route !== null) return ranking.routes.find(({ rank }) => rank === route)?.steps ?? [];
  return family === null ? [] : (familiesOf(ranking)[family]?.routes[0]?.steps ?? []);
}
