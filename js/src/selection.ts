/**
 * What is selected: the one fact that links all panes.
 *
 * A plain click replaces the selection, a click with Shift, Ctrl or Cmd adds to it, and a click on what is
 * already selected takes it back.
 */

import type { Selection } from "./contract";

/** What an element stands for: the facets it would select. */
export type Target = Partial<Selection>;

export const EMPTY: Selection = { layer: null, branch: null, head: null, token: null, stream: 0 };

const FACETS = ["layer", "branch", "head", "token"] as const;

/** The selection with its keys in the contract's order, whatever came in. */
export function normalise(value: unknown): Selection {
  const given = (typeof value === "object" && value !== null ? value : {}) as Target;
  return {
    layer: given.layer ?? null,
    branch: given.branch ?? null,
    head: given.head ?? null,
    token: given.token ?? null,
    stream: given.stream ?? 0,
  };
}

export function isEmpty(selection: Selection): boolean {
  return FACETS.every((facet) => selection[facet] === null);
}

export function same(one: Selection, other: Selection): boolean {
  return FACETS.every((facet) => one[facet] === other[facet]) && one.stream === other.stream;
}

/** The selection after a click on `target`; `adding` keeps the facets that the target does not name. */
export function clicked(current: Selection, target: Target, adding: boolean): Selection {
  const chosen = normalise(target);
  if (!adding) return same(current, chosen) ? EMPTY : chosen;
  if (covers(current, target)) {
    const rest = { ...current };
    for (const facet of FACETS) if (target[facet] !== undefined && target[facet] !== null) rest[facet] = null;
    return isEmpty(rest) ? EMPTY : rest;
  }
  return normalise({ ...current, ...target });
}

/** Whether everything that `target` names is selected: such an element is drawn as pressed. */
export function covers(selection: Selection, target: Target): boolean {
  const named = FACETS.filter((facet) => target[facet] !== undefined && target[facet] !== null);
  if (named.length === 0) return false;
  if (target.token !== undefined && target.token !== null && (target.stream ?? 0) !== selection.stream)
    return false;
  return named.every((facet) => selection[facet] === target[facet]);
}
