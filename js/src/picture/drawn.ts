/** A laid-out element as shapes of SVG: boxes, edges, lines of text, pictures, each where the browser put it. */

import { svgElement } from "../dom";
import type { Box } from "../fields/face";
import { overlaps } from "../fields/face";
import { filled, insetEdge, outline, paintOf, polygon, short, stroked } from "./looks";
import type { Stage } from "./stage";
import { type Line, linesOf } from "./text-lines";
import { readable } from "./xml";

interface Drawing {
  into: SVGElement;
  stage: Stage;
  /** The upper left corner of the picture on the screen. */
  left: number;
  top: number;
  clips: Map<string, SVGElement>;
  ascent(font: string): number;
}

/** What is in sight, and how much everything around lets through. */
interface Sight {
  clip: Box | null;
  opacity: number;
}

/** The shapes of a stage, from its upper left corner on. */
export function drawn(stage: Stage): SVGElement {
  const { left, top } = stage.element.getBoundingClientRect();
  const into = svgElement("g");
  const drawing = { into, stage, left, top, clips: new Map(), ascent: ascents() };
  draw(drawing, stage.element, { clip: null, opacity: 1 });
  if (drawing.clips.size > 0) into.prepend(svgElement("defs", {}, ...drawing.clips.values()));
  return into;
}

function draw(drawing: Drawing, element: Element, around: Sight): void {
  const style = getComputedStyle(element);
  if (style.display === "none" || element.localName === "style") return;
  const sight = { ...around, opacity: around.opacity * Number(style.opacity || 1) };
  const shown = style.visibility === "visible";
  if (shown) boxes(drawing, element, style, sight);
  for (const { source, ...place } of drawing.stage.pixels.get(element) ?? []) {
    const own = boxIn(drawing, element.getBoundingClientRect());
    const box = { ...place, left: own.left + place.left, top: own.top + place.top };
    add(drawing, "image", { ...at(box), href: source, preserveAspectRatio: "none" }, box, sight);
  }
  if (element instanceof SVGSVGElement) {
    nested(drawing, element, sight);
    return;
  }
  const clips = style.overflowX !== "visible" || style.clipPath.startsWith("inset");
  const inside = clips ? { ...sight, clip: both(sight.clip, innerBox(drawing, element)) } : sight;
  const children = [...element.childNodes].map((node) => [node, depth(node)] as const);
  // What is stacked higher covers what comes after it.
  for (const [node] of children.sort(([, one], [, other]) => one - other))
    if (node instanceof Element) draw(drawing, node, inside);
    else if (shown && node instanceof Text)
      for (const line of linesOf(node)) text(drawing, line, style, inside);
}

const depth = (node: Node): number =>
  node instanceof Element ? Number.parseInt(getComputedStyle(node).zIndex, 10) || 0 : 0;

/** Ground and edges of an element. */
function boxes(drawing: Drawing, element: Element, style: CSSStyleDeclaration, sight: Sight): void {
  const ground = paintOf(style.backgroundColor);
  const shadow = insetEdge(style.boxShadow);
  const sides = (["Top", "Right", "Bottom", "Left"] as const).map((side) => ({
    width: style[`border${side}Style`] === "none" ? 0 : Number.parseFloat(style[`border${side}Width`]),
    paint: paintOf(style[`border${side}Color`]),
    dashed: style[`border${side}Style`] === "dashed",
  }));
  const ring = Number.parseFloat(style.outlineWidth) || 0;
  const ringed = style.outlineStyle !== "none" && ring > 0;
  const hatched = style.backgroundImage.includes("repeating-linear-gradient");
  const edged = sides.some(({ width, paint }) => width > 0 && paint.opacity > 0);
  if (ground.opacity === 0 && shadow === null && !edged && !ringed && !hatched) return;
  for (const rectangle of element.getClientRects()) {
    const box = boxIn(drawing, rectangle);
    if (box.width === 0 || box.height === 0) continue;
    const radius = (value: string) =>
      value.endsWith("%") ? (Number.parseFloat(value) / 100) * box.width : Number.parseFloat(value);
    const radii = [
      style.borderTopLeftRadius,
      style.borderTopRightRadius,
      style.borderBottomRightRadius,
      style.borderBottomLeftRadius,
    ].map(radius);
    const path = (inside: number, looks: Record<string, string | number>) =>
      add(drawing, "path", { d: outline(box, radii, inside), ...looks }, box, sight);
    const corners = polygon(style.clipPath, box);
    if (corners !== null) add(drawing, "polygon", { points: corners, ...filled(ground) }, box, sight);
    else if (ground.opacity > 0) path(0, filled(ground));
    if (hatched) hatching(drawing, box, sight, paintOf(style.borderTopColor));
    // An edge as broad as that covers the whole box.
    if (shadow !== null && 2 * shadow.width >= box.height) path(0, filled(shadow.paint));
    else if (shadow !== null) path(shadow.width / 2, stroked(shadow.paint, shadow.width));
    if (edged) edges(drawing, box, sides, path, sight);
    if (ringed) {
      const away = -(Number.parseFloat(style.outlineOffset) || 0) - ring / 2;
      path(away, stroked(paintOf(style.outlineColor), ring));
    }
  }
}

