import { describe, expect, it } from "vitest";
import type { ExplanationHeader, Selection } from "./contract";
import { part } from "./fake-answer";
import { fixtures } from "./fake-model";
import { piecesOf } from "./named-parts";

const summary = fixtures.answered?.header as ExplanationHeader;

describe("what a sentence names", () => {
  const [the, keys, to] = [part({ token: 0 }), part({ token: 1 }), part({ token: 2 })];
  const head = part({ layer: 1, head: 1 });
  const pieces = (text: string, parts: Selection) => piecesOf({ kind: "words", text, parts }, summary);

  const cases: [string, Selection, string[]][] = [
    ["mostly because of *keys*.", [keys], ["keys"]],
    ["Head 1·1 reads *keys*; head 1·1 writes it.", [keys, head], ["Head 1·1", "keys", "head 1·1"]],
    // A word is named between stars only.
    ["The monkeys *to* keys.", [the, keys, to], ["to"]],
    ["head 1·10 and head 1·1", [head], ["head 1·1"]],
    ["The MLP of layer 2 helps", [part({ layer: 2, branch: "mlp" })], ["The MLP of layer 2"]],
    ["what *keys* has at layer 1", [part({ layer: 1, token: 1 })], ["keys", "layer 1"]],
    ["nothing of that", [keys], []],
    ["no parts: *keys*", [], []],
    ["*the₃* and *the₇*", [part({ token: 7 })], ["the₇"]],
    ["*keys (input)*", [keys], ["keys (input)"]],
  ];
  it.each(cases)("in %j", (text, parts, found) => {
    const all = pieces(text, parts);
    expect(all.map((piece) => piece.text).join("")).toBe(text.replaceAll("*", ""));
    expect(all.filter((piece) => piece.part !== null).map((piece) => piece.text)).toEqual(found);
  });

  it("sets words apart that are no parts", () => {
    const words = pieces("*are* rather than *is*, by *keys*", [keys]).filter(({ word }) => word);
    expect(words.map((piece) => [piece.text, piece.part !== null])).toEqual([
      ["are", false],
      ["is", false],
      ["keys", true],
    ]);
  });
});
