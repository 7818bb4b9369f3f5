/** What is selected on both sides, with the numbers of exactly that in A, in B, and their difference. */

import { html, nothing } from "lit-html";
import type { BesideHeader, Part } from "../contract";
import { focusEntry } from "../keyboard";
import { percent, signed } from "../layout/numbers";
import type { Place } from "../measures";
import { type Drawing, pane } from "../pane";
import { partName } from "../part-names";
import type { Questions } from "../questions";
import { EMPTY, isEmpty, without, wording } from "../selection";
import type { State, Store } from "../store";
import { ways } from "../views/ways";
import { comparedOf } from "./compared";
import { mergedOf } from "./merged";

export function mountBesideSelection(
  root: HTMLElement,
  store: Store,
  signal: AbortSignal,
  questions: Questions,
): void {
  const leave = (act: () => void) => () => {
    act();
    focusEntry(root);
  };
  pane(root, store, signal, (state) => {
    const { summary, selection, avoiding, history } = state;
    if (summary?.type !== "beside") return html``;
    if (isEmpty(selection) && isEmpty(avoiding))
      return html`<p class="parts">${ways(history, questions)}<span class="hint">Click a word, a cell, a head or a layer: it is selected on both sides. Shift-click adds another, Alt-click leaves one out.</span></p>
        <p class="hint meaning"><span>Nothing is selected: all paths are shown.</span></p>`;
    const named = mergedOf(summary);
    const chip = (part: Part, avoided: boolean) => {
      const name = `${avoided ? "not " : ""}${partName(part, named)}`;
      const drop = leave(() => {
        const now = store.state;
        questions.select(without(now.selection, part), without(now.avoiding, part));
      });
      return html`<span class="chip${avoided ? " avoided" : ""}">${name}<button type="button" aria-label="Remove ${name}" @click=${drop}>×</button></span>`;
    };
    const clear = leave(() => questions.select(EMPTY));
    return html`<p class="parts">${ways(history, questions)}${selection.map((part) => chip(part, false))}${avoiding.map((part) => chip(part, true))}<button
        data-action="clear" type="button" @click=${clear}>Clear (Esc)</button><span
        class="facts" role="status">${facts(state, summary)}</span></p>
      <p class="hint meaning"><span>${wording(selection, named, avoiding)}${asked(state)}</span></p>`;
  });
}

/** Numbers of one part, and the shares of the paths through all that is selected. */
function facts(state: State, summary: BesideHeader): Drawing {
  const [only, ...others] = state.selection;
  const where = only === undefined || others.length > 0 || !isEmpty(state.avoiding) ? null : placeOf(only);
  const own =
    where === null ? nothing : html`<b>${comparedOf(state, summary, where[0]).say(...where[1])}</b>`;
  if (state.answered !== "ready" || state.both === null) return html`${own}`;
  const [a, b] = state.both.header.log_shares.map((log, side) =>
    state.both?.header.refusals[side] ? Number.NaN : log === null ? 0 : Math.exp(log),
  );
  const [one, other] = [a ?? Number.NaN, b ?? Number.NaN];
  const difference = Number.isNaN(one - other) ? "" : `, A − B ${signed(100 * (one - other))} points`;
  return html`${own}${own === nothing ? "" : "; "}<span>share of all mass: A ${percent(one)}, B ${percent(other)}${difference}</span>`;
}

function placeOf({ layer, branch, head, token, stream }: Part): [Place, number[]] | null {
  if (layer === null) return token === null ? null : [stream === 0 ? "token" : "decoder", [token]];
  if (branch === "mlp" && token === null) return ["mlp", [layer]];
  if (branch !== null) return null;
  if (head !== null) return token === null ? ["head", [layer, head]] : null;
  return token === null ? null : ["node", [layer, token]];
}

/** How far the question about both is. */
function asked({ answered, refused, both }: State): string {
  if (answered === "pending") return ": asking both sides …";
  if (answered === "unavailable") return `: ${refused ?? "not known"}`;
  const alone = both?.header.refusals.filter((refusal) => refusal !== "") ?? [];
  return alone.length === 0
    ? ": numbers of mass are those of these paths, on both sides"
    : `: ${alone.join(" ")}`;
}
