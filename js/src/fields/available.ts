/** Which parts can be chosen: in a page without a kernel, those of which it holds something. */

import { partOf, type Target } from "../selection";
import type { State } from "../store";
import { isTested } from "../tested";

/** Whether a part can be chosen. */
export function availability({
  holds,
  columns,
}: Pick<State, "holds" | "columns">): (target: Target) => boolean {
  return (target) => {
    const part = partOf(target);
    // A part that was tested has something to say, whatever is known of the paths through it.
    return isTested({ columns }, part) || holds([part]);
  };
}
