import { describe, expect, it } from "vitest";
import { pairs } from "./alignment";

describe("two texts below each other", () => {
  const written = (tokens: number, references: number, aligned: number[]) =>
    pairs(tokens, references, aligned).map(({ token, counterpart }) => `${token}/${counterpart}`);

  it("stand token by token where they are alike", () => {
    expect(written(3, 3, [0, 1, 2])).toEqual(["0/0", "1/1", "2/2"]);
  });

  it("have a gap where one of them has nothing", () => {
    expect(written(3, 2, [0, -1, 1])).toEqual(["0/0", "1/-1", "2/1"]);
    expect(written(2, 4, [0, 2])).toEqual(["0/0", "-1/1", "1/2", "-1/3"]);
    expect(written(0, 1, [])).toEqual(["-1/0"]);
  });

  it("have every token once, also where several stand for one", () => {
    expect(written(3, 2, [0, 0, 1])).toEqual(["0/0", "1/0", "2/1"]);
    const crossed = pairs(3, 3, [2, 0, 1]);
    expect(crossed.map(({ token }) => token).filter((token) => token >= 0)).toEqual([0, 1, 2]);
    expect(crossed.map(({ counterpart }) => counterpart).sort()).toEqual([0, 1, 2]);
  });
});
