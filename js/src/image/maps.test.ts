import { describe, expect, it } from "vitest";
import { Columns } from "../columns";
import type { Selection } from "../contract";
import { afterClick, choiceOf } from "./choice";
import { given } from "./fixtures";
import { said, shareAt, shownOf, strengthsOf } from "./maps";
import { evenly, rasterOf } from "./raster";
import { ordered } from "./tables";
import { cellSentence, placeSentence, shareSentence } from "./words";

const nothing = { cell: null, layer: null, head: null };
const { header, columns } = given("image");

describe("what lies over the picture", () => {
  it("is the measure, by cell", () => {
    const shown = shownOf(header, columns, nothing, null);
    expect([shown.label, shown.how, shown.peak, shown.values[5]]).toEqual(["effect", "tested", 2, 2]);
    expect(shown.raster).toEqual(rasterOf(header.grid));
    const strengths = strengthsOf(shown);
    expect([strengths[5], strengths[0]]).toEqual([1, -Math.fround(Math.sqrt(0.5))]);
  });

  it("is the map of a head, which may be cut otherwise, or that of a layer", () => {
    const head = shownOf(header, columns, { ...nothing, layer: 1, head: 0 }, "effect");
    expect([head.label, head.scale, head.raster]).toEqual(["head 1·0", "share", evenly(3, 2)]);
    expect(head.values.length).toBe(6);
    expect(head.values[5]).toBeCloseTo(0.1 / 6);
    expect(shownOf(header, columns, { ...nothing, layer: 2 }, "effect").values).toEqual(
      Float32Array.of(0.5, 0.5),
    );
  });

  it("is the contribution of a layer where that is what is shown and known", () => {
    const map = shownOf(header, columns, { ...nothing, layer: 2 }, "contribution");
    expect([map.scale, map.how, ...map.values]).toEqual([
      "signed",
      "contribution by rule secant, by place",
      -1,
      2,
    ]);
    expect(shownOf(header, columns, { ...nothing, layer: 0 }, "contribution").scale).toBe("share");
  });

  it("has tints of its scale, and none where nothing is known", () => {
    const values = Float32Array.of(-2, -14, Number.NaN);
    const log = strengthsOf({ scale: "log", peak: -2, values });
    expect([...log]).toEqual([1, 0, Number.NaN]);
    expect([...strengthsOf({ scale: "signed", peak: 0, values: Float32Array.of(0) })]).toEqual([0]);
  });
});

describe("the share of all paths", () => {
  it("is that of a head, or of its part in a cell", () => {
    expect(shareAt(header, columns, 0, 1, null)).toBeCloseTo(0.4);
    expect(shareAt(header, columns, 0, 1, 7)).toBeCloseTo(0.2 / 12);
    // A place of this layer is two cells wide.
    expect(shareAt(header, columns, 1, 0, 7)).toBeCloseTo(0.1 / 12);
    expect(shareAt(header, columns, 1, 1, 7)).toBeNaN();
    expect(shareAt(header, columns, 9, 0, 7)).toBeNaN();
  });

  it("is the whole in all cells together", () => {
    for (const layer of [0, 1, 2]) {
      let sum = 0;
      for (let cell = 0; cell < 12; cell++) sum += shareAt(header, columns, layer, null, cell);
      expect(sum).toBeCloseTo(1);
      expect(shareAt(header, columns, layer, null, null)).toBeCloseTo(1);
    }
  });
});

describe("in words", () => {
  it("a cell says all that is known of it, what is shown first", () => {
    expect(cellSentence(header, columns, 5, "mass_share")).toBe(
      "row 2, column 2: path mass 7.7 %, effect +2 logit (tested), contribution +1 logit (by rule secant), " +
        "best path 0.0111, spread of its paths 4.5 nats",
    );
    expect(cellSentence(header, columns, 5, "effect", 1)).toBe("row 2, column 2: effect +2 logit (tested)");
    const methods = given("methods");
    expect(cellSentence(methods.header, methods.columns, 5, "method_1")).toBe(
      "row 2, column 2: GradCAM +50, effect +2 logit",
    );
  });

  it("a frame says when it is", () => {
    const sound = given("sound");
    expect(cellSentence(sound.header, sound.columns, 5, "effect", 1)).toMatch(
      /^frame 6, 0.208 to 0.25 s: effect \+2/,
    );
  });

  it("a place of a head and the head itself", () => {
    const shown = shownOf(header, columns, { ...nothing, layer: 1, head: 0 }, null);
    expect(placeSentence(header, shown, 3)).toBe("row 2, column 2: head 1·0, 1.7 %");
    expect(shareSentence(header, columns, 0, 1, null)).toBe("head 0·1: 40 % of all paths pass it");
    expect(shareSentence(header, columns, 0, 1, 5)).toBe(
      "head 0·1: 1.7 % of all paths enter it by its values at row 2, column 2",
    );
    expect(shareSentence(header, new Columns([], null), 0, 1, 5)).toContain("not known");
  });

  it("numbers have their unit", () => {
    expect(said({ scale: "signed", unit: "logit" }, -0.5)).toBe("−0.5 logit");
    expect(said({ scale: "plain", unit: "nats" }, Number.NaN)).toBe("not known");
  });
});

describe("what is chosen", () => {
  const click = (...targets: Parameters<typeof afterClick>[1][]) =>
    choiceOf(targets.reduce<Selection>(afterClick, []));

  it("is one cell and one layer or head, and a second click takes it back", () => {
    expect(click({ token: 3 }, { layer: 1, head: 0 })).toEqual({ cell: 3, layer: 1, head: 0 });
    expect(click({ token: 3 }, { token: 4 }, { layer: 1, head: 0 }, { layer: 2 })).toEqual({
      cell: 4,
      layer: 2,
      head: null,
    });
    expect(click({ token: 3 }, { layer: 0, head: 1 }, { token: 3 })).toEqual({
      cell: null,
      layer: 0,
      head: 1,
    });
  });
});

it("a table has the largest first and what is not known last", () => {
  expect(ordered(Float32Array.of(Number.NaN, 1, -3, 0))).toEqual([2, 1, 3, 0]);
  const logs = Float32Array.of(Number.NaN, -7, -2, Number.NEGATIVE_INFINITY);
  expect(ordered(logs, "log")).toEqual([2, 1, 3, 0]);
});
