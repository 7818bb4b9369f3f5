/** What the views show while something is selected, and else how to select. */

import { html, nothing } from "lit-html";
import type { ExplanationHeader } from "../contract";
import { focusEntry } from "../keyboard";
import { percent } from "../layout/numbers";
import { explanationPane } from "../pane";
import type { Questions } from "../questions";
import { EMPTY, isEmpty, wording } from "../selection";
import type { State, Store } from "../store";

export function mountNotice(
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
  explanationPane(root, store, signal, (state, summary) => {
    const button = html`<button data-action="clear" type="button" data-lm-suppress-shortcuts="true" @click=${clear}>Clear (Esc)</button>`;
    return html`<span>${words(state, summary)}</span>${isEmpty(state.selection) ? nothing : button}`;
  });
}

function words(state: State, summary: ExplanationHeader): string {
  if (isEmpty(state.selection))
    return "Click a token, a cell, a head or a layer to see only the paths through it; Shift-click adds another.";
  const which = wording(state.selection, summary);
  if (state.answered === "pending") return `Asking for ${which} …`;
  if (state.answered === "ready") {
    const share = state.condition?.header.log_share ?? null;
    if (share === null) return `There are no ${which}.`;
    return `Only ${which}: ${percent(Math.exp(share))} of all mass.`;
  }
  return `Selected: ${which}. The numbers are those of all paths. ${state.refused ?? ""}`;
}
