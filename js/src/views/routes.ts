/** Routes as sentences, ranked three ways; a click draws one out. */

import { html, nothing } from "lit-html";
import { type ExplanationHeader, type ListedRoute, RANKED_BY, RANKINGS, type RankedBy } from "../contract";
import { number, percent, power, signed } from "../layout/numbers";
import { chosen, type Drawing, explanationPane } from "../pane";
import type { Questions } from "../questions";
import { isThrough, rankingShown } from "../rankings";
import type { State, Store } from "../store";

export function mountRoutes(
  root: HTMLElement,
  store: Store,
  signal: AbortSignal,
  questions: Questions,
): void {
  const rankBy = chosen((by) => questions.rankBy(by as RankedBy));
  explanationPane(root, store, signal, (state, summary) => {
    const choices = RANKINGS.map(
      (by) => html`<option value=${by} .selected=${by === state.by}>${RANKED_BY[by]}</option>`,
    );
    const ranking = rankingShown(state, summary);
    return html`
      <h3>${isThrough(state) ? "Routes through the selection" : "Routes"}</h3>
      <label>Rank by: <select data-by @change=${rankBy} data-lm-suppress-shortcuts="true" aria-label="by what routes are ranked">${choices}</select></label>
      <span class="hint counted">${summary.granularity} graph, ${summary.level} level</span>
      <p class="hint" role="status">${said(state, summary, ranking !== null)}</p>
      ${ranking === null ? nothing : html`<p class="hint" data-remark>${ranking.remark}</p>${heading(state)}`}
      <ol>${ranking === null ? nothing : entries(state, ranking.routes)}</ol>`;
  });
}

function entries(state: State, routes: readonly ListedRoute[]): Drawing[] {
  const first = routes.findIndex(({ all_skip }) => !all_skip);
  return routes.map((route, index) => {
    const parted = state.by === "best" && index > 0 && index === first;
    const remark = parted ? html`<p class="remark">Best path that leaves the skip:</p>` : nothing;
    return html`<li>${remark}${entry(state, route)}</li>`;
  });
}

/** Why there is no list, or why it is not that of the selection. */
function said(state: State, summary: ExplanationHeader, listed: boolean): string {
  if (state.routed === "unavailable") {
    const why = state.unrouted ?? "";
    return listed ? `${why} Below are the routes of all paths.` : why;
  }
  if (listed) return "";
  if (summary.level !== "unit") return "Routes are ranked at unit level only.";
  if (state.routed === "pending") return `looking for routes by ${RANKED_BY[state.by]} …`;
  return "not known yet";
}

/** Names of the columns, where there is room for columns; every entry says them for itself. */
function heading(state: State): Drawing {
  const names: [string, string][] = [
    ["", "route"],
    ["best", "best path (of best)"],
    ["mass", "mass (of all)"],
    ["contribution", "contribution"],
    ["", "cancellation"],
  ];
  return html`<div class="heading" aria-hidden="true">${names.map(
    ([by, name]) => html`<span class=${by === state.by ? "ranked" : ""}>${name}</span>`,
  )}</div>`;
}

function entry(state: State, route: ListedRoute): Drawing {
  const sign = route.sign < 0 ? "−" : "";
  const part = route.share_of_best === null ? "" : ` (${percent(route.share_of_best)})`;
  const facts: [string, string, string][] = [
    ["best", "best path", `${sign}${power(route.log_weight)}${part}`],
    ["mass", "mass", `${power(route.log_mass)} (${percent(route.share)})`],
    ["contribution", "contribution", signed(route.contribution)],
    ["", "cancellation", number(route.cancellation, 3)],
  ];
  // No <button>: its text could not be selected.
  return html`<div role="button" tabindex="-1" data-lm-suppress-shortcuts="true" data-item data-route=${route.rank}
    class="entry" aria-pressed=${state.route === route.rank}><span class="sentence">${unbroken(route.sentence)}</span>${facts.map(
      ([by, name, value]) =>
        html`<span class=${by === state.by ? "fact ranked" : "fact"}><span class="name">${name} </span>${value}</span>`,
    )}</div>`;
}

/** The sentence, whose arrows stay in one piece where it breaks. */
function unbroken(sentence: string): (string | Drawing)[] {
  return sentence
    .split(/(-\S+->)/)
    .map((piece, index) => (index % 2 === 0 ? piece : html`<span class="hop">${piece}</span>`));
}
