/** Which tokens are pieces of one word: a tokenizer cuts long words, people do not. */

import type { Token } from "../contract";

const BEGINS = /^[\p{L}\p{N}\p{M}'’]/u;
const ENDS = /[\p{L}\p{N}\p{M}'’]$/u;

/** The tokens that go on where the one before them ends, in the text and in the middle of a word. */
export function joinedIn(tokens: readonly Token[]): ReadonlySet<number> {
  const found = new Set<number>();
  tokens.forEach((token, place) => {
    const before = tokens[place - 1];
    if (before === undefined || before.special || token.special) return;
    // Where offsets are not known, both are at one place.
    const adjoins = token.start === before.end && before.end > before.start && token.end > token.start;
    if (adjoins && ENDS.test(before.text) && BEGINS.test(token.text)) found.add(token.index);
  });
  return found;
}
