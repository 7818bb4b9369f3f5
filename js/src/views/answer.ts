/** The answer, in sentences: the first one large; what they name can be pointed at and chosen. */

import { html, nothing } from "lit-html";
import { mergedOf } from "../beside/merged";
import type { ExplanationHeader, Part, Sentence } from "../contract";
import { number } from "../layout/numbers";
import { piecesOf } from "../named-parts";
import { type Drawing, pane } from "../pane";
import { partName } from "../part-names";
import { includes } from "../selection";
import type { State, Store } from "../store";

export function mountAnswer(root: HTMLElement, store: Store, signal: AbortSignal): void {
  pane(root, store, signal, (state) => {
    const { summary } = state;
    if (summary === null) return html``;
    if (summary.type === "comparison") return html`<h2>${scored(summary)}</h2>`;
    const [first, ...others] = summary.answer;
    if (first === undefined) return html`<h2>${scored(summary)}</h2>`;
    const named = summary.type === "beside" ? mergedOf(summary) : summary;
    return html`
      <h2 data-parts=${JSON.stringify(first.parts)}>${pieces(state, named, first)}</h2>
      ${others.map((sentence) => html`<p class="tells" data-kind=${sentence.kind} data-parts=${JSON.stringify(sentence.parts)}>${pieces(state, named, sentence)}</p>`)}`;
  });
}

/** The score and its value. */
export const scored = ({ score }: Pick<ExplanationHeader, "score">): string =>
  score.value === null ? score.label : `${score.label} = ${number(score.value)}`;

function pieces(state: State, summary: ExplanationHeader, sentence: Sentence): (string | Drawing)[] {
  return piecesOf(sentence, summary).map(({ text, part, word }) =>
    part !== null ? named(state, summary, text, part) : word ? html`<em>${text}</em>` : text,
  );
}

function named(state: State, summary: ExplanationHeader, text: string, part: Part): Drawing {
  const { layer, branch, head, token, stream } = part;
  const facet = (value: string | number | null) => value ?? nothing;
  return html`<span role="button" tabindex="-1" data-item class="named"
    data-layer=${facet(layer)} data-branch=${facet(branch)} data-head=${facet(head)} data-token=${facet(token)}
    data-stream=${layer === null ? stream : nothing} data-tip=${`Show the paths through ${partName(part, summary)}`}
    aria-pressed=${includes(state.selection, part)}>${text}</span>`;
}
