/** What a test says, in two words. */

import type { Score, Test } from "./contract";

// A change below this part of the score is none that matters.
const SLIGHT = 0.05;

export interface Verdict {
  words: string;
  /** Whether the model now prefers the other one of the two words. */
  flips: boolean;
}

/** Whether the answer flips, or how the score changes. */
export function verdictOf({ before, after }: Pick<Test, "before" | "after">, score: Score): Verdict {
  if (before === null || after === null) return { words: "not known", flips: false };
  const flips = score.contrast !== null && before * after < 0;
  if (flips) return { words: `says ${after < 0 ? score.contrast : (score.target ?? "yes")}`, flips };
  const size = Math.abs(before);
  if (Math.abs(before - after) <= SLIGHT * size) return { words: "no change", flips };
  return { words: Math.abs(after) < size || before * after < 0 ? "weaker" : "stronger", flips };
}
