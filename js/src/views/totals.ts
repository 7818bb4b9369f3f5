/** The numbers of all paths, each with what it means, and which graph is counted: for those who ask. */

import { html, nothing } from "lit-html";
import { type ExplanationHeader, RANKED_BY, type Totals } from "../contract";
import { nats, number, power } from "../layout/numbers";
import { explanationPane } from "../pane";
import { rankingShown } from "../rankings";
import { carried } from "../rules";
import { isEmpty } from "../selection";
import type { State, Store } from "../store";

interface Fact {
  name: string;
  value: string;
  meaning: string;
}

const GRAPHS: Record<string, string> = {
  primitive: "every scalar operation is a node",
  operator: "every operator of the model is a step",
  paper: "the steps are those of the paper",
};

export function mountTotals(root: HTMLElement, store: Store, signal: AbortSignal): void {
  const details = root.closest("details");
  // A long table that most people never open.
  details?.addEventListener("toggle", () => store.update({ detailed: details.open }), { signal });
  explanationPane(root, store, signal, (state, summary) => {
    if (!state.detailed) return html``;
    const { granularity, level, rules } = summary;
    const facts: Fact[] = [
      ...numbers(state, summary),
      {
        name: "counted",
        value: `${granularity}, ${level} level${rules === "gradient" ? "" : `, rules ${rules}`}`,
        meaning: `Which graph has these paths: ${GRAPHS[granularity] ?? granularity}; maxima are taken over the paths of single ${level}s. An edge carries ${carried(rules)}.`,
      },
      ...listed(state, summary),
    ];
    return html`<dl class="totals">${facts.map(
      ({ name, value, meaning }) =>
        html`<div><dt>${name}</dt><dd>${value}</dd><dd class="meaning">${meaning}</dd></div>`,
    )}</dl>${words(summary, state)}`;
  });
}

/** What the list of routes leaves out. */
function listed(state: State, summary: ExplanationHeader): Fact[] {
  const ranking = rankingShown(state, summary);
  if (ranking === null) return [];
  return [{ name: "routes", value: `by ${RANKED_BY[ranking.by]}`, meaning: ranking.remark }];
}

/** Of the paths through the selection, where it is known; what is of all paths says so. */
function numbers(state: State, summary: ExplanationHeader): Fact[] {
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
    {
      name: "best path",
      // Of the selected paths only the routes tell it.
      value:
        (best === null || sign !== null ? `${(sign ?? 1) < 0 ? "−" : ""}${weight}` : `±${weight}`) + bestOf,
      meaning: "The weight of the strongest single path: the product of the slopes along it.",
    },
    {
      name: "mass",
      value: power(mass) + massOf,
      meaning:
        "The sum of the absolute weights of all paths: how much runs through the model, signs left out.",
    },
    {
      name: "cancellation",
      value: power(cancellation) + cancellationOf,
      meaning: "The size of the gradient relative to the mass: how little is left after signs cancel.",
    },
    {
      name: "entropy",
      value: entropy === null ? "–" : nats(entropy) + entropyOf,
      meaning: "Over how many paths the mass is spread: its exponential is a number of equally strong paths.",
    },
  ];
}

const COLUMNS: [string, string, (value: number) => string][] = [
  ["token_mass_share", "share of mass", (value) => `${number(100 * value, 3)} %`],
  ["token_best_log_weight", "best path", power],
  ["token_entropy", "entropy (nats)", (value) => number(value)],
  ["token_log_cancellation", "cancellation", power],
  ["token_gradient_norm", "gradient norm", (value) => number(value)],
  ["token_gradient_x_input", "gradient × input", (value) => number(value)],
];

/** The same of the paths from each word. */
function words({ streams }: ExplanationHeader, { columns }: State) {
  const shown = COLUMNS.filter(([name]) => columns.get(name) !== undefined);
  const tokens = streams[0]?.tokens ?? [];
  if (shown.length === 0 || tokens.length === 0) return nothing;
  return html`<div class="scroll" tabindex="0" role="group" aria-label="numbers of all paths from each word"><table class="ways">
    <thead><tr><th scope="col">paths from</th>${shown.map(([, name]) => html`<th scope="col">${name}</th>`)}</tr></thead>
    <tbody>${tokens.map(
      ({ index, text, raw }) =>
        html`<tr><th scope="row">${text || raw}</th>${shown.map(([name, , write]) => html`<td>${write(columns.at(name, index))}</td>`)}</tr>`,
    )}</tbody></table></div>`;
}
