/** Which paths a view shows, of all that there are, and the selections before. */

import type { Selection } from "./contract";
import { History } from "./history";
import { EMPTY, isEmpty, same } from "./selection";

/** Which paths are shown: those through all of some parts and through none of others. */
export interface Shown {
  selection: Selection;
  avoiding: Selection;
  /** Parts of which any is passed. */
  among: Selection;
}

export const sameShown = (one: Shown, other: Shown): boolean =>
  same(one.selection, other.selection) && same(one.avoiding, other.avoiding) && same(one.among, other.among);

export const isAll = ({ selection, avoiding, among }: Shown): boolean =>
  isEmpty(selection) && isEmpty(avoiding) && isEmpty(among);

/** What was shown, to go back and forward through. */
export const selections = () =>
  new History<Shown>({ selection: EMPTY, avoiding: EMPTY, among: EMPTY }, sameShown);
