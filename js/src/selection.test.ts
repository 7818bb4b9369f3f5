import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import type { ExplanationHeader, Selection } from "./contract";
import {
  clicked,
  EMPTY,
  excluded,
  headOf,
  includes,
  isEmpty,
  normalise,
  partOf,
  same,
  wording,
} from "./selection";

const path = `${process.cwd()}/../tests/fixtures/messages.json`;
const summary = JSON.parse(readFileSync(path, "utf-8")).explanation.header as ExplanationHeader;

const shared = `${process.cwd()}/../tests/fixtures/selections.json`;
const selections = JSON.parse(readFileSync(shared, "utf-8")) as { given: unknown; parts: Selection }[];

const HEAD = { layer: 2, head: 1 };
const TOKEN = { token: 1 };

describe("selection", () => {
  const alone = (current: Selection, target: object) => clicked(current, EMPTY, target, "alone")[0];
  const added = (current: Selection, target: object) => clicked(current, EMPTY, target, "add")[0];

  it("replaces on a click and clears on a second one", () => {
    const head = alone(EMPTY, HEAD);
    expect(head).toEqual([{ layer: 2, branch: null, head: 1, token: null, stream: 0 }]);
    expect(alone(head, TOKEN)).toEqual([partOf(TOKEN)]);
    expect(isEmpty(alone(head, HEAD))).toBe(true);
  });

  it("adds parts with a modifier, which stay apart, and takes back what is there", () => {
    const both = added(added(EMPTY, HEAD), TOKEN);
    expect(both).toEqual([partOf(HEAD), partOf(TOKEN)]);
    expect(added(both, HEAD)).toEqual([partOf(TOKEN)]);
    // A head and the name of its layer: neither loses what it has.
    expect(added(added(EMPTY, HEAD), { layer: 2 })).toEqual([partOf(HEAD), partOf({ layer: 2 })]);
    expect(alone(both, HEAD)).toEqual([partOf(HEAD)]);
  });

  it("leaves parts out, each either passed or avoided, until a plain click", () => {
    const [through, avoiding] = clicked([partOf(HEAD)], EMPTY, TOKEN, "exclude");
    expect([through, avoiding]).toEqual([[partOf(HEAD)], [partOf(TOKEN)]]);
    expect(clicked(through, avoiding, HEAD, "exclude")).toEqual([[], [partOf(TOKEN), partOf(HEAD)]]);
    expect(clicked(through, avoiding, TOKEN, "add")).toEqual([[partOf(HEAD), partOf(TOKEN)], []]);
    expect(clicked(through, avoiding, TOKEN, "exclude")).toEqual([[partOf(HEAD)], []]);
    expect(clicked(through, avoiding, HEAD, "alone")).toEqual([[partOf(HEAD)], []]);
    expect(clicked([partOf(HEAD)], [], HEAD, "alone")).toEqual([[], []]);
    expect(wording(through, summary, avoiding)).toBe("paths through head 2·1, not from keys");
    expect(wording([], summary, avoiding)).toBe("paths not from keys");
  });

  it("marks the parts that are selected and nothing else", () => {
    const selection = normalise([{ token: 2, stream: 1 }, HEAD]);
    expect(includes(selection, { token: 2, stream: 1 })).toBe(true);
    expect(includes(selection, { token: 2, stream: 0 })).toBe(false);
    expect(includes(selection, { layer: 2 })).toBe(false);
    expect(includes(selection, {})).toBe(false);
  });

  it("does not mind the order, and reads what older versions wrote", () => {
    expect(same(normalise([TOKEN, HEAD]), normalise([HEAD, TOKEN, TOKEN]))).toBe(true);
    expect(normalise({ layer: 2, branch: null, head: 1, token: null, stream: 0 })).toEqual([partOf(HEAD)]);
    for (const nothing of [null, undefined, {}, [], { layer: null, stream: 0 }])
      expect(normalise(nothing)).toEqual(EMPTY);
  });

  it.each(selections)("reads $given as Python does", ({ given, parts }) => {
    expect(normalise(given)).toEqual(parts);
  });

  it("shows the map of the head that was added last", () => {
    expect(headOf(normalise([HEAD, { layer: 0, head: 0 }, TOKEN]))).toEqual({ layer: 0, head: 0 });
    expect(headOf(normalise([TOKEN]))).toBeNull();
  });

  it.each([
    [[HEAD, TOKEN], "paths from keys through head 2·1"],
    [[{ layer: 1 }], "paths through the attention of layer 1"],
    [[{ layer: 1, token: 1 }], "paths through layer 1 at keys"],
    [
      [
        { layer: 1, branch: "mlp" },
        { layer: 0, branch: "skip" },
      ],
      "paths through the skip of layer 0 and the MLP of layer 1",
    ],
    [[{ layer: 1, branch: "value", head: 0, token: 1 }], "paths through the value of head 1·0 at keys"],
    [[TOKEN, { token: 4 }], "paths from both keys and cabinet"],
    [[TOKEN, { token: 2 }, HEAD, { token: 4 }], "paths from all of keys, to and cabinet through head 2·1"],
    [[HEAD, { layer: 0, head: 1 }, TOKEN], "paths from keys through head 0·1 and head 2·1"],
  ])("says %j in words", (parts, words) => {
    expect(wording(normalise(parts), summary)).toBe(words);
  });

  it.each([
    [[TOKEN, { token: 4 }], "a path starts at one word"],
    [[{ layer: 2, head: 0 }, HEAD], "a path passes one head of a layer"],
    [
      [
        { layer: 2, token: 0 },
        { layer: 2, token: 1 },
      ],
      "a path enters a layer at one word",
    ],
    [[TOKEN, HEAD, { layer: 1, head: 1 }], ""],
    [[HEAD, { layer: 2 }], ""],
  ])("says why no path can pass %j", (parts, why) => {
    expect(excluded(normalise(parts))).toBe(why);
  });

  it("names a group beside what else is passed", () => {
    expect(wording(normalise([TOKEN, HEAD]), summary, EMPTY, "readers")).toBe(
      "paths from keys through head 2·1 and any part of readers",
    );
    expect(wording(EMPTY, summary, EMPTY, "readers")).toBe("paths through any part of readers");
  });

  it.each([
    [[{ token: 1, stream: 0 }], "paths from keys of the encoder"],
    [[HEAD, { token: 1, stream: 1 }], "paths from keys of the decoder through head 2·1"],
  ])("says of which input %j is", (parts, words) => {
    const tokens = summary.streams[0]?.tokens ?? [];
    const streams = ["encoder", "decoder"].map((name) => ({ name, tokens, segments: [] }));
    expect(wording(normalise(parts), { ...summary, streams })).toBe(words);
  });
});
