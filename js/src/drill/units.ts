/** The units of a part and a scalar path, as tables: what lies inside of what is selected. */

import { html, nothing } from "lit-html";
import type { ExplanationHeader, ScalarStep } from "../contract";
import { alike, number, percent, power, signed } from "../layout/numbers";
import { type Drawing, explanationPane } from "../pane";
import { partName, tokenName } from "../part-names";
import type { Questions } from "../questions";
import { wording } from "../selection";
import type { State, Store } from "../store";
import { stepsOfRoute, unitsOf } from "./inside";

const NEEDS = "Units and single paths need a notebook: this page does not hold them.";
// As many units as are read at a glance.
const LISTED = 10;

export function mountInside(
  root: HTMLElement,
  store: Store,
  signal: AbortSignal,
  questions: Questions,
): void {
  let most = LISTED;
  const more = (event: Event) => {
    most = Number((event.currentTarget as HTMLInputElement).value);
    store.update({ units: store.state.units === null ? null : { ...store.state.units } });
  };
  explanationPane(root, store, signal, (state, summary) => {
    const part = unitsOf(state);
    const route = stepsOfRoute(state);
    const whose = route.length > 0 ? "of the chosen route" : "of these paths";
    const can = { waiting: state.drilling !== null, kernel: state.kernel };
    return html`<h3>Inside <span class="caption">units and single paths</span></h3>
      <p class="inside">${part === null ? html`<span class="hint">Select a head or an MLP to see its units.</span>` : button("units", `Units of ${partName({ ...part, token: null }, summary)}`, can, () => questions.units(part))}
        ${button("walk", `Strongest path ${whose}`, can, () => questions.walk(route))}</p>
      <p class="hint" role="status">${can.waiting ? "Asking …" : can.kernel ? (state.undrilled ?? "") : NEEDS}</p>
      <div class="insides">${state.units === null ? nothing : units(state.units, summary, most, more)}
      ${state.walked === null ? nothing : walked(state.walked, summary)}</div>`;
  });
}

interface Can {
  waiting: boolean;
  kernel: boolean;
}

const button = (name: string, label: string, { waiting, kernel }: Can, act: () => void): Drawing =>
  html`<button type="button" data-action=${name} aria-disabled=${!kernel} data-tip=${kernel ? nothing : NEEDS}
    aria-busy=${waiting} @click=${() => kernel && act()}>${label}</button>`;

function units(
  { header, columns }: NonNullable<State["units"]>,
  summary: ExplanationHeader,
  most: number,
  more: (event: Event) => void,
): Drawing {
  const count = columns.get("contribution")?.shape[0] ?? 0;
  const contributions = Array.from({ length: count }, (_, unit) => columns.at("contribution", unit));
  const order = contributions
    .map((_, unit) => unit)
    .sort((one, other) => size(contributions[other]) - size(contributions[one]));
  const shown = order.slice(0, most);
  const peak = size(contributions[order[0] ?? 0]);
  const write = alike(contributions);
  const total = contributions.reduce((sum, one) => sum + one, 0);
  const [part] = header.selection;
  const name = part === undefined ? "" : partName(part, summary);
  const where = header.hidden ? "hidden layer" : part?.branch === null ? "output" : "numbers";
  return html`<figure class="units" data-units><figcaption>The ${count} units of ${name} (${where}): together ${signed(total)}</figcaption>
    <label>the strongest <input type="range" min="1" max=${count} .value=${`${Math.min(most, count)}`} @input=${more}>
      <output>${shown.length} of ${count}</output></label>
    <div class="scroll" tabindex="0" role="group" aria-label="units of ${name}"><table class="ways">
    <thead><tr><th scope="col">unit</th><th scope="col">contribution</th><th scope="col"><span class="unseen">as a bar</span></th><th scope="col">share of mass</th><th scope="col">value</th></tr></thead>
    <tbody>${shown.map((unit) => {
      const own = contributions[unit] ?? Number.NaN;
      const width = peak > 0 ? (100 * size(own)) / peak : 0;
      return html`<tr><th scope="row">${unit}</th><td>${own > 0 ? "+" : ""}${write(own)}</td>
        <td aria-hidden="true"><span class="strength ${own < 0 ? "negative" : ""}" style="width:${width.toFixed(1)}%"></span></td>
        <td>${percent(columns.at("mass_share", unit))}</td><td>${number(columns.at("value", unit), 3)}</td></tr>`;
    })}</tbody></table></div></figure>`;
}

const size = (value: number | undefined): number => Math.abs(value ?? 0);

function walked(
  { path, selection, avoiding, steps }: NonNullable<State["walked"]>,
  summary: ExplanationHeader,
): Drawing {
  const whose =
    steps.length > 0
      ? "a route"
      : selection.length === 0
        ? "all paths"
        : wording(selection, summary, avoiding);
  if (path === null) return html`<p class="hint" data-walked>There are no ${whose}.</p>`;
  const sign = path.sign < 0 ? "−" : "";
  return html`<figure class="walked" data-walked><figcaption>The strongest of ${whose}: from unit ${path.unit} of <b>${tokenName(summary, path.token, path.stream)}</b>,
      ${path.steps.length} steps, weight ${sign}${power(path.log_weight)}</figcaption>
    <div class="scroll" tabindex="0" role="group" aria-label="steps of the strongest path"><table class="ways">
    <thead><tr><th scope="col">step</th><th scope="col">where</th><th scope="col">derivative</th><th scope="col">product so far</th></tr></thead>
    <tbody>${path.steps.map((step) => line(step, summary))}</tbody></table></div></figure>`;
}

// As sentences say it.
const WAYS: Readonly<Record<string, string>> = {
  skip: "skip connection",
  mlp: "MLP",
  mlp_skip: "around the MLP",
};

function line(step: ScalarStep, summary: ExplanationHeader): Drawing {
  const { op, module, layer, head, token, route, derivative, log_weight, sign } = step;
  const names = [
    head !== null ? `head ${layer}·${head}` : layer !== null ? `layer ${layer}` : "",
    WAYS[route ?? ""] ?? route ?? "",
    token === null
      ? ""
      : `at ${tokenName(summary, token, layer === null ? 0 : summary.layers[layer]?.stream)}`,
  ];
  const short = op.replace(/^aten\./, "").replace(/\.\w+$/, "");
  return html`<tr><th scope="row" data-tip=${`${op}${module === "" ? "" : ` in ${module}`}`}>${short}</th><td>${names.filter((name) => name !== "").join(", ")}</td>
    <td>${number(derivative, 3)}</td><td>${sign < 0 ? "−" : ""}${power(log_weight)}</td></tr>`;
}
