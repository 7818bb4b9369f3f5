import { describe, expect, it } from "vitest";
import { Columns } from "../columns";
import type { Column, ExplanationHeader, Token } from "../contract";
import { alone, together } from "./alone";
import { cellLabel, latticeOf, rowLabel, shownOf } from "./face";
import { type Matrix, matrixOf, piecesOf, strongest, valuesOf } from "./matrix";
import { progress, sentence } from "./view";

const token = (text: string, index: number): Token => ({
  ...{ index, text, raw: text, id: index, start: 0, end: 0, special: false },
});
const stream = (name: string, ...words: string[]) => ({ name, tokens: words.map(token) });
const one = {
  score: { pieces: ["are", "on", "it"], contrast_pieces: ["is"], continuation: 2 },
  streams: [stream("input", "The", "keys", "are / is", "on / –", "it / –")],
} as unknown as ExplanationHeader;
const two = {
  score: { pieces: ["sie", "sind"], contrast_pieces: [], continuation: 1 },
  streams: [stream("encoder", "they", "are", "on"), stream("decoder", "<pad>", "sie", "sind")],
} as unknown as ExplanationHeader;

/** Columns whose numbers say where they stand: 10 for each row, 1 for each token; estimates half of that. */
function numbers(rows: number, tokens: number, decoder = false): Columns {
  const columns: Column[] = [];
  const data: number[] = [];
  const add = (name: string, shape: number[], value: (index: number) => number) => {
    const size = shape.reduce((product, length) => product * length);
    columns.push({ name, shape, dtype: "float32", offset: 4 * data.length, nbytes: 4 * size });
    for (let index = 0; index < size; index++) data.push(value(index));
  };
  const at = (index: number) => 10 * Math.floor(index / tokens) + (index % tokens) + 1;
  add("piece_effect", [rows, tokens], (index) => (index === 0 ? Number.NaN : at(index)));
  add("piece_contribution", [rows, tokens], (index) => at(index) / 2);
  add("piece_log_probability", [rows], (index) => -index);
  if (decoder) add("piece_decoder_effect", [rows, tokens], (index) => -at(index));
  return new Columns(columns, new Float32Array(data).buffer);
}

const rowOf = (matrix: Matrix, row: number) =>
  matrix.read.flatMap((_, column) => (matrix.is(row, column) ? [matrix.name(row, column)] : []));

describe("the matrix of a continuation", () => {
  it("has a row for each piece, and the tokens that are read before it", () => {
    const matrix = matrixOf(one, numbers(4, 5));
    expect(matrix.pieces.map(({ of, text }) => `${of} ${text}`)).toEqual([
      ...["target are", "target on", "target it", "contrast is"],
    ]);
    expect(rowOf(matrix, 0)).toEqual(["The", "keys"]);
    // Its own words, not those of both continuations; the last piece is asked for and read by none.
    expect(rowOf(matrix, 2)).toEqual(["The", "keys", "are", "on"]);
    expect(rowOf(matrix, 3)).toEqual(["The", "keys"]);
    expect([matrix.read.length, matrix.apart]).toEqual([4, 2]);
  });

  it("reads tested effects, estimates where there are none, or estimates alone", () => {
    const matrix = matrixOf(one, numbers(4, 5));
    const known = (estimates: boolean) => [...valuesOf(matrix, estimates).slice(0, 5)];
    expect(known(false)).toEqual([0.5, 2, Number.NaN, Number.NaN, 11]);
    expect(known(true)).toEqual([0.5, 1, Number.NaN, Number.NaN, 5.5]);
    expect(strongest(matrix, valuesOf(matrix, false), 2)).toBe(3);
  });

  it("has an encoder's tokens before those of the decoder", () => {
    const matrix = matrixOf(two, numbers(2, 3, true));
    expect(rowOf(matrix, 0)).toEqual(["they", "are", "on", "<pad>"]);
    expect(rowOf(matrix, 1)).toEqual(["they", "are", "on", "<pad>", "sie"]);
    expect([matrix.effect(1, 0), matrix.effect(1, 4), matrix.apart]).toEqual([11, -12, 3]);
  });

  it("says cells, rows and all of it in words", () => {
    const matrix = matrixOf(one, numbers(4, 5));
    const shown = shownOf(matrix, valuesOf(matrix, false));
    expect(cellLabel(shown, 1, 2)).toBe("are → on: effect +13 (tested, predicted +6.5)");
    expect(cellLabel(shown, 0, 0)).toBe("The → are: contribution +0.5 (estimated)");
    expect(rowLabel(shown, 3)).toBe("is, piece 1 of 1 of the contrast: log-probability −3, most by keys +32");
    expect(sentence(shown)).toContain("are by keys +2; on by are +13;");
    expect(shown.peak).toBe(32);
    const empty = matrixOf(one, new Columns([], null));
    expect(cellLabel(shownOf(empty, valuesOf(empty, false)), 0, 0)).toBe("The → are: not known yet");
    expect(sentence(shownOf(empty, valuesOf(empty, false)))).toBe("");
  });

  it("says how far it is, and where it ended early", () => {
    const matrix = matrixOf(one, new Columns([], null));
    const state = (name: string) => ({ status: { state: name } }) as unknown as ExplanationHeader;
    expect(progress(state("running"), matrix)).toBe("Estimates of 0 of 4 pieces so far.");
    expect(progress(state("cancelled"), matrix)).toBe("It ended early: 0 of 4 pieces have estimates.");
    expect(progress(state("running"), matrixOf(one, numbers(4, 5)))).toBe("");
  });

  it.each([
    [5, 1168, 72],
    [5, 320, 43],
    [200, 1168, 12],
  ])("has cells for fingers: %i columns in %i pixels", (count, space, cell) => {
    const words = Array.from({ length: count }, (_, index) => `w${index}`);
    const wide = {
      score: { pieces: ["a", "b"], contrast_pieces: [], continuation: count - 1 },
      streams: [stream("input", ...words, "a")],
    } as unknown as ExplanationHeader;
    const lattice = latticeOf(matrixOf(wide, new Columns([], null)), space);
    expect([lattice.columns, lattice.cell]).toEqual([count, cell]);
  });
});

