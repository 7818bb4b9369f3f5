/** Routes as sentences, ranked three ways; a click draws one out. */

import { type ExplanationHeader, RANKINGS, type Route } from "../contract";
import { h } from "../dom";
import { percent, power, signed } from "../layout/numbers";
import { isThrough, RANKED_BY, rankingShown } from "../ranked";
import type { State } from "../store";

export function routesPane(state: State, summary: ExplanationHeader): HTMLElement {
  const pane = h("section", { "data-pane": "routes", "aria-label": "routes" });
  const choice = h(
    "select",
    { "data-by": true, "aria-label": "by what routes are ranked" },
    ...RANKINGS.map((by) => h("option", { value: by, selected: by === state.by }, RANKED_BY[by])),
  );
  pane.append(
    h("h3", {}, isThrough(state) ? "Routes through the selection" : "Routes"),
    h("label", {}, "Rank by: ", choice),
    h("span", { class: "hint counted" }, `${summary.granularity} graph, ${summary.level} level`),
  );
  const ranking = rankingShown(state, summary);
  if (state.routed === "unavailable") {
    pane.append(h("p", { class: "hint", role: "status" }, missing(state, ranking !== null)));
  }
  if (ranking === null) {
    if (state.routed !== "unavailable") pane.append(h("p", { class: "hint" }, waiting(state, summary)));
    return pane;
  }
  pane.append(h("p", { class: "hint", "data-remark": true }, ranking.remark));
  pane.append(heading(state));
  const list = h("ol", {});
  ranking.routes.forEach((route, index) => {
    const first = ranking.routes.findIndex(({ all_skip }) => !all_skip);
    if (state.by === "best" && index > 0 && index === first) {
      list.append(h("li", { class: "remark" }, "Best path that leaves the skip:"));
    }
    list.append(h("li", {}, entry(state, route)));
  });
  pane.append(list);
  return pane;
}

function waiting(state: State, summary: ExplanationHeader): string {
  if (summary.level !== "unit") return "Routes are ranked at unit level only.";
  if (state.routed === "pending") return `looking for routes by ${RANKED_BY[state.by]} …`;
  return "not known yet";
}

function missing(state: State, listed: boolean): string {
  const why = state.unrouted ?? "These routes need a running kernel.";
  return listed ? `${why} Below are the routes of all paths.` : why;
}

/** Names of the columns, where there is room for columns; every entry says them for itself. */
function heading(state: State): HTMLElement {
  const names: [string, string][] = [
    ["", "route"],
    ["best", "best path (of best)"],
    ["mass", "mass (of all)"],
    ["contribution", "contribution"],
    ["", "cancellation"],
  ];
  return h(
    "div",
    { class: "heading", "aria-hidden": "true" },
    ...names.map(([by, name]) => h("span", { class: by === state.by ? "ranked" : "" }, name)),
  );
}

function entry(state: State, route: Route): HTMLElement {
  const sign = route.sign < 0 ? "−" : "";
  const part = route.share_of_best === null ? "" : ` (${percent(route.share_of_best)})`;
  const facts: [string, string, string][] = [
    ["best", "best path", `${sign}${power(route.log_weight)}${part}`],
    ["mass", "mass", `${power(route.log_mass)} (${percent(route.share ?? Number.NaN)})`],
    ["contribution", "contribution", signed(route.contribution)],
    ["", "cancellation", route.cancellation === null ? "–" : power(Math.log(route.cancellation))],
  ];
  return h(
    "button",
    {
      type: "button",
      class: "entry",
      "data-item": true,
      tabindex: -1,
      "data-route": route.rank,
      "aria-pressed": String(state.route === route.rank),
    },
    h("span", { class: "sentence" }, route.sentence),
    ...facts.map(([by, name, value]) =>
      h(
        "span",
        { class: by === state.by ? "fact ranked" : "fact" },
        h("span", { class: "name" }, `${name} `),
        value,
      ),
    ),
  );
}
