import { describe, expect, it } from "vitest";
import type { Token } from "../contract";
import { joinedIn } from "./words";

/** Tokens from texts and where they begin. */
const tokens = (...given: [string, number][]): Token[] =>
  given.map(([text, start], index) => ({
    ...{ index, text, raw: text, id: index, start, end: start + text.length, special: text.startsWith("[") },
  }));

describe("pieces of words", () => {
  it.each([
    ["go on in the middle of a word", tokens(["nap", 0], ["ping", 3], ["dog", 8]), [1]],
    ["may be several", tokens(["un", 0], ["believ", 2], ["able", 8]), [1, 2]],
    ["are not punctuation", tokens(["table", 0], [".", 5], ["\u201c", 6], ["A", 7]), []],
    ["are not what has a space before it", tokens(["keys", 0], [" to", 4]), []],
    ["are not special", tokens(["[CLS]", 0], ["The", 5]), []],
    ["have accents", tokens(["na", 0], ["\u00efve", 2]), [1]],
    [
      "are not known without offsets",
      tokens(["a", 0], ["b", 0]).map((t) => ({ ...t, start: 0, end: 0 })),
      [],
    ],
  ])("%s", (_, given, joined) => {
    expect([...joinedIn(given)]).toEqual(joined);
  });
});
