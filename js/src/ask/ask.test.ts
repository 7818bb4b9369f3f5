import { describe, expect, it } from "vitest";
import cases from "../../../tests/fixtures/calls.json";
import type { Argument, PastQuestion, Selection } from "../contract";
import { partOf } from "../selection";
import { callOf, callOfShown } from "./call";
import { changesOf, nameOf, wordsOf } from "./values";

describe("the Python call", () => {
  for (const { name, arguments: asked, selection, avoiding, call } of cases)
    it(`is written as Python does it: ${name}`, () => {
      expect(callOf(asked as Argument[], selection as Selection, avoiding as Selection)).toBe(call);
    });
});

describe("the Python call of a group", () => {
  it("makes the group whose paths are shown", () => {
    const shown = {
      selection: [],
      avoiding: [],
      among: [partOf({ layer: 0, head: 3 }), partOf({ token: 2 })],
    };
    const asked = [{ ...argument("text", "Two keys"), code: '"Two keys"' }];
    expect(callOfShown(asked, shown, 'the "movers"')).toBe(
      'e = sw.explain(model, tokenizer, "Two keys")\ne.group("the \\"movers\\"", [{"layer": 0, "head": 3}, {"token": 2}])',
    );
    expect(callOfShown(asked, { ...shown, among: [] }, "")).toBe('sw.explain(model, tokenizer, "Two keys")');
  });
});

const argument = (name: string, ...words: string[]): Argument => ({
  name,
  code: "",
  words,
  parts: [],
  own: false,
});
const asked = [argument("text", "Two keys"), argument("target", "are"), argument("reference", "zero")];

describe("what was changed", () => {
  it("is what stands in a field and was not asked", () => {
    const values = { text: ["Two keys"], target: ["were "], contrast: [""], reference: [""], rules: ["lrp"] };
    expect(changesOf(values, asked)).toEqual([
      { name: "target", words: ["were"] },
      { name: "reference", words: [""] },
      { name: "rules", words: ["lrp"] },
    ]);
  });

  it("is nothing where the defaults stand", () => {
    const values = {
      text: ["Two keys"],
      target: ["are"],
      reference: ["zero"],
      rules: ["gradient"],
      level: ["unit"],
    };
    expect(changesOf(values, asked)).toEqual([]);
    expect(wordsOf(asked, "granularity")).toEqual(["primitive"]);
  });

  it("leaves the objects of the caller alone", () => {
    const own = [{ ...argument("reference", "a tensor"), own: true }];
    expect(changesOf({ reference: [""] }, own)).toEqual([]);
  });
});

describe("an earlier question", () => {
  const past = (number: number, ...given: Argument[]): PastQuestion => ({
    ...{ number, arguments: given, label: "logit(are) at [MASK]", value: 1, held: true },
  });

  it("is called by what tells it from the others", () => {
    const all = [past(2, ...asked), past(1, argument("text", "Two keys"))];
    expect(all.map((one) => nameOf(one, all))).toEqual(["are · reference zero", "logit(are) at [MASK]"]);
  });

  it("is called by its text where that differs", () => {
    const all = [past(2, argument("text", "A key"), argument("target", "is")), past(1, ...asked)];
    expect(nameOf(all[0] as PastQuestion, all)).toBe("“A key” · is");
  });
});
