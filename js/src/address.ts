/** Keeps what a page shows in its address, so that a copied link shows the same; only a page of ours has one. */

import { fragmentOf, shownBy } from "./fragment";
import type { Questions } from "./questions";
import { same } from "./selection";
import type { Store } from "./store";

export function followAddress(store: Store, questions: Questions, signal: AbortSignal): void {
  let written = "";
  const read = () => {
    const { summary } = store.state;
    const fragment = location.hash.slice(1);
    if (summary?.type !== "explanation" || fragment === written) return;
    written = fragment;
    const { selection, avoiding, among, measure } = shownBy(fragment, summary);
    if (measure !== null) questions.measure(measure);
    questions.select(selection, avoiding, among);
  };
  read();
  window.addEventListener("hashchange", read, { signal });
  store.effect(({ selection, avoiding, among, measure }) => {
    const fragment = fragmentOf({ selection, avoiding, among, measure });
    const { summary } = store.state;
    if (fragment === written || summary?.type !== "explanation") return;
    // What the address says in other words stays as it is.
    const told = shownBy(location.hash, summary);
    const sameParts =
      same(told.selection, selection) && same(told.avoiding, avoiding) && same(told.among, among);
    if (sameParts && told.measure === measure) return;
    written = fragment;
    const { pathname, search } = location;
    try {
      history.replaceState(history.state, "", fragment === "" ? pathname + search : `#${fragment}`);
    } catch {
      // Some hosts of pages let nobody change their address.
    }
  }, signal);
}
