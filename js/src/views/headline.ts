/** What is explained, how far it is, and the totals: best path, mass and cancellation always together. */

import { html, nothing } from "lit-html";
import type { ExplanationHeader, Totals } from "../contract";
import { nats, number, power } from "../layout/numbers";
import { explanationPane, pane } from "../pane";
import type { Questions } from "../questions";
import { isEmpty } from "../selection";
import type { State, Store } from "../store";

export function mountHeadline(
  root: HTMLElement,
  store: Store,
  signal: AbortSignal,
  questions: Questions,
): void {
  pane(root, store, signal, ({ summary, error }) => {
    const failed = error === null ? nothing : html`<p data-error role="alert">${error}</p>`;
    if (summary === null) return html`${failed}`;
    const { score, status } = summary;
    const value = score.value === null ? "" : ` = ${number(score.value)}`;
    const running = status.state === "running";
    return html`
      <h2>${score.label}${value}</h2>
      <span class="model">${summary.model}</span>
      ${summary.paths ? html`<strong data-paths>${summary.paths}</strong>` : nothing}
      ${running ? html`<progress max=${Math.max(1, status.total)} .value=${status.done} aria-label="progress"></progress>` : nothing}
      <span data-status role="status">${status.state === "done" ? "" : status.message}</span>
      ${running ? html`<button data-action="cancel" type="button" data-lm-suppress-shortcuts="true" @click=${() => questions.cancel()}>Cancel</button>` : nothing}
      ${failed}`;
  });
}

export function mountTotals(root: HTMLElement, store: Store, signal: AbortSignal): void {
  explanationPane(root, store, signal, (state, summary) => {
    const { granularity, level } = summary;
    const facts: [string, string, string][] = [
      ...numbers(state, summary),
      ["counted", `${granularity}, ${level} level`, "which graph, and which maximum"],
    ];
    return html`${facts.map(
      ([name, value, meaning]) => html`<div title=${meaning}><dt>${name}</dt><dd>${value}</dd></div>`,
    )}`;
  });
}

/** Of the paths through the selection, where it is known; what is of all paths says so. */
function numbers(state: State, summary: ExplanationHeader): [string, string, string][] {
  const all = summary.totals;
  const own = state.answered === "ready" ? (state.condition?.header.totals ?? null) : null;
  const of = (key: keyof Totals): [number | null, string] =>
    own === null
      ? [all[key], isEmpty(state.selection) ? "" : " (of all paths)"]
      : own[key] === null && state.condition?.header.log_share !== null
        ? [all[key], " (of all paths)"]
        : [own[key], ""];
  const [best, bestOf] = of("best_log_weight");
  const first = state.routed === "ready" && state.by === "best" ? state.routes?.ranking.routes[0] : null;
  const sign = own === null ? all.best_sign : (first?.sign ?? null);
  const weight = best === null ? "–" : power(best);
  const [mass, massOf] = of("log_mass");
  const [cancellation, cancellationOf] = of("log_cancellation");
  const [entropy, entropyOf] = of("entropy");
  return [
    [
      "best path",
      // Of the selected paths only the routes tell it.
      (best === null || sign !== null ? `${(sign ?? 1) < 0 ? "−" : ""}${weight}` : `±${weight}`) + bestOf,
      "weight of the highest-weighted path",
    ],
    ["mass", power(mass) + massOf, "sum of |weight| over all paths"],
    [
      "cancellation",
      power(cancellation) + cancellationOf,
      "|gradient| relative to mass: how much is left after signs cancel",
    ],
    ["entropy", entropy === null ? "–" : nats(entropy) + entropyOf, "of the distribution of paths"],
  ];
}
