import { describe, expect, it } from "vitest";
import { clicked, covers, EMPTY, isEmpty, normalise } from "./selection";

describe("selection", () => {
  it("replaces on a click and clears on a second one", () => {
    const head = clicked(EMPTY, { layer: 3, head: 5 }, false);
    expect(head).toEqual({ layer: 3, branch: null, head: 5, token: null, stream: 0 });
    expect(isEmpty(clicked(head, { layer: 3, head: 5 }, false))).toBe(true);
  });

  it("adds with a modifier and takes back what is there", () => {
    const both = clicked(clicked(EMPTY, { layer: 3 }, false), { token: 2 }, true);
    expect(both).toMatchObject({ layer: 3, token: 2 });
    expect(clicked(both, { token: 2 }, true)).toMatchObject({ layer: 3, token: null });
  });

  it("marks what is covered, by stream", () => {
    const selection = normalise({ token: 2, stream: 1 });
    expect(covers(selection, { token: 2, stream: 1 })).toBe(true);
    expect(covers(selection, { token: 2, stream: 0 })).toBe(false);
    expect(covers(selection, {})).toBe(false);
  });
});
