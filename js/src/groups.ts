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

/** That some groups are not among those of an answer. */
export function lostGroups(lost: readonly Group[]): string {
  const names = lost.map(({ name }) => `“${name}”`).join(", ");
  return lost.length === 1
    ? `This answer is without the group ${names}: its words are not in this text, or it was made for another answer.`
    : `This answer is without the groups ${names}: their words are not in this text, or they were made for another answer.`;
}
