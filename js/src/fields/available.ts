/** Which parts can be chosen: in a page without a kernel, those of which it holds something. */

import { EMPTY, includes, isEmpty, partOf, type Target } from "../selection";
import type { State } from "../store";
import { isTested } from "../tested";

/** Whether a part can be chosen, or, while Shift is held, added to what is selected. */
export function availability(
  state: Pick<State, "holds" | "columns" | "selection" | "adding">,
): (target: Target) => boolean {
  const { holds, columns, adding } = state;
  // Read only then: what is selected changes nothing else here, so nothing is drawn again for it.
  const selection = adding ? state.selection : EMPTY;
  if (!isEmpty(selection))
    return (target) => includes(selection, target) || holds([...selection, partOf(target)]);
  return (target) => {
    const part = partOf(target);
    // A part that was tested has something to say, whatever is known of the paths through it.
    return isTested({ columns }, part) || holds([part]);
  };
}