describe("one piece alone", () => {
  const given = (name: string, words = `the ${name}`, own = false) => ({
    ...{ name, code: "", words: [words], parts: [], own },
  });
  const asked = (...names: string[]) => later([], ...names.map((name) => given(name)));
  /** A question after others, the newest first. */
  const later = (past: ReturnType<typeof given>[][], ...now: ReturnType<typeof given>[]) => {
    const numbered = past.map((one, index) => ({ number: past.length - index, arguments: one }));
    return { arguments: now, inquiry: { past: numbered } } as unknown as ExplanationHeader;
  };
  const kernel = { kernel: true };

  it("is asked for without the contrast, and a piece of the contrast as a target", () => {
    const [, on, , is] = piecesOf(one);
    if (on === undefined || is === undefined) throw new Error("no pieces");
    expect(alone(kernel, asked("target"), on)).toEqual([{ name: "piece", words: ["1"] }]);
    expect(alone(kernel, asked("target", "contrast"), on)).toEqual([
      ...[
        { name: "piece", words: ["1"] },
        { name: "contrast", words: [""] },
      ],
    ]);
    expect(alone(kernel, asked("generate", "contrast"), is)).toEqual([
      ...[
        { name: "piece", words: ["0"] },
        { name: "target", words: ["the contrast"] },
      ],
      ...[
        { name: "contrast", words: [""] },
        { name: "generate", words: [""] },
      ],
    ]);
    expect(alone({ kernel: false }, asked("target"), on)).toBeNull();
    expect(alone(kernel, { ...asked("target"), inquiry: null }, on)).toBeNull();
  });

  it("goes back to all of them", () => {
    const changes = [{ name: "piece", words: [""] }];
    expect(together(kernel, asked("target", "piece"))).toEqual({ type: "ask", changes });
    expect(together(kernel, asked("target"))).toBeNull();
  });

  const whole = [given("text"), given("target"), given("contrast")];
  const [text, target] = [given("text"), given("target")];

  it.each([
    ["target", target],
    ["contrast", given("target", "the contrast")],
  ])("goes back to the question with the contrast, from a piece of the %s", (_, now) => {
    const other = [given("text", "another text"), target];
    const summary = later([[text, now, given("piece", "1")], other, whole], text, now, given("piece", "1"));
    expect(together(kernel, summary)).toEqual({ type: "recall", number: 1 });
  });

  it("brings back what the piece has replaced where something else was changed since", () => {
    const summary = later([whole], text, given("target", "the contrast"), given("piece"), given("rules"));
    expect(together(kernel, summary)).toEqual({
      type: "ask",
      changes: [
        { name: "piece", words: [""] },
        { name: "target", words: ["the target"] },
        { name: "contrast", words: ["the contrast"] },
        { name: "generate", words: [""] },
      ],
    });
  });
});
