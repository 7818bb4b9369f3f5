/**
 * What is selected: the one fact that links all panes.
 *
 * A selection is a set of parts of the model, and means the paths through all of them. A plain click replaces
 * it, a click with Shift, Ctrl or Cmd adds a part, and a click on what is selected takes it back.
 */

import type { ExplanationHeader, Part, Selection } from "./contract";
import { partName } from "./part-names";

export const EMPTY: Selection = [];

/** What an element stands for: a part, as far as it names one. */
export type Target = Partial<Part>;

/** A part with all its keys; the stream says something of tokens of the input only. */
export function partOf(target: Target): Part {
  const layer = target.layer ?? null;
  return {
    layer,
    branch: target.branch ?? null,
    head: target.head ?? null,
    token: target.token ?? null,
    stream: layer === null ? (target.stream ?? 0) : 0,
  };
}

/** The selection in the contract's form, whatever came in: older versions knew one part only. */
export function normalise(value: unknown): Selection {
  const given = Array.isArray(value) ? value : [value];
  const parts = given
    .filter((part): part is Target => typeof part === "object" && part !== null)
    .map(partOf)
    .filter(({ layer, branch, head, token }) => [layer, branch, head, token].some((facet) => facet !== null));
  return parts.filter((part, index) => parts.findIndex((other) => samePart(part, other)) === index);
}

export function isEmpty(selection: Selection): boolean {
  return selection.length === 0;
}

function samePart(one: Part, other: Part): boolean {
  return (["layer", "branch", "head", "token", "stream"] as const).every((key) => one[key] === other[key]);
}

export function same(one: Selection, other: Selection): boolean {
  return one.length === other.length && one.every((part) => includes(other, part));
}

/** Whether a part is selected: its element is drawn as pressed. */
export function includes(selection: Selection, target: Target): boolean {
  // Asked of every cell, and most often nothing is selected.
  if (selection.length === 0) return false;
  const wanted = partOf(target);
  return selection.some((part) => samePart(part, wanted));
}

/** How a click selects: this part alone, one more, or paths that do not pass it. */
export type Mode = "alone" | "add" | "exclude";

/** What is passed and what is avoided after a click; a second click takes back what the first has done. */
export function clicked(
  through: Selection,
  avoiding: Selection,
  target: Target,
  mode: Mode,
): [Selection, Selection] {
  const part = partOf(target);
  if (mode === "alone") return same(through, [part]) && isEmpty(avoiding) ? [EMPTY, EMPTY] : [[part], EMPTY];
  const turned = (parts: Selection) => (includes(parts, part) ? without(parts, part) : [...parts, part]);
  return mode === "add"
    ? [turned(through), without(avoiding, part)]
    : [without(through, part), turned(avoiding)];
}

export const without = (parts: Selection, part: Part): Selection =>
  parts.filter((other) => !samePart(other, part));

/** What a test replaces, all at once: the selected parts and those of the selected group. */
export const testable = ({ selection, among }: { selection: Selection; among: Selection }): Selection =>
  normalise([...selection, ...among]);

/** The selected head whose map is shown: the one that was added last. */
export function headOf(selection: Selection): { layer: number; head: number } | null {
  for (const { layer, head } of [...selection].reverse())
    if (layer !== null && head !== null) return { layer, head };
  return null;
}

/** The selected paths in words: `paths from keys through head 0·1 and head 3·3, not through head 0·3`. */
export function wording(
  selection: Selection,
  summary: ExplanationHeader,
  avoiding: Selection = EMPTY,
  group: string | null = null,
): string {
  const ordered = (parts: Selection) =>
    [...parts].sort((one, other) => (one.layer ?? -1) - (other.layer ?? -1));
  const names = (parts: Selection) =>
    parts.map((part) => partName(part, summary)).filter((name) => name !== "");
  const starts = names(selection.filter(isStart));
  const passed = names(ordered(selection.filter((part) => !isStart(part))));
  if (group !== null) passed.push(`any part of ${group}`);
  // Of one path there is one start: who asks for several is told so.
  const both = starts.length === 2 ? "both " : starts.length > 2 ? "all of " : "";
  const through = [
    "paths",
    ...(starts.length === 0 ? [] : [`from ${both}${listed(starts)}`]),
    ...(passed.length === 0 ? [] : [`through ${listed(passed)}`]),
  ].join(" ");
  const around = ordered(avoiding)
    .map((part) => [isStart(part) ? "from" : "through", ...names([part])])
    .filter(({ length }) => length > 1)
    .map((words) => `not ${words.join(" ")}`);
  return around.length === 0
    ? through
    : `${through}${through === "paths" ? " " : ", "}${around.join(" and ")}`;
}

const isStart = ({ layer }: Part): boolean => layer === null;

/** `A`, `A and B`, `A, B and C`. */
function listed(names: readonly string[]): string {
  const [last, ...before] = [...names].reverse();
  return before.length === 0 ? (last ?? "") : `${before.reverse().join(", ")} and ${last}`;
}

/** Why no path can pass all of some parts, where they exclude each other; empty where they do not. */
export function excluded(selection: Selection): string {
  if (selection.filter(isStart).length > 1) return "a path starts at one word";
  const heads = selection.filter(({ head }) => head !== null).map(({ layer }) => layer);
  if (new Set(heads).size < heads.length) return "a path passes one head of a layer";
  const cells = selection.filter(
    ({ layer, branch, head, token }) => layer !== null && branch === null && head === null && token !== null,
  );
  return new Set(cells.map(({ layer }) => layer)).size < cells.length
    ? "a path enters a layer at one word"
    : "";
}
