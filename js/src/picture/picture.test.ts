// @vitest-environment happy-dom
import { readFileSync } from "node:fs";
import { describe, expect, it, vi } from "vitest";
import type { ExplanationHeader, Summary } from "../contract";
import { fixtures, mounted } from "../fake-model";
import { Field } from "../fields/field";
import { citationOf, fileName } from "./citation";
import { insetEdge, outline, paintOf, polygon } from "./looks";
import { described } from "./png";
import { onStage, wordsOf } from "./stage";
import { wrapped } from "./svg";
import { readable } from "./xml";

const summaryOf = (name: string) => structuredClone(fixtures[name]?.header) as Summary;

describe("the line that cites", () => {
  it("names version, model, text, score, reference and graph, also what is unusual", () => {
    const summary = summaryOf("explanation") as ExplanationHeader;
    const asked = { name: "semiring", code: '"entropy"', words: ["entropy"], parts: [], own: false };
    const cited = citationOf({
      ...summary,
      text: "The keys\nare",
      arguments: [asked],
      rules: "lrp",
      paths: "paths through layer 1",
    });
    const python = readFileSync(`${process.cwd()}/../semiring_widgets/_version.py`, "utf-8");
    expect(python).toContain(`"${/semiring_widgets (\S+)/.exec(cited)?.[1]}"`);
    for (const fact of [
      summary.model,
      "“The keys are”",
      summary.score.label,
      `compared with ${summary.reference?.label}`,
      "semiring entropy",
      `${summary.granularity} granularity`,
      "lrp rules",
      "paths through layer 1",
    ])
      expect(cited.split(" · ")).toContain(fact);
  });

  it.each(["comparison", "beside"])("is there for a %s", (name) => {
    const summary = summaryOf(name);
    expect(citationOf(summary)).toContain(summary.score.label);
    if (summary.type === "beside")
      for (const { text } of summary.sides) expect(citationOf(summary)).toContain(text);
  });

  it("is broken between words, and within those that are longer than a line", () => {
    const lengthOf = (words: string) => words.length;
    expect(wrapped("one two three", 7, lengthOf)).toEqual(["one two", "three"]);
    expect(wrapped("a abcdefg b", 3, lengthOf)).toEqual(["a", "abc", "def", "g b"]);
    expect(wrapped("", 7, lengthOf)).toEqual([]);
  });
});

describe("the name of a file", () => {
  it.each([
    ["The keys, to <b>../..", "semiring-widgets-the-keys-to-b.png"],
    ["Éclair", "semiring-widgets-e-clair.png"],
    ["鍵", "semiring-widgets.png"],
  ])("has nothing of %j that a file system refuses", (text, name) => {
    expect(fileName(text, "", "png")).toBe(name);
  });

  it("says which pane", () => {
    expect(fileName("a", "flow", "svg")).toBe("semiring-widgets-a-flow.svg");
  });
});

describe("styles in the words of SVG", () => {
  it.each([
    ["rgb(1, 2, 3)", "#010203", 1],
    ["rgba(255, 0, 0, 0.5)", "#ff0000", 0.5],
    ["color(srgb 1 0.5 0 / 0.25)", "#ff8000", 0.25],
    ["transparent", "none", 0],
  ])("reads %j", (colour, hex, opacity) => {
    expect(paintOf(colour)).toEqual({ colour: hex, opacity });
  });

  it("draws boxes with square and with round corners", () => {
    const box = { left: 1, top: 2, width: 10, height: 6 };
    expect(outline(box, [])).toBe("M1 2H11V8H1V2Z");
    expect(outline(box, [2, 0, 0, 0], 1)).toBe("M3 3H10V7H2V4a1 1 0 0 1 1 -1Z");
    expect(polygon("polygon(50% 0px, 100% 100%, 0px 100%)", box)).toBe("6,2 11,8 1,8");
    expect(polygon("inset(50%)", box)).toBeNull();
  });

  it("knows edges that are shadows", () => {
    expect(insetEdge("rgb(0, 0, 0) 0px 0px 0px 1.5px inset")).toEqual({
      paint: { colour: "#000000", opacity: 1 },
      width: 1.5,
    });
    expect(insetEdge("rgb(0, 0, 0) 2px 2px 4px 0px")).toBeNull();
  });

  it("knows what stylesheets write", () => {
    const element = document.createElement("i");
    element.setAttribute("data-value", "+0.3");
    expect(wordsOf("attr(data-value)", element)).toBe("+0.3");
    expect(wordsOf('"\\"x"', element)).toBe('"x');
    expect(wordsOf("none", element)).toBeNull();
  });
});

it("leaves out what XML may not hold, and nothing else", () => {
  expect(readable("a\0b\ud800c<&\u{1f511}\u00e9")).toBe("a\ufffdb\ufffdc<&\u{1f511}\u00e9");
});

it("writes into a PNG what was asked", () => {
  // One grey pixel.
  const pixel =
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAAAAAA6fptVAAAACklEQVR4nGNoAAAAggCBd81ytgAAAABJRU5ErkJggg==";
  const png = Uint8Array.from(atob(pixel), (letter) => letter.charCodeAt(0));
  const whole = described(png, "keys → are");
  const text = new TextDecoder().decode(whole);
  expect(text).toContain("iTXtDescription\0\0\0\0\0keys → are");
  expect(whole.length).toBe(
    png.length + 12 + new TextEncoder().encode("Description\0\0\0\0\0keys → are").length,
  );
});

describe("a picture that fails", () => {
  it("leaves the view as sharp as it was", () => {
    vi.useFakeTimers();
    const { root } = mounted("answered");
    const sharpened = vi.spyOn(Field.prototype, "sharpen").mockImplementation(() => {});
    vi.spyOn(Element.prototype, "getBoundingClientRect").mockReturnValue({ width: 9, height: 9 } as DOMRect);
    vi.spyOn(HTMLCanvasElement.prototype, "toDataURL").mockImplementation(() => {
      throw new Error("tainted");
    });
    expect(() => onStage(root, null, () => {})).toThrow("tainted");
    const fields = root.querySelectorAll(".field").length;
    expect(sharpened.mock.calls.slice(-fields)).toEqual(Array(fields).fill([null]));
    vi.restoreAllMocks();
    vi.useRealTimers();
  });
});
