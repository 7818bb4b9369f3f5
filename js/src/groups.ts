/** Groups of parts: what passes any of them, under one name. */

import type { Group, Selection } from "./contract";
import { normalise, same } from "./selection";
import type { State } from "./store";

/** The groups that there are, older summaries know none. */
export function groupsOf({ groups, summary }: Pick<State, "groups" | "summary">): readonly Group[] {
  return groups ?? (summary?.type === "explanation" ? (summary.groups ?? []) : []);
}

/** The name of a group that has exactly these parts; what is not known by a name is `a group`. */
export const nameOf = (parts: Selection, groups: readonly Group[]): string =>
  groups.find((group) => same(normalise(group.parts), parts))?.name ?? "a group";

/** A name that no group has. */
export function freeName(groups: readonly Group[]): string {
  for (let number = groups.length + 1; ; number++) {
    const name = `group ${number}`;
    if (!groups.some((group) => group.name === name)) return name;
  }
}
