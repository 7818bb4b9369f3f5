/**
 * The routes of a ranking, those of one kind together: the same words and heads, whether they pass MLPs or the
 * skip beside them.
 *
 * Python sends families with exact numbers where routes are ranked by contribution. Elsewhere they are folded
 * here, and have the number of their best or of all their listed routes.
 */

import type { Family, ListedRoute, ListedStep, Ranking } from "./contract";

/** A family as it is listed and drawn. */
export interface Kin {
  /** Its place in the list. */
  index: number;
  routes: readonly ListedRoute[];
  /** Its steps by attention, from the input on. */
  steps: readonly ListedStep[];
  /** All steps of its first listed route, those by MLPs left out. */
  drawn: readonly ListedStep[];
  label: string;
  /** In words, where they were sent. */
  sentence: string;
  /** Whether it is known that the paths speak against the score. */
  negative: boolean;
  /** What the ranking goes by: a contribution, a share of mass, the log of a weight. */
  value: number | null;
  /** Whether the number is of all its routes, or of those listed only. */
  exact: boolean;
}

const byAttention = ({ branch }: ListedStep): boolean => !["skip", "mlp", "mlp_skip"].includes(branch);

const named = (steps: readonly ListedStep[]): string =>
  steps
    .map(({ layer, branch, head, source, target }) => [layer, branch, head, source, target].join(":"))
    .join(" ");

/** The families of a ranking, first ones first. */
export function familiesOf(ranking: Ranking): Kin[] {
  const kept = ranking.families.filter(({ routes, steps }) => routes.length > 0 || steps.length > 0);
  const made = kept.map((family) => known(family, ranking));
  const taken = new Set(kept.flatMap(({ routes }) => routes));
  const folded = new Map<string, ListedRoute[]>();
  for (const route of ranking.routes) {
    if (taken.has(route.rank)) continue;
    // Which token a route stays at is no matter of steps by attention.
    const key = `${route.steps[0]?.source} ${named(route.steps.filter(byAttention))}`;
    folded.set(key, [...(folded.get(key) ?? []), route]);
  }
  for (const routes of folded.values()) made.push(fold(routes, ranking));
  return made.map((kin, index) => ({ ...kin, index }));
}

function known({ label, sentence, contribution, routes, steps }: Family, ranking: Ranking): Kin {
  const own = ranking.routes.filter(({ rank }) => routes.includes(rank));
  return {
    index: 0,
    routes: own,
    steps,
    drawn: own[0] === undefined ? steps : withoutMlps(own[0]),
    label,
    sentence: sentence.replaceAll("*", ""),
    negative: (contribution ?? 0) < 0,
    value: contribution,
    exact: true,
  };
}

function fold(routes: readonly ListedRoute[], { by }: Ranking): Kin {
  const [first] = routes;
  const sum = (key: "contribution" | "share") =>
    routes.some((route) => route[key] === null)
      ? null
      : routes.reduce((total, route) => total + (route[key] ?? 0), 0);
  const value = by === "best" ? (first?.log_weight ?? null) : sum(by === "mass" ? "share" : "contribution");
  return {
    index: 0,
    routes,
    steps: first?.steps.filter(byAttention) ?? [],
    drawn: first === undefined ? [] : withoutMlps(first),
    label: first?.label ?? "",
    sentence: "",
    negative: by === "contribution" ? (value ?? 0) < 0 : by === "best" && (first?.sign ?? 1) < 0,
    value,
    exact: by === "best",
  };
}

const withoutMlps = ({ steps }: ListedRoute): ListedStep[] =>
  steps.filter(({ branch }) => branch !== "mlp" && branch !== "mlp_skip");

/** What all routes together have, as far as that can be added up: their contribution. */
export function totalOf({ routes, rest }: Ranking): number | null {
  if (rest === null || routes.some(({ contribution }) => contribution === null)) return null;
  return routes.reduce((total, { contribution }) => total + (contribution ?? 0), rest);
}

/** What is in no family that is listed: contribution or share of mass; of best paths, the most another may have. */
export function elseOf(ranking: Ranking, families: readonly Kin[]): number | null {
  if (ranking.by === "best") return ranking.missed;
  const listed = families.reduce((total, { value }) => total + (value ?? Number.NaN), 0);
  const total =
    ranking.by === "contribution"
      ? totalOf(ranking)
      : ranking.uncovered === null
        ? null
        : ranking.routes.reduce((sum, { share }) => sum + (share ?? Number.NaN), ranking.uncovered);
  return total === null || Number.isNaN(listed) || Number.isNaN(total) ? null : total - listed;
}
