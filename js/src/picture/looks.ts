/** What a style says, in the words of SVG. */

import { channels } from "../theme";

/** A colour that every program reads, and how much it covers (0-1). */
export interface Paint {
  colour: string;
  opacity: number;
}

export function paintOf(colour: string): Paint {
  if (!/^(rgb|color)/.test(colour)) return { colour: "none", opacity: 0 };
  const [red = 0, green = 0, blue = 0, opacity = 1] = channels(colour);
  const hex = [red, green, blue].map((one) => Math.round(one).toString(16).padStart(2, "0"));
  return { colour: `#${hex.join("")}`, opacity };
}

export const filled = ({ colour, opacity }: Paint) =>
  opacity >= 1 ? { fill: colour } : { fill: colour, "fill-opacity": short(opacity) };

export const stroked = ({ colour, opacity }: Paint, width: number) => ({
  fill: "none",
  stroke: colour,
  "stroke-width": short(width),
  ...(opacity >= 1 ? {} : { "stroke-opacity": short(opacity) }),
});

/** Few digits: a picture has thousands of places. */
export const short = (value: number): number => Math.round(value * 100) / 100;

interface Box {
  left: number;
  top: number;
  width: number;
  height: number;
}

/** The outline of a box, `inside` as far inside it; radii of its corners from the upper left one clockwise. */
export function outline({ left, top, width, height }: Box, radii: readonly number[], inside = 0): string {
  const [x, y, w, z] = [left + inside, top + inside, width - 2 * inside, height - 2 * inside];
  const most = Math.max(0, Math.min(w, z) / 2);
  const [a = 0, b = 0, c = 0, d = 0] = radii.map((radius) => Math.min(most, Math.max(0, radius - inside)));
  const arc = (radius: number, right: number, down: number) =>
    radius === 0 ? "" : `a${short(radius)} ${short(radius)} 0 0 1 ${short(right)} ${short(down)}`;
  return [
    `M${short(x + a)} ${short(y)}H${short(x + w - b)}${arc(b, b, b)}V${short(y + z - c)}${arc(c, -c, c)}`,
    `H${short(x + d)}${arc(d, -d, -d)}V${short(y + a)}${arc(a, a, -a)}Z`,
  ].join("");
}

/** The corners of `clip-path: polygon(...)` in a box; null of any other shape. */
export function polygon(clip: string, { left, top, width, height }: Box): string | null {
  const found = /^polygon\((.*)\)$/.exec(clip);
  if (found === null) return null;
  const length = (text: string, whole: number) =>
    text.endsWith("%") ? (Number.parseFloat(text) / 100) * whole : Number.parseFloat(text);
  return (found[1] ?? "")
    .split(",")
    .map((corner) => {
      const [x = "0", y = "0"] = corner.trim().split(/\s+/);
      return `${short(left + length(x, width))},${short(top + length(y, height))}`;
    })
    .join(" ");
}

/** The edge inside a box that `box-shadow: inset 0 0 0 <width>` draws; null where there is none. */
export function insetEdge(shadow: string): { paint: Paint; width: number } | null {
  const found = /^((?:rgba?|color)\([^)]*\)) 0px 0px 0px ([\d.]+)px inset$/.exec(shadow);
  return found === null ? null : { paint: paintOf(found[1] ?? ""), width: Number(found[2]) };
}
