/**
 * What is to be pictured, as a copy of the view that is in the page for a moment only: without controls, and
 * with what stylesheets write as elements, since both take room, and only what is laid out has a place.
 */

import { h, put } from "../dom";
import { fieldOf } from "../fields/field";

/** A copy that is laid out, with the pictures that are pixels by the elements in whose place they are. */
export interface Stage {
  element: HTMLElement;
  pixels: Map<Element, Pixels[]>;
}

/** Pixels, and where they are from the upper left corner of their element. */
interface Pixels {
  source: string;
  left: number;
  top: number;
  width: number;
  height: number;
}

// What is asked with and not read.
const CONTROLS = [
  ...[
    ".ask",
    ".choices > :not(.scale-of-all)",
    ".picture",
    "details:not([open])",
    ".options",
    ".axes",
    ".find",
    ".ways-back",
    ".chip button",
    ".past",
    ".rover",
    ".told",
  ],
  ...["[role=tooltip]", "[hidden]", "button[data-action]:not([aria-pressed])", "form", "select", "input"],
].join();

// Of panes that wait for a click, what is left without their controls is a sentence that asks for it.
const EMPTY = "section[data-pane]:not(:has(canvas, svg, li, table, .token, .cell, .figure > *))";

// Sharper than most screens: a picture is also printed.
const SHARP = 3;

/** Act on a copy of the body of a widget, or of one of its panes. */
export function onStage<T>(root: HTMLElement, pane: HTMLElement | null, act: (stage: Stage) => T): T {
  const body = root.querySelector<HTMLElement>(".body") ?? root;
  const original = pane ?? body;
  const copy = original.cloneNode(true) as HTMLElement;
  const width = original.getBoundingClientRect().width;
  const element = h("div", {
    class: body.className,
    "aria-hidden": "true",
    style: `position:absolute;left:0;top:0;margin:0;width:${width}px`,
  });
  element.append(...(pane === null ? copy.childNodes : [copy]));
  const pixels = new Map<Element, Pixels[]>();
  const scrolled: [Element, Element][] = [];
  const fields = [...root.querySelectorAll(".field")].map(fieldOf);
  const copies = (pane === null ? element : copy).querySelectorAll("*");
  try {
    for (const field of fields) field?.sharpen(SHARP);
    [...original.querySelectorAll("*")].forEach((one, index) => {
      const other = copies[index];
      if (other === undefined) return;
      const found = pixelsOf(one);
      if (found.length > 0) pixels.set(other, found);
      // What draws in a tree of its own leaves that behind, and its room.
      if (one.shadowRoot !== null) keepSize(one, other as HTMLElement);
      if (one.scrollLeft !== 0 || one.scrollTop !== 0) scrolled.push([one, other]);
    });
  } finally {
    for (const field of fields) field?.sharpen(null);
  }
  if (isEmptyNotice(root)) element.querySelector(".notice")?.remove();
  for (const control of element.querySelectorAll(CONTROLS)) control.remove();
  if (pane === null) for (const waiting of element.querySelectorAll(EMPTY)) waiting.remove();
  root.append(element);
  try {
    writeOut(element);
    for (const [one, other] of scrolled) other.scrollTo(one.scrollLeft, one.scrollTop);
    return act({ element, pixels });
  } finally {
    element.remove();
  }
}

/** Whether nothing is selected: then it says how to select. */
function isEmptyNotice({ dataset }: HTMLElement): boolean {
  const parts = [dataset.selection, dataset.avoiding, dataset.among];
  // A corpus has no parts.
  return dataset.selection !== undefined && parts.every((some) => (some ?? "[]") === "[]");
}

function keepSize(one: Element, other: HTMLElement): void {
  const { width, height } = one.getBoundingClientRect();
  other.style.cssText += `;display:block;width:${width}px;height:${height}px`;
}

/** A canvas, and all of what draws in a tree of its own, as charts do. */
function pixelsOf(element: Element): Pixels[] {
  if (element instanceof HTMLCanvasElement) {
    const { width, height } = element.getBoundingClientRect();
    return width * height === 0 ? [] : [{ source: element.toDataURL(), left: 0, top: 0, width, height }];
  }
  if (element.shadowRoot === null) return [];
  const { left, top } = element.getBoundingClientRect();
  return canvasesIn(element.shadowRoot).flatMap((canvas) => {
    const box = canvas.getBoundingClientRect();
    return pixelsOf(canvas).map((one) => ({ ...one, left: box.left - left, top: box.top - top }));
  });
}

function canvasesIn(tree: ParentNode): HTMLCanvasElement[] {
  return [...tree.querySelectorAll("*")].flatMap((element) => {
    if (element instanceof HTMLCanvasElement) return [element];
    return element.shadowRoot === null ? [] : canvasesIn(element.shadowRoot);
  });
}

const WRITTEN = "data-written";
const LOOKS = [
  ...[
    "display",
    "box-sizing",
    "width",
    "height",
    "min-height",
    "margin",
    "padding",
    "border-radius",
    "clip-path",
  ],
  ...[
    "border-top",
    "border-right",
    "border-bottom",
    "border-left",
    "background-color",
    "color",
    "vertical-align",
  ],
  ...["font-size", "font-style", "font-weight", "font-variant-numeric", "line-height", "white-space"],
];

/** What `::before` and `::after` show, as elements: these have no place that can be asked for. */
function writeOut(stage: HTMLElement): void {
  const found: [Element, HTMLElement, "prepend" | "append"][] = [];
  for (const element of stage.querySelectorAll("*"))
    for (const [name, where] of [
      ["::before", "prepend"],
      ["::after", "append"],
    ] as const) {
      const style = getComputedStyle(element, name);
      const words = wordsOf(style.content, element);
      if (words === null) continue;
      const looks = LOOKS.map((property) => `${property}:${style.getPropertyValue(property)}`).join(";");
      found.push([element, h("span", { style: looks }, words), where]);
    }
  stage.prepend(h("style", {}, `[${WRITTEN}]::before, [${WRITTEN}]::after { content: none !important; }`));
  for (const [element, written, where] of found) {
    put(element, { [WRITTEN]: "" });
    element[where](written);
  }
}

/** The words of a `content`; null where nothing is drawn. */
export function wordsOf(content: string, element: Element): string | null {
  const attribute = /^attr\(([\w-]+)\)$/.exec(content);
  if (attribute !== null) return element.getAttribute(attribute[1] ?? "") ?? "";
  const quoted = /^"((?:[^"\\]|\\.)*)"/.exec(content);
  return quoted === null ? null : (quoted[1] ?? "").replaceAll(/\\(.)/g, "$1");
}
