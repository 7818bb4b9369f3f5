/** What is explained, how far it is, and the totals: best path, mass and cancellation always together. */

import type { ExplanationHeader, Summary } from "../contract";
import { h } from "../dom";
import { percent, power } from "../layout/numbers";
import type { State } from "../store";

export function headline(summary: Summary): HTMLElement {
  const { score, status } = summary;
  const value = score.value === null ? "" : ` = ${score.value.toPrecision(4)}`;
  const running = status.state === "running";
  return h(
    "header",
    {},
    h("h2", {}, `${score.label}${value}`),
    h("span", { class: "model" }, summary.model),
    running
      ? h("progress", { max: Math.max(1, status.total), value: status.done, "aria-label": "progress" })
      : null,
    h(
      "span",
      { "data-status": true, role: "status" },
      running || status.state !== "done" ? status.message : "",
    ),
    running ? h("button", { "data-action": "cancel", type: "button" }, "Cancel") : null,
  );
}

export function totals(summary: ExplanationHeader): HTMLElement {
  const { totals: t, granularity, level } = summary;
  const sign = t.best_sign !== null && t.best_sign < 0 ? "−" : "";
  const fact = (name: string, value: string, meaning: string) =>
    h("div", { title: meaning }, h("dt", {}, name), h("dd", {}, value));
  return h(
    "dl",
    { class: "totals" },
    fact(
      "best path",
      t.best_log_weight === null ? "–" : sign + power(t.best_log_weight),
      "weight of the highest-weighted path",
    ),
    fact("mass", power(t.log_mass), "sum of |weight| over all paths"),
    fact(
      "cancellation",
      power(t.log_cancellation),
      "|gradient| relative to mass: how much is left after signs cancel",
    ),
    fact(
      "entropy",
      t.entropy === null ? "–" : `${t.entropy.toFixed(1)} nats`,
      "of the distribution of paths",
    ),
    fact("counted", `${granularity}, ${level} level`, "which graph, and which maximum"),
  );
}

/** Says what the views show while something is selected. */
export function notice(state: State): HTMLElement | null {
  if (state.answered === "none") return null;
  const share = state.condition?.header.log_share;
  const words = {
    pending: "asking for the paths through the selection …",
    ready: `Only paths through the selection: ${percent(share === null || share === undefined ? Number.NaN : Math.exp(share))} of all mass.`,
    unavailable: `All panes show what is selected, with the numbers of all paths. ${state.refused ?? "Those of the selection need a running kernel."}`,
  }[state.answered];
  return h(
    "p",
    { class: "notice", role: "status" },
    words,
    h("button", { "data-action": "clear", type: "button" }, "Clear (Esc)"),
  );
}
