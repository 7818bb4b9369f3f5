/** Groups of parts as chips: each selects the paths through any of its parts, and can be removed. */

import { html, nothing } from "lit-html";
import type { ExplanationHeader, Group } from "../contract";
import { freeName, groupsOf } from "../groups";
import { isHosts } from "../host-keys";
import { brief, percent } from "../layout/numbers";
import { type Drawing, explanationPane } from "../pane";
import { partName } from "../part-names";
import type { Questions } from "../questions";
import { EMPTY, isEmpty, normalise, same } from "../selection";
import type { State, Store } from "../store";
import { known } from "../tested";

export function mountGroups(
  root: HTMLElement,
  store: Store,
  signal: AbortSignal,
  questions: Questions,
): void {
  const make = (event: Event) => {
    event.preventDefault();
    const input = (event.currentTarget as HTMLFormElement).querySelector("input");
    questions.group(input?.value ?? "", store.state.selection);
  };
  // What is typed is a name and no command; Escape closes.
  const typed = (event: KeyboardEvent) => {
    if (event.key !== "Escape" && !isHosts(event)) event.stopPropagation();
  };
  explanationPane(root, store, signal, (state, summary) => {
    const groups = groupsOf(state);
    const can = state.kernel && state.selection.length > 1;
    const offer = can
      ? html`<button type="button" data-action="name" @click=${() => store.update({ naming: true })}>Group them</button>`
      : nothing;
    const form = html`<form @submit=${make}><label>Name of the ${state.selection.length} parts
        <input type="text" maxlength="60" .value=${freeName(groups)} @keydown=${typed}></label>
      <button type="submit">Make the group</button></form>`;
    if (groups.length === 0 && !can && !state.naming && state.ungrouped === null) return html``;
    return html`${groups.length === 0 ? nothing : html`<span class="hint">Groups</span>`}
      ${groups.map((group) => chip(group, state, summary, questions))}
      ${state.naming && can ? form : offer}
      ${state.ungrouped === null ? nothing : html`<span class="hint" role="status">${state.ungrouped}</span>`}`;
  });
  // Whoever asked for a name types it at once.
  store.effect(({ naming }) => {
    if (naming) store.frames.request(() => root.querySelector<HTMLInputElement>("form input")?.select());
  }, signal);
}

function chip(group: Group, state: State, summary: ExplanationHeader, questions: Questions): Drawing {
  const parts = normalise(group.parts);
  const chosen = same(parts, state.among) && !isEmpty(state.among);
  const names = parts.map((part) => partName(part, summary)).join(", ");
  const remove = state.kernel
    ? html`<button type="button" data-action="ungroup" aria-label="remove the group ${group.name}"
        @click=${() => questions.group(group.name, EMPTY)}>×</button>`
    : nothing;
  return html`<span class="chip group" data-parts=${JSON.stringify(parts)}><button type="button" class="name" data-action="group" aria-pressed=${chosen}
      data-tip=${`Paths through any of ${names}`} @click=${() => questions.select(EMPTY, EMPTY, chosen ? EMPTY : parts)}>${group.name}</button>
    <span class="hint">${told(group, state, summary)}</span>${remove}</span>`;
}

/** The joint numbers: of the test of all parts together where there was one, else the estimate. */
function told({ parts, share, contribution }: Group, state: State, summary: ExplanationHeader): string {
  const test = known(state, summary, { selection: normalise(parts), steps: [] });
  const effect = test === null ? null : (test.before ?? Number.NaN) - (test.after ?? Number.NaN);
  const worth =
    effect === null
      ? `contribution ${brief(contribution, Math.abs(contribution ?? 0))}`
      : `effect ${brief(effect, Math.abs(effect))}`;
  return `${parts.length} parts, ${percent(share)} of mass, ${worth}`;
}
