/** The one switch, in words: what all pictures and the list of routes show. */

import { html, nothing } from "lit-html";
import type { ExplanationHeader } from "../contract";
import { hasReasons, MASS, measureOf, measuresOf, REASONS } from "../measures";
import { type Drawing, explanationPane } from "../pane";
import type { Questions } from "../questions";
import type { State, Store } from "../store";

let groups = 0;

export function mountSwitch(
  root: HTMLElement,
  store: Store,
  signal: AbortSignal,
  questions: Questions,
): void {
  groups += 1;
  const group = `semiring-widgets-${groups}-${Math.random()}`;
  explanationPane(root, store, signal, (state, summary) => switchOf(state, summary, group, questions));
}

/** One choice for each measure. */
export function switchOf(
  state: State,
  summary: ExplanationHeader,
  group: string,
  questions: Questions,
): Drawing {
  const shown = measureOf(state, summary).name;
  const known = hasReasons(state, summary);
  const choices = measuresOf(summary).map(
    (measure) => html`<label class="choice" data-tip=${measure.explained}><input type="radio" name=${group}
        data-measure value=${measure.name} .checked=${measure.name === shown} ?disabled=${measure === REASONS && !known}
        @change=${() => questions.measure(measure.name)}>${measure.choice}</label>`,
  );
  return html`<div class="switch" role="radiogroup" aria-label="what the pictures show">${choices}</div>
      ${known ? nothing : html`<p class="hint">No effects were tested in this explanation, so it cannot show reasons${shown === MASS.name ? ": it shows where paths run" : ""}.</p>`}`;
}
