/** A part of the widget that draws itself: lit-html keeps its elements and touches only what differs. */

import { render, type SVGTemplateResult, type TemplateResult } from "lit-html";
import type { ExplanationHeader } from "./contract";
import { keepEntry } from "./keyboard";
import type { State, Store } from "./store";

export type Drawing = TemplateResult | SVGTemplateResult;

/** Draw `view` into an element, again whenever something that it read from the state has changed. */
export function pane(
  root: HTMLElement | SVGElement,
  store: Store,
  signal: AbortSignal,
  view: (state: State) => Drawing,
): void {
  store.effect((state) => {
    render(view(state), root as HTMLElement);
    keepEntry(root);
  }, signal);
}

/** The same for what only an explanation has; a widget shows one kind of summary for good. */
export function explanationPane(
  root: HTMLElement | SVGElement,
  store: Store,
  signal: AbortSignal,
  view: (state: State, summary: ExplanationHeader) => Drawing,
): void {
  store.effect((state) => {
    if (state.summary?.type !== "explanation") return;
    render(view(state, state.summary), root as HTMLElement);
    keepEntry(root);
  }, signal);
}

/** What a list of choices does with the one that was taken. */
export const chosen = (act: (value: string) => void) => (event: Event) =>
  act((event.currentTarget as HTMLSelectElement).value);
