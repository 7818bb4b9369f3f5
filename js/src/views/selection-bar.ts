/** What is selected, as chips, what that means, and what is known of it; its place is kept where nothing is. */

import { html, nothing } from "lit-html";
import type { ExplanationHeader, Part } from "../contract";
import { totalOf } from "../families";
import { groupsOf, nameOf } from "../groups";
import { focusEntry } from "../keyboard";
import { brief as inBrief, percent, spread } from "../layout/numbers";
import { measureOf } from "../measures";
import { type Drawing, explanationPane } from "../pane";
import { partName } from "../part-names";
import type { Questions } from "../questions";
import { peakOf } from "../reasons";
import { EMPTY, excluded, isEmpty, normalise, same, testable, without, wording } from "../selection";
import type { State, Store } from "../store";
import { known, predicted } from "../tested";
import { verdictOf } from "../verdict";
import { testButton } from "./test-button";
import { ways } from "./ways";

export function mountSelectionBar(
  root: HTMLElement,
  store: Store,
  signal: AbortSignal,
  questions: Questions,
): void {
  const clear = () => {
    questions.select(EMPTY);
    // The button goes; the keyboard stays in the widget.
    focusEntry(root);
  };
  const drop = (part: Part) => {
    const { selection, avoiding } = store.state;
    questions.select(without(selection, part), without(avoiding, part), store.state.among);
    focusEntry(root);
  };
  const ungroup = () => {
    questions.select(store.state.selection, store.state.avoiding);
    focusEntry(root);
  };
  explanationPane(root, store, signal, (state, summary) => {
    const { selection, avoiding, among, history } = state;
    const back = ways(history, questions);
    if (isEmpty(selection) && isEmpty(avoiding) && isEmpty(among))
      return html`<p class="parts">${back}<span class="hint">Click a word, a cell, a head or a layer to ask about it; Shift-click adds another, Alt-click leaves one out.</span></p>
        <p class="hint meaning"><span>Nothing is selected: all paths are shown.</span></p>`;
    const group = isEmpty(among)
      ? []
      : [
          html`<span class="chip"><span class="hint">through any of</span> ${nameOf(among, groupsOf(state))}
            <button type="button" aria-label="take the group out of the selection" @click=${ungroup}>×</button></span>`,
        ];
    const chips = [
      ...group,
      ...selection.map((part) => chip(part, summary, false, drop)),
      ...avoiding.map((part) => chip(part, summary, true, drop)),
    ];
    const question = { selection: testable(state), steps: [] };
    const test = isEmpty(question.selection) ? nothing : testButton(state, summary, question, questions);
    return html`<p class="parts">${back}${chips}${test}<button data-action="clear" type="button"
        @click=${clear}>Clear (Esc)</button><span class="facts" role="status">${facts(state, summary)}</span></p>
      <p class="hint meaning"><span>${words(state, summary)}</span></p>`;
  });
}

function chip(part: Part, summary: ExplanationHeader, avoided: boolean, drop: (part: Part) => void): Drawing {
  const name = partName(part, summary);
  const how = `${avoided ? "not " : ""}${part.layer === null ? "from" : "through"}`;
  return html`<span class="chip${avoided ? " avoided" : ""}"><span class="hint">${how}</span> ${name}
    <button type="button" aria-label="take ${name} out of the selection"
      @click=${() => drop(part)}>×</button></span>`;
}

/** What was measured of the selection, and what is estimated. */
function facts(state: State, summary: ExplanationHeader): string {
  const parts = testable(state);
  if (isEmpty(parts)) return "";
  const test = known(state, summary, { selection: parts, steps: [] });
  if (test !== null) {
    const { words: verdict } = verdictOf(test, summary.score);
    const largest = Math.max(Math.abs(test.before ?? 0), Math.abs(test.after ?? 0));
    const brief = (value: number | null) => inBrief(value, largest);
    const guess = test.predicted === null ? "" : `, predicted ${brief(test.predicted)}`;
    const effect = brief((test.before ?? Number.NaN) - (test.after ?? Number.NaN));
    return `Tested: without it ${brief(test.before)} → ${brief(test.after)}, ${verdict} (effect ${effect}${guess})`;
  }
  // What these paths contribute, the sentence says.
  if (typeof state.condition?.header.contribution === "number") return "Effect not tested yet";
  const contribution = contributionOf(state);
  return Number.isNaN(contribution)
    ? ""
    : `Contribution ${inBrief(contribution, peakOf(state.columns))}, not tested`;
}

/** Of a single part at its place; of several, of the routes through all of them. */
function contributionOf(state: State): number {
  const [only, ...others] = state.selection;
  if (only !== undefined && others.length === 0) return predicted(state, only);
  const { routes } = state;
  if (routes?.by !== "contribution" || !same(normalise(routes.selection), state.selection)) return Number.NaN;
  return totalOf(routes.ranking) ?? Number.NaN;
}

/** What else is known of exactly these paths: what they contribute, and over how many they are spread. */
function more({ condition, columns }: State): string {
  const { contribution, totals } = condition?.header ?? {};
  const worth =
    typeof contribution === "number" ? `, contribution ${inBrief(contribution, peakOf(columns))}` : "";
  const entropy = totals?.entropy;
  return typeof entropy === "number" ? `${worth}, spread over ${spread(entropy)}` : worth;
}

function words(state: State, summary: ExplanationHeader): string | typeof nothing {
  const group = isEmpty(state.among) ? null : nameOf(state.among, groupsOf(state));
  const which = wording(state.selection, summary, state.avoiding, group);
  if (state.answered === "pending") return `Asking for ${which} …`;
  if (state.answered === "ready") {
    const share = state.condition?.header.log_share ?? null;
    if (share === null) return none(which, state);
    const alone = measureOf(state, summary).scale === "signed";
    const rest = alone ? " The routes are theirs; colours show each part by itself, as before." : "";
    return `Only ${which}: ${percent(Math.exp(share))} of all mass${more(state)}.${rest}`;
  }
  return `Selected: ${which}. The numbers are those of all paths. ${state.refused ?? ""}`;
}

/** That there are no such paths; of parts that exclude each other why, and what can be asked of them. */
function none(which: string, { selection, kernel }: State): string {
  const why = excluded(selection);
  if (why === "") return `There are no ${which}.`;
  const group = kernel ? " “Group them” shows the paths through any of them;" : "";
  return `There are no ${which}: ${why}.${group} “Test it” replaces them all at once.`;
}
