/** One line that tells apart the numbers that a word has: what each means, and which word each puts first. */

import { html } from "lit-html";
import type { ExplanationHeader } from "../contract";
import { explanationPane } from "../pane";
import { tokenName } from "../part-names";
import type { State, Store } from "../store";

interface Kind {
  name: string;
  column: string;
  means: string;
}

const KINDS: readonly Kind[] = [
  {
    name: "effect",
    column: "token_effect",
    means: "measured: how far the score falls with the reference in its place",
  },
  {
    name: "contribution",
    column: "token_contribution",
    means: "the effect as predicted by the slopes of all paths from it",
  },
  {
    name: "share of mass",
    column: "token_mass_share",
    means: "how much all paths from it weigh, signs left out",
  },
  { name: "best path", column: "token_best_log_weight", means: "the strongest single path from it" },
];

export function mountEstimates(root: HTMLElement, store: Store, signal: AbortSignal): void {
  explanationPane(root, store, signal, (state, summary) => {
    const found = KINDS.flatMap((kind) => {
      const first = firstBy(state, summary, kind);
      return first === null ? [] : [{ kind, name: tokenName(summary, first) }];
    });
    // One number is not confused with others.
    if (found.length < 2) return html``;
    const told = found.map(
      ({ kind, name }, place) =>
        html`${place === 0 ? "" : "; "}by <b>${kind.name}</b> (${kind.means}) <em>${name}</em>`,
    );
    const measured = found.some(({ kind }) => kind === KINDS[0]);
    return html`<p class="hint" data-estimates>The first word ${told}. ${rule(new Set(found.map(({ name }) => name)).size > 1, measured)}</p>`;
  });
}

function rule(differ: boolean, measured: boolean): string {
  if (!differ) return "";
  return measured
    ? "Where they differ, only the effect was measured."
    : "They differ, and none was measured.";
}

/** The word that has the most of a number, whatever its sign; null where none is known. */
function firstBy({ columns }: State, { streams }: ExplanationHeader, { column }: Kind): number | null {
  let [first, most]: [number | null, number] = [null, Number.NEGATIVE_INFINITY];
  for (const { index } of streams[0]?.tokens ?? []) {
    const value = columns.at(column, index);
    const size = column === "token_best_log_weight" ? value : Math.abs(value);
    // A word without any path is not the first.
    if (size > most) [first, most] = [index, size];
  }
  return first;
}
