import { describe, expect, it } from "vitest";
import type { ExplanationHeader, Selection } from "./contract";
import { part } from "./fake-answer";
import { fixtures } from "./fake-model";
import { piecesOf } from "./named-parts";

const summary = fixtures.answered?.header as ExplanationHeader;

describe("what a sentence names", () => {
  const named = (text: string, parts: Selection) => {
    const pieces = piecesOf({ kind: "words", text, parts }, summary);
    expect(pieces.map((piece) => piece.text).join("")).toBe(text);
    return pieces.filter((piece) => piece.part !== null).map((piece) => piece.text);
  };
  const [the, keys, to] = [part({ token: 0 }), part({ token: 1 }), part({ token: 2 })];
  const head = part({ layer: 1, head: 1 });

  const cases: [string, Selection, string[]][] = [
    ["mostly because of keys.", [keys], ["keys"]],
    ["Head 1·1 reads keys; head 1·1 writes it.", [keys, head], ["Head 1·1", "keys", "head 1·1"]],
    // Not inside of other words or numbers, and not the first word where another one is meant.
    ["The monkeys to keys.", [keys, to], ["to", "keys"]],
    ["The model reads The.", [the], ["The"]],
    ["head 1·10 and head 1·1", [head], ["head 1·1"]],
    ["the MLP of layer 2 helps", [part({ layer: 2, branch: "mlp" })], ["the MLP of layer 2"]],
    ["what keys has at layer 1", [part({ layer: 1, token: 1 })], ["keys"]],
    ["nothing of that", [keys], []],
    ["no parts: keys", [], []],
  ];
  it.each(cases)("in %j", (text, parts, found) => {
    expect(named(text, parts)).toEqual(found);
  });

  it("is the other word where the first one of the sentence is the same", () => {
    const pieces = piecesOf({ kind: "words", text: "The word The", parts: [the] }, summary);
    expect(pieces.map((piece) => piece.part !== null)).toEqual([false, true]);
  });
});
