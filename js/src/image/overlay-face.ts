/** The picture with its tints as a face: a place for each number, whatever it was cut by. */

import type { Box, Face, Lying, Spoken } from "../fields/face";
import type { Palette } from "../fields/palette";
import { brief, percent } from "../layout/numbers";
import type { Target } from "../selection";
import type { Backdrop } from "./backdrop";
import { type Shown, strengthsOf } from "./maps";
import { boxOf, placeAt, rowOf, sizeOf, widthOf } from "./raster";

// Of a tint at its strongest, how much of what lies below it is hidden.
const HIDES = 0.85;
// Pixels that a printed number needs, and the tint from which on it is worth one.
const ROOM = [42, 20] as const;
const PRINTED = 0.3;

export interface Overlay {
  shown: Shown;
  width: number;
  height: number;
  /** 0 shows what was given alone, 1 the tints at their strongest. */
  opacity: number;
  backdrop: Backdrop;
  /** Places that a chosen route passes, one after the other; null is none of the picture. */
  route: readonly (Box | null)[];
  /** A place in words and as a part. */
  spoken(place: number): Spoken;
  /** Where a part lies, from 0 to 1 along each side. */
  lying(target: Target): readonly Box[];
}

export function overlayFace(overlay: Overlay): Face {
  const { shown, width, height } = overlay;
  const { raster } = shown;
  const [count, columns] = [sizeOf(raster), widthOf(raster)];
  const box = (place: number) => boxOf(raster, place, width, height);
  return {
    width,
    height,
    strips: [],
    paint: (context, _, palette) => paint(overlay, context, palette),
    at: (x, y) => placeAt(raster, x / width, y / height),
    first: count === 0 ? null : 0,
    has: (place) => place < count,
    box,
    step: (place, right, up) => {
      const [row, column] = rowOf(raster, place);
      const next = place + right - up * columns;
      return column + right < 0 || column + right >= columns || row - up < 0 || next >= count ? null : next;
    },
    ends: (place) => [place - (place % columns), place - (place % columns) + columns - 1],
    spoken: overlay.spoken,
    lying: (target): Lying[] =>
      overlay.lying(target).map((one) => ({
        own: true,
        box: {
          left: one.left * width,
          top: one.top * height,
          width: one.width * width,
          height: one.height * height,
        },
      })),
  };
}

function paint(overlay: Overlay, context: CanvasRenderingContext2D, palette: Palette): void {
  const { shown, width, height, opacity, backdrop, route } = overlay;
  backdrop(context, { left: 0, top: 0, width, height }, opacity, palette);
  const strengths = strengthsOf(shown);
  const numbers: [string, number, number][] = [];
  strengths.forEach((strength, place) => {
    const { left, top, width: wide, height: tall } = boxOf(shown.raster, place, width, height);
    if (Number.isNaN(strength)) {
      context.strokeStyle = palette.quiet;
      context.setLineDash([2, 2]);
      context.strokeRect(left + 0.5, top + 0.5, wide - 1, tall - 1);
      context.setLineDash([]);
      return;
    }
    context.globalAlpha = opacity * Math.abs(strength) * HIDES;
    context.fillStyle = palette.named(strength < 0 ? "minus" : "mass");
    context.fillRect(left, top, wide, tall);
    context.globalAlpha = 1;
    if (opacity > 0 && wide >= ROOM[0] && tall >= ROOM[1] && Math.abs(strength) >= PRINTED)
      numbers.push([printed(shown, shown.values[place] ?? Number.NaN), left + wide / 2, top + tall / 2 + 4]);
  });
  write(context, numbers, palette);
  drawRoute(route, context, palette, width, height);
}

const printed = ({ scale, peak }: Shown, value: number): string =>
  scale === "share" ? percent(value) : scale === "signed" ? brief(value, peak) : "";

/** Numbers in a halo: what lies below them may have any colour. */
function write(
  context: CanvasRenderingContext2D,
  numbers: readonly [string, number, number][],
  { font, ink, paper }: Palette,
): void {
  context.font = `11px ${font}`;
  context.textAlign = "center";
  context.lineJoin = "round";
  context.lineWidth = 3;
  [context.strokeStyle, context.fillStyle] = [paper, ink];
  for (const [text, x, y] of numbers) {
    context.strokeText(text, x, y);
    context.fillText(text, x, y);
  }
}

function drawRoute(
  route: readonly (Box | null)[],
  context: CanvasRenderingContext2D,
  palette: Palette,
  width: number,
  height: number,
): void {
  const points = route.flatMap((box): [number, number][] =>
    box === null ? [] : [[(box.left + box.width / 2) * width, (box.top + box.height / 2) * height]],
  );
  const line = new Path2D();
  points.forEach(([x, y], index) => {
    if (index > 0) line.lineTo(x, y);
    line.moveTo(x + 4, y);
    line.arc(x, y, 4, 0, 2 * Math.PI);
    line.moveTo(x, y);
  });
  for (const [colour, wide] of [
    [palette.named("halo"), 5],
    [palette.named("route"), 2.5],
  ] as const) {
    [context.strokeStyle, context.lineWidth] = [colour, wide];
    context.stroke(line);
  }
}
