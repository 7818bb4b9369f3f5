/** Small, below the answer: the score, what it is compared with, the model, and how far the computation is. */

import { html, nothing } from "lit-html";
import type { Reference, Summary } from "../contract";
import { brief } from "../layout/numbers";
import { pane } from "../pane";
import type { Questions } from "../questions";
import { carried } from "../rules";
import type { Store } from "../store";
import { scored } from "./answer";

export function mountHeadline(
  root: HTMLElement,
  store: Store,
  signal: AbortSignal,
  questions: Questions,
): void {
  const again = () => {
    store.update({ error: null, silent: null });
    questions.tryAgain();
  };
  pane(root, store, signal, ({ summary, error, silent }) => {
    const failed = html`${error === null ? nothing : html`<p data-error role="alert">${error}</p>`}
      ${silent === null ? nothing : html`<p data-silent><span role="alert">${silent}</span> <button data-action="pull" type="button" @click=${again}>Try again</button></p>`}`;
    if (summary === null && error === null && silent === null)
      return html`<span data-status role="status">Waiting for the kernel …</span>`;
    if (summary === null) return failed;
    const { status } = summary;
    const running = status.state === "running";
    const reference = summary.type === "explanation" ? summary.reference : null;
    const rules = summary.type === "explanation" ? summary.rules : "gradient";
    const answered = summary.type === "explanation" && summary.answer.length > 0;
    return html`
      ${answered ? html`<span data-score>${scored(summary)}</span>` : nothing}
      ${reference === null ? nothing : html`<span class="model">${compared(reference)}</span>`}
      ${rules === "gradient" ? nothing : html`<span class="model" data-rules>an edge carries ${carried(rules)} (rules ${rules})</span>`}
      <span class="model">${summary.model}</span>
      ${summary.paths ? html`<strong data-paths>${summary.paths}</strong>` : nothing}
      ${running ? html`<progress max=${Math.max(1, status.total)} .value=${status.done} aria-label="progress"></progress>` : nothing}
      <span data-status role="status">${status.state === "done" ? "" : status.message}</span>
      ${isPart(summary) ? html`<span class="hint" data-part>What was known by then is shown; nothing is known of what is grey or missing.</span>` : nothing}
      ${running ? html`<button data-action="cancel" type="button" @click=${() => questions.cancel()}>Cancel</button>` : nothing}
      ${failed}`;
  });
}

/** Whether a computation has ended before its end, and had found something. */
const isPart = ({ status, streams }: Summary): boolean =>
  (status.state === "cancelled" || status.state === "failed") &&
  streams.some(({ tokens }) => tokens.length > 0);

const compared = ({ label, score }: Reference): string =>
  `compared with ${label}${score === null ? "" : ` (score ${brief(score, Math.abs(score))})`}`;
