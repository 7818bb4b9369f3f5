/** The button that tests something: what really becomes of the score without it. */

import { html } from "lit-html";
import type { ExplanationHeader } from "../contract";
import type { Drawing } from "../pane";
import type { Questions } from "../questions";
import type { State } from "../store";
import { known, type Question, sameQuestion } from "../tested";

const WHY =
  "This page was written without the model, and this was not tested before: a notebook can test it.";
const TIP = "Runs the model again without this, and keeps what becomes of the score in the log of tests.";

export function testButton(
  state: State,
  summary: ExplanationHeader,
  question: Question,
  questions: Questions,
  tabindex = 0,
): Drawing {
  const waiting = state.testing.some((other) => sameQuestion(other, question));
  const can = state.kernel || known(state, summary, question) !== null || questions.tests.holds(question);
  const act = () => {
    if (can && !waiting) questions.tests.ask(question.selection, question.steps);
  };
  return html`<button type="button" class="test" tabindex=${tabindex} data-action="test" aria-disabled=${!can}
    data-tip=${can ? TIP : WHY} aria-busy=${waiting} @click=${act}>${waiting ? "Testing …" : "Test it"}</button>`;
}
