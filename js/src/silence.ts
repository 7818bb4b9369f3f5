/** Notices a kernel that has more to say, and says nothing. */

import type { State, Store } from "./store";

// Nothing is known at all; something is, and more should come.
const NOTHING = "Nothing has come from the kernel. Try again, or run the cell again.";
const NO_MORE =
  "The kernel no longer answers. If it is busy, this goes on by itself; if it was started again or has ended, run the cell again.";

// A step of a computation may well take this long.
const QUIET = 30_000;

/** Whether news of a computation are still to come. */
export const computes = ({ summary }: State): boolean =>
  summary?.status.state === "running" ||
  (summary?.type === "explanation" && summary.inquiry?.status?.state === "running");

/** What a view says whose kernel has not even told what it knows; null where nothing is missed. */
export function silence(state: State): string | null {
  if (state.summary === null) return NOTHING;
  const asked = state.answered === "pending" || state.routed === "pending" || state.testing.length > 0;
  return computes(state) || asked || state.drilling !== null ? NO_MORE : null;
}

/** Call `doubt` whenever a computation has told nothing new for long, until the signal aborts. */
export function watchSilence(store: Store, doubt: () => void, signal: AbortSignal, quiet = QUIET): void {
  let timer: ReturnType<typeof setTimeout> | undefined;
  let newest: State["summary"] = null;
  const wait = () => {
    clearTimeout(timer);
    if (!computes(store.state)) return;
    timer = setTimeout(() => {
      doubt();
      wait();
    }, quiet);
  };
  store.listen(({ summary }) => {
    if (summary === newest) return;
    newest = summary;
    wait();
  }, signal);
  signal.addEventListener("abort", () => clearTimeout(timer));
}
