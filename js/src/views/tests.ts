/** The log of tests: what became of the score, beside what was predicted, the newest first. */

import { html, nothing } from "lit-html";
import type { ExplanationHeader, Test } from "../contract";
import { brief as inBrief } from "../layout/numbers";
import { type Drawing, explanationPane } from "../pane";
import { stepSentence, testName } from "../part-names";
import type { Store } from "../store";
import { asks, largest, logOf } from "../tested";
import { verdictOf } from "../verdict";

// What is shown before anybody has tested anything.
const SHOWN = 5;

export function mountTests(root: HTMLElement, store: Store, signal: AbortSignal): void {
  explanationPane(root, store, signal, (state, summary) => {
    const log = logOf(state, summary);
    const others = largest(state, summary, SHOWN).filter(
      (test) => !log.some((one) => asks(question(test), one)),
    );
    const tests = [...log, ...others].slice(0, Math.max(SHOWN, log.length));
    const waiting = state.testing.map(({ selection, steps }) =>
      steps.length > 0 ? "a route" : testName(selection, summary),
    );
    const said =
      waiting.length > 0
        ? `Testing ${waiting.join(", ")} …`
        : (state.untested ??
          (tests.length > 0 ? "" : "Nothing was tested yet: choose a part and press Test it."));
    const spread = spreadOf(tests);
    return html`<h3>Test it <span class="caption">the score without a part: bar after, tick before, ring predicted</span></h3>
      <p class="hint" role="status">${said}</p>
      <ol class="tests">${tests.map((test) => row(test, summary, spread))}</ol>`;
  });
}

const question = ({ parts, steps }: Test) => ({ selection: parts, steps });

/** From the lowest to the highest score of all tests, measured or predicted, with zero. */
function spreadOf(tests: readonly Test[]): [number, number] {
  const all = tests.flatMap(({ before, after, predicted }) => [
    before ?? 0,
    after ?? 0,
    (before ?? 0) - (predicted ?? 0),
  ]);
  const [low, high] = [Math.min(0, ...all), Math.max(0, ...all)];
  return low === high ? [low, low + 1] : [low, high];
}

function row(test: Test, summary: ExplanationHeader, [low, high]: [number, number]): Drawing {
  const { before, after, predicted } = test;
  const verdict = verdictOf(test, summary.score);
  const effect = (before ?? Number.NaN) - (after ?? Number.NaN);
  const largest = Math.max(-low, high);
  const brief = (value: number | null) => inBrief(value, largest);
  const at = (value: number) => Math.max(0, Math.min(100, (100 * (value - low)) / (high - low)));
  const guess = predicted === null ? null : (before ?? 0) - predicted;
  const [from, to] = [at(Math.min(0, after ?? 0)), at(Math.max(0, after ?? 0))];
  const marks = html`<span class="zero" style="left:${at(0)}%"></span><span class="fill${(after ?? 0) < 0 ? " negative" : ""}"
      style="left:${from}%;width:${to - from}%"></span><span class="before" style="left:${at(before ?? 0)}%"></span>${
        guess === null ? nothing : html`<span class="guess" style="left:${at(guess)}%"></span>`
      }`;
  return html`<li class=${verdict.flips ? "flips" : ""}><span class="what">${nameOf(test, summary)}</span><span class="bar" aria-hidden="true">${marks}</span
    ><span class="change">${brief(before)} → <b>${brief(after)}</b></span><span class="verdict">${verdict.words}</span
    ><span class="guessed"><span data-tip="What was measured: the score before minus the score after.">effect ${brief(effect)}</span><span
      data-tip="The first-order estimate of the effect, made before the test: the ring on the bar.">, predicted ${predicted === null ? "–" : brief(predicted)}</span></span></li>`;
}

/** A route is named by its steps, parts as in the log of Python. */
function nameOf({ label, parts, steps }: Test, summary: ExplanationHeader): string {
  if (steps.length > 0 && label === "")
    return steps.map((step) => stepSentence(step, summary)).join(", then ");
  return label === "" ? testName(parts, summary) : label;
}
