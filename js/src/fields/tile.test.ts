import { describe, expect, it } from "vitest";
import { tileFor } from "./tile";

const whole = { width: 4000, height: 700 };
const sight = (left: number) => ({ left, top: 0, width: 1000, height: 700 });

describe("a tile", () => {
  it("holds what is in sight and half as much on either side, inside of the picture", () => {
    expect(tileFor(null, sight(0), whole)).toEqual({ left: 0, top: 0, width: 1500, height: 700 });
    expect(tileFor(null, sight(1500), whole)).toEqual({ left: 1000, top: 0, width: 2000, height: 700 });
    expect(tileFor(null, sight(3000), whole)).toEqual({ left: 2500, top: 0, width: 1500, height: 700 });
  });

  it("stays while one scrolls inside of it, and gives way before its end is seen", () => {
    const first = tileFor(null, sight(1500), whole);
    expect(tileFor(first, sight(1800), whole)).toBe(first);
    const next = tileFor(first, sight(1900), whole);
    expect(next).not.toBe(first);
    // What is in sight is always drawn, wherever one scrolls.
    let tile = first;
    for (let left = 0; left <= 3000; left += 37) {
      tile = tileFor(tile, sight(left), whole);
      expect(tile.left <= left && tile.left + tile.width >= left + 1000).toBe(true);
    }
  });

  it("is made anew for a smaller picture", () => {
    const old = tileFor(null, sight(0), whole);
    const small = { width: 600, height: 300 };
    const seen = { left: 0, top: 0, ...small };
    expect(tileFor(old, seen, small)).toEqual(seen);
  });
});
