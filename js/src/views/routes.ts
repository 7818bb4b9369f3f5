/** Routes in families, with one number each; a click draws one out, a family unfolds into its routes. */

import { html, nothing } from "lit-html";
import {
  type ExplanationHeader,
  type ListedRoute,
  type ListedStep,
  RANKED_BY,
  type Ranking,
} from "../contract";
import { elseOf, type Kin, totalOf } from "../families";
import { familiesShown } from "../families-shown";
import { brief, percent, power, signed } from "../layout/numbers";
import { measureOf } from "../measures";
import { type Drawing, explanationPane } from "../pane";
import type { Questions } from "../questions";
import { isThrough, rankingShown } from "../rankings";
import { factsOf, stepsOf, variantOf, wayOf } from "../route-words";
import type { State, Store } from "../store";
import { known } from "../tested";
import { testButton } from "./test-button";

export function mountRoutes(
  root: HTMLElement,
  store: Store,
  signal: AbortSignal,
  questions: Questions,
): void {
  explanationPane(root, store, signal, (state, summary) => {
    const ranking = rankingShown(state, summary);
    const families = ranking === null ? [] : familiesShown(state.sieve, ranking);
    return html`
      <h3>${isThrough(state) ? "Routes through the selection" : "Routes"}
        <span class="caption">${about(state, summary)}</span></h3>
      <p class="hint" role="status">${said(state, summary, ranking !== null)}</p>
      ${
        ranking === null
          ? nothing
          : html`${together(ranking, families, state, summary)}<ol>${families.map((kin) => listed(state, summary, kin, largestOf(ranking), store, questions))}${others(ranking, families)}</ol>
        <p class="hint" data-remark data-tip=${ranking.remark}>${remarkOf(ranking)}</p>`
      }`;
  });
}

/** What the list goes by, also where that is not what the pictures show. */
function about(state: State, summary: ExplanationHeader): string {
  const measure = measureOf(state, summary);
  const other = measure.statistic !== null || measure.name === "entropy";
  return `by ${RANKED_BY[state.by]}${other ? `: there is no ranking by ${measure.label}` : ""}`;
}

/** Why there is no list, or why it is not that of the selection. */
function said(state: State, summary: ExplanationHeader, listed: boolean): string {
  if (state.routed === "unavailable") {
    const why = state.unrouted ?? "";
    return listed ? `${why} Below are the routes of all paths.` : why;
  }
  if (listed) return "";
  // Of what has not even begun the level is not known.
  if (summary.level !== "unit" && summary.level !== "") return "Routes are ranked at unit level only.";
  if (state.routed === "pending") return `looking for routes by ${RANKED_BY[state.by]} …`;
  const { status } = summary;
  return status.state === "cancelled" || status.state === "failed" ? "not known" : "not known yet";
}

const SEARCHED = "Found by a search that may miss some";

/** Bounds, which take long to read, are in the tooltip and among the numbers of all paths. */
function remarkOf({ by, remark }: Ranking): string {
  return by === "contribution" && remark.includes(SEARCHED) ? `${SEARCHED}.` : remark;
}

/** What all routes add up to; where one was tested, why that number need not be a part of this one. */
function together(
  ranking: Ranking,
  families: readonly Kin[],
  state: State,
  summary: ExplanationHeader,
): Drawing | typeof nothing {
  const total = ranking.by === "contribution" ? totalOf(ranking) : null;
  if (total === null) return nothing;
  const alone = families
    .map((kin) => known(state, summary, { selection: [], steps: tested(kin) }))
    .some((test) => test !== null);
  const why = alone
    ? " Contributions are predicted by the slopes at this text and add up; a route that was tested alone was measured, which slopes may miss by far, and measured effects do not add up."
    : "";
  return html`<p class="together">All routes together: <b>${brief(total, Math.max(largestOf(ranking), Math.abs(total)))}</b>.${why}</p>`;
}

// Beside the largest contribution, a smaller one is none.
const NONE = 0.005;

/** The number that a ranking goes by; small contributions have digits where all are small. */
function worded(by: Ranking["by"], value: number | null, largest: number): string {
  if (by === "mass") return percent(value);
  if (by === "best") return power(value);
  const short = brief(value, largest);
  return short === "0" && Math.abs(value ?? 0) > NONE * largest ? signed(value, 2) : short;
}

const largestOf = ({ routes, families }: Ranking): number =>
  Math.max(0, ...[...routes, ...families].map(({ contribution }) => Math.abs(contribution ?? 0)));

function listed(
  state: State,
  summary: ExplanationHeader,
  kin: Kin,
  peak: number,
  store: Store,
  questions: Questions,
): Drawing {
  const { index, routes } = kin;
  const folded = !state.unfolded.includes(index);
  const turn = () => {
    const others = state.unfolded.filter((other) => other !== index);
    store.update({ unfolded: folded ? [...others, index] : others, route: null });
  };
  const variants = html`<button type="button" class="unfold" tabindex="-1" aria-expanded=${!folded}
    @click=${turn}>${folded ? "▸" : "▾"} ${routes.length} variants</button>`;
  const [only] = routes;
  const tip = `${stepsOf(kin, summary, true)} (${routes.length === 1 && only ? factsOf(only) : (only?.label ?? kin.label)}${kin.exact || routes.length === 1 ? "" : "; the listed routes together"})`;
  // No <button>: its text could not be selected.
  return html`<li><div class="listed"><div role="button" tabindex="-1" data-item
    data-family=${index} class="entry${kin.negative ? " negative" : ""}" aria-pressed=${state.family === index}
    aria-description="right arrow: its buttons" data-tip=${tip}
      ><span class="rank">${index + 1}</span><span class="way">${wayOf(kin, summary)}</span><span class="how">${stepsOf(kin, summary)}</span
      ><span class="fact">${signOf(kin, state.by)}${worded(state.by, kin.value, peak)}</span></div
    >${routes.length > 1 ? variants : nothing}${testButton(state, summary, { selection: [], steps: tested(kin) }, questions, -1)}</div
    >${folded || routes.length < 2 ? nothing : html`<ol class="variants">${routes.map((route) => variant(state, route, peak))}</ol>`}</li>`;
}

/** A route is tested by its steps at every layer. */
const tested = ({ steps, drawn }: Kin): readonly ListedStep[] => (steps.length > 0 ? steps : drawn);

const signOf = ({ negative }: Kin, by: Ranking["by"]): string => (by === "best" && negative ? "−" : "");

function variant(state: State, route: ListedRoute, peak: number): Drawing {
  const number = { best: route.log_weight, mass: route.share, contribution: route.contribution }[state.by];
  const sign = state.by === "best" && route.sign < 0 ? "−" : "";
  return html`<li><div role="button" tabindex="-1" data-item data-route=${route.rank}
    class="entry variant" aria-pressed=${state.route === route.rank} data-tip=${factsOf(route)}><span class="way">${variantOf(route)}</span
    ><span class="fact">${sign}${worded(state.by, number, peak)}</span></div></li>`;
}

function others(ranking: Ranking, families: readonly Kin[]): Drawing | typeof nothing {
  const rest = elseOf(ranking, families);
  if (rest === null || !Number.isFinite(rest)) return nothing;
  const number = `${ranking.by === "best" ? "at most " : ""}${worded(ranking.by, rest, largestOf(ranking))}`;
  return html`<li class="else"><span class="rank"></span><span class="way">everything else</span><span class="fact">${number}</span></li>`;
}
