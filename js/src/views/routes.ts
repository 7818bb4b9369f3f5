/** The best routes, written as sentences; a click draws one out. */

import type { ExplanationHeader, Route } from "../contract";
import { h } from "../dom";
import { percent, power } from "../layout/numbers";
import type { State } from "../store";

export function routesPane(state: State, summary: ExplanationHeader): HTMLElement {
  const through = state.answered === "ready" ? (state.condition?.header.routes ?? []) : [];
  const listed = through.length > 0 ? through : summary.routes;
  const pane = h("section", { "data-pane": "routes", "aria-label": "routes" });
  pane.append(h("h3", {}, through.length > 0 ? "Best routes through the selection" : "Best routes"));
  const list = h("ol", {});
  listed.forEach((route, index) => {
    const leaving = index > 0 && listed[0]?.all_skip && !route.all_skip && listed[index - 1]?.all_skip;
    if (leaving) list.append(h("li", { class: "remark" }, "Best path that leaves the skip:"));
    list.append(h("li", {}, entry(route, state.route === route.rank)));
  });
  pane.append(list);
  if (listed.length === 0) pane.append(h("p", { class: "hint" }, "not known yet"));
  return pane;
}

function entry(route: Route, pressed: boolean): HTMLElement {
  const weight = `${route.sign < 0 ? "−" : ""}${power(route.log_weight)}`;
  return h(
    "button",
    {
      type: "button",
      class: "entry",
      "data-item": true,
      tabindex: -1,
      "data-route": route.rank,
      "aria-pressed": String(pressed),
    },
    h("span", { class: "sentence" }, route.sentence),
    h("span", { class: "weight" }, `${weight}, ${percent(route.share_of_best ?? Number.NaN)} of the best`),
  );
}
