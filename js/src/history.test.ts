import { describe, expect, it } from "vitest";
import { History } from "./history";

describe("a history", () => {
  const visited = (...places: number[]) => {
    const history = new History(0, (one, other) => one === other, 3);
    for (const place of places) history.visit(place);
    return history;
  };

  it("goes back and forward, and forgets what is ahead at a new place", () => {
    const history = visited(1, 2);
    expect([history.back(), history.back(), history.back()]).toEqual([1, 0, null]);
    expect(history.can).toEqual({ back: false, forward: true });
    expect(history.forward()).toBe(1);
    history.visit(7);
    expect(history.forward()).toBeNull();
    expect(history.back()).toBe(1);
  });

  it("does not count the same place twice, and keeps as many as it may", () => {
    const history = visited(1, 1, 2, 3, 4, 5);
    expect([history.back(), history.back(), history.back(), history.back()]).toEqual([4, 3, 2, null]);
  });
});