interface Side {
  width: number;
  paint: ReturnType<typeof paintOf>;
  dashed: boolean;
}

function edges(
  drawing: Drawing,
  box: Box,
  sides: readonly Side[],
  path: (inside: number, looks: Record<string, string | number>) => void,
  sight: Sight,
): void {
  const looks = ({ paint, width, dashed }: Side) => ({
    ...stroked(paint, width),
    ...(dashed ? { "stroke-dasharray": `${2 * width} ${2 * width}` } : {}),
  });
  const [first] = sides;
  if (first !== undefined && sides.every((side) => JSON.stringify(side) === JSON.stringify(first))) {
    path(first.width / 2, looks(first));
    return;
  }
  const [right, bottom] = [box.left + box.width, box.top + box.height];
  sides.forEach((side, index) => {
    if (side.width === 0 || side.paint.opacity === 0) return;
    const half = side.width / 2;
    const y = index === 0 ? box.top + half : bottom - half;
    const x = index === 1 ? right - half : box.left + half;
    const ends =
      index % 2 === 0 ? { x1: box.left, y1: y, x2: right, y2: y } : { x1: x, y1: box.top, x2: x, y2: bottom };
    add(drawing, "line", { ...ends, ...looks(side) }, box, sight);
  });
}

// Pixels between two lines of a ground that says that nothing is known.
const APART = 6;

function hatching(drawing: Drawing, box: Box, sight: Sight, paint: ReturnType<typeof paintOf>): void {
  const clip = both(sight.clip, box);
  for (let x = box.left - box.height; x < box.left + box.width; x += APART) {
    const line = {
      x1: short(x),
      y1: short(box.top + box.height),
      x2: short(x + box.height),
      y2: short(box.top),
    };
    const around = { left: x, top: box.top, width: box.height, height: box.height };
    add(drawing, "line", { ...line, ...stroked(paint, 1) }, around, { ...sight, clip });
  }
}

function text(
  drawing: Drawing,
  { words, box: onScreen }: Line,
  style: CSSStyleDeclaration,
  sight: Sight,
): void {
  const box = boxIn(drawing, onScreen);
  const paint = paintOf(style.color);
  if (paint.opacity === 0) return;
  const font = `${style.fontStyle} ${style.fontWeight} ${style.fontSize} ${style.fontFamily}`;
  const attributes: Record<string, string | number> = {
    x: short(box.left),
    y: short(box.top + box.height * drawing.ascent(font)),
    "font-family": style.fontFamily,
    "font-size": Number.parseFloat(style.fontSize),
    ...filled(paint),
    "xml:space": "preserve",
  };
  if (style.fontWeight !== "400") attributes["font-weight"] = style.fontWeight;
  if (style.fontStyle !== "normal") attributes["font-style"] = style.fontStyle;
  const under = decoration(style);
  if (under !== "none") attributes["text-decoration"] = under;
  // In whatever font it is read, a line is as long as its place.
  if ([...words].length > 1)
    Object.assign(attributes, { textLength: short(box.width), lengthAdjust: "spacingAndGlyphs" });
  add(drawing, "text", attributes, box, sight, readable(words));
}

const decoration = (style: CSSStyleDeclaration): string => style.textDecorationLine || "none";

/** A drawing of the view's own, with the looks that stylesheets give it. */
function nested(drawing: Drawing, original: SVGSVGElement, sight: Sight): void {
  const box = boxIn(drawing, original.getBoundingClientRect());
  if (box.width === 0 || box.height === 0) return;
  const copy = looking(original) as SVGSVGElement;
  for (const [name, value] of Object.entries(at(box))) copy.setAttribute(name, String(value));
  place(drawing, copy, box, sight);
}

