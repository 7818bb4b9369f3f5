/** A picture of what a widget shows as one SVG document: the view, and below it a line that cites what was asked. */

import { h, svgElement } from "../dom";
import { drawn } from "./drawn";
import { filled, paintOf } from "./looks";
import { onStage } from "./stage";
import { readable } from "./xml";

export interface Picture {
  svg: string;
  width: number;
  height: number;
}

const MARGIN = 14;
const SIZE = 11;
const LINE = 16;
// Letters of a line of the citation cannot be measured where nothing is drawn.
const LETTER = 5.6;

/** @param pane what alone is pictured; null for all that is shown. */
export function pictureOf(root: HTMLElement, pane: HTMLElement | null, citation: string): Picture {
  const style = getComputedStyle(root);
  const [ink, ground] = [paintOf(style.getPropertyValue("color")), paintOf(style.backgroundColor)];
  const [shapes, size] = onStage(root, pane, (stage) => [
    drawn(stage),
    stage.element.getBoundingClientRect(),
  ]);
  const [width, below] = [Math.ceil(size.width) + 2 * MARGIN, Math.ceil(size.height) + 2 * MARGIN];
  const lines = wrapped(readable(citation), width - 2 * MARGIN, measured(style.fontFamily));
  const height = below + LINE * lines.length + MARGIN / 2;
  shapes.setAttribute("transform", `translate(${MARGIN} ${MARGIN})`);
  const cited = lines.map((line, index) =>
    svgElement("text", { x: MARGIN, y: below + SIZE + index * LINE }, line),
  );
  const document = svgElement(
    "svg",
    { width, height, viewBox: `0 0 ${width} ${height}`, role: "img" },
    svgElement("title", {}, readable(citation)),
    svgElement("rect", { width, height, ...filled(ground.opacity === 1 ? ground : paintOf(paper(root))) }),
    shapes,
    svgElement(
      "g",
      { "font-family": style.fontFamily, "font-size": SIZE, ...filled(ink), opacity: 0.75 },
      ...cited,
    ),
  );
  return { svg: new XMLSerializer().serializeToString(document), width, height };
}

const paper = ({ dataset }: HTMLElement): string =>
  dataset.theme === "dark" ? "rgb(21 24 28)" : "rgb(255 255 255)";

function measured(family: string): (words: string) => number {
  const context = h("canvas").getContext?.("2d") ?? null;
  if (context === null) return (words) => words.length * LETTER;
  context.font = `${SIZE}px ${family}`;
  return (words) => context.measureText(words).width;
}

/** Words in lines; only a word that is longer than a line is broken. */
export function wrapped(text: string, width: number, lengthOf: (words: string) => number): string[] {
  const lines: string[] = [];
  let line = "";
  for (const word of text.split(/\s+/).filter((one) => one !== "")) {
    const longer = line === "" ? word : `${line} ${word}`;
    if (lengthOf(longer) <= width) {
      line = longer;
      continue;
    }
    if (line !== "") lines.push(line);
    line = "";
    for (const letter of word) {
      if (line !== "" && lengthOf(line + letter) > width) {
        lines.push(line);
        line = "";
      }
      line += letter;
    }
  }
  return line === "" ? lines : [...lines, line];
}