const PRESENTED = [
  ...[
    "fill",
    "fill-opacity",
    "stroke",
    "stroke-width",
    "stroke-opacity",
    "stroke-dasharray",
    "stroke-linecap",
  ],
  ...["stroke-linejoin", "opacity", "font-family", "font-size", "font-weight", "font-style", "text-anchor"],
  ...["dominant-baseline", "paint-order"],
];
const OWN = /^(class|style|role|tabindex|id|data-.*|aria-.*|on.*)$/;

function looking(element: Element): Element {
  const copy = element.cloneNode(false) as Element;
  for (const { name } of [...copy.attributes]) if (OWN.test(name)) copy.removeAttribute(name);
  const style = getComputedStyle(element);
  for (const name of PRESENTED) {
    const value = style.getPropertyValue(name);
    if (/^(rgb|color)/.test(value)) {
      const { colour, opacity } = paintOf(value);
      copy.setAttribute(name, colour);
      const part = `${name}-opacity`;
      if (opacity < 1) copy.setAttribute(part, String(opacity * Number(style.getPropertyValue(part) || 1)));
    } else if (value !== "" && !copy.hasAttribute(name)) copy.setAttribute(name, value);
  }
  for (const child of element.childNodes) {
    if (child instanceof Text) copy.append(readable(child.data));
    else if (child instanceof SVGElement && getComputedStyle(child).display !== "none")
      copy.append(looking(child));
  }
  return copy;
}

function add(
  drawing: Drawing,
  tag: "path" | "line" | "text" | "image" | "polygon",
  attributes: Record<string, string | number>,
  box: Box,
  sight: Sight,
  ...children: string[]
): void {
  place(drawing, svgElement(tag, attributes, ...children), box, sight);
}

/** Put a shape into the picture, cut where something around it cuts. */
function place({ into, clips }: Drawing, shape: SVGElement, box: Box, { clip, opacity }: Sight): void {
  if (opacity < 1)
    shape.setAttribute("opacity", String(short(opacity * Number(shape.getAttribute("opacity") ?? 1))));
  if (clip === null || contains(clip, box)) {
    into.append(shape);
    return;
  }
  if (!overlaps(clip, box)) return;
  const key = Object.values(at(clip)).join();
  const id = `cut-${[...clips.keys(), key].indexOf(key) + 1}`;
  if (!clips.has(key)) clips.set(key, svgElement("clipPath", { id }, svgElement("rect", at(clip))));
  into.append(svgElement("g", { "clip-path": `url(#${id})` }, shape));
}

const contains = (outer: Box, inner: Box): boolean =>
  inner.left >= outer.left - 0.5 &&
  inner.top >= outer.top - 0.5 &&
  inner.left + inner.width <= outer.left + outer.width + 0.5 &&
  inner.top + inner.height <= outer.top + outer.height + 0.5;

function both(one: Box | null, other: Box): Box {
  if (one === null) return other;
  const [left, top] = [Math.max(one.left, other.left), Math.max(one.top, other.top)];
  const right = Math.min(one.left + one.width, other.left + other.width);
  const bottom = Math.min(one.top + one.height, other.top + other.height);
  return { left, top, width: Math.max(0, right - left), height: Math.max(0, bottom - top) };
}

const boxIn = ({ left, top }: Pick<Drawing, "left" | "top">, box: Box): Box => ({
  left: box.left - left,
  top: box.top - top,
  width: box.width,
  height: box.height,
});

/** Inside the edges and beside the scroll bars. */
function innerBox(drawing: Drawing, element: Element): Box {
  const box = boxIn(drawing, element.getBoundingClientRect());
  const { clientLeft, clientTop, clientWidth, clientHeight } = element;
  if (clientWidth === 0) return box;
  return { left: box.left + clientLeft, top: box.top + clientTop, width: clientWidth, height: clientHeight };
}

const at = ({ left, top, width, height }: Box) => ({
  x: short(left),
  y: short(top),
  width: short(width),
  height: short(height),
});

/** What part of the height of a line is above its baseline, by its font. */
function ascents(): (font: string) => number {
  const context = document.createElement("canvas").getContext("2d");
  const known = new Map<string, number>();
  return (font) => {
    const found = known.get(font);
    if (found !== undefined || context === null) return found ?? 0.8;
    context.font = font;
    const { fontBoundingBoxAscent: above, fontBoundingBoxDescent: below } = context.measureText("x");
    const share = above / (above + below);
    known.set(font, share);
    return share;
  };
}
