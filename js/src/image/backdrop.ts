/** What the model was given, as a canvas: a picture in colour and in grey, or a waveform. */

import type { Columns } from "../columns";
import type { Box } from "../fields/face";
import { channels, type Palette } from "../fields/palette";

/** Draws what lies below the tints; the stronger these are, the less colour it has of its own. */
export type Backdrop = (
  context: CanvasRenderingContext2D,
  box: Box,
  strength: number,
  palette: Palette,
) => void;

// Of a picture in grey, how dark its black is and how much of its contrast is left; tints are seen on both.
const LIGHT = [84, 0.6] as const;
const DARK = [20, 0.6] as const;
// From tints of this strength on the picture has so little colour of its own that it is not taken for theirs;
// some is left, since things of different colours may be equally bright.
const [GREY, MOST] = [0.6, 0.82];
// Red, green and blue of letters that stand on dark paper.
const BRIGHT = 382;

export function backdropOf(columns: Columns): Backdrop {
  const picture = columns.get("picture");
  if (picture !== undefined) return ofPicture(picture.shape, picture.data as Uint8Array);
  const wave = columns.get("waveform");
  return wave === undefined ? () => {} : ofSound(wave.shape[1] ?? 0, wave.data as Float32Array);
}

function ofPicture([height = 1, width = 1]: readonly number[], data: Uint8Array): Backdrop {
  const layers = new Map<string, HTMLCanvasElement>();
  const layer = (name: string, shade: (place: number) => readonly number[]) => {
    const known = layers.get(name);
    if (known !== undefined) return known;
    const canvas = document.createElement("canvas");
    [canvas.width, canvas.height] = [width, height];
    const context = canvas.getContext("2d");
    const image = new ImageData(width, height);
    for (let place = 0; place < width * height; place++) image.data.set([...shade(place), 255], 4 * place);
    context?.putImageData(image, 0, 0);
    layers.set(name, canvas);
    return canvas;
  };
  const rgb = (place: number) => data.subarray(3 * place, 3 * place + 3);
  return (context, { left, top, width: wide, height: tall }, strength, { ink }) => {
    const dark = channels(ink).reduce((sum, channel) => sum + channel, 0) > BRIGHT;
    const [black, contrast] = dark ? DARK : LIGHT;
    const grey = (place: number) => {
      const [red = 0, green = 0, blue = 0] = rgb(place);
      return Array(3).fill(black + (contrast * (red + green + blue)) / 3);
    };
    // Single pixels stay sharp: many models see few.
    context.imageSmoothingEnabled = wide < 2 * width;
    context.drawImage(
      layer("colour", (place) => [...rgb(place)]),
      left,
      top,
      wide,
      tall,
    );
    if (strength === 0) return;
    context.globalAlpha = MOST * Math.min(1, strength / GREY);
    context.drawImage(layer(dark ? "dark" : "light", grey), left, top, wide, tall);
    context.globalAlpha = 1;
  };
}

function ofSound(bins: number, ends: Float32Array): Backdrop {
  const peak = ends.reduce((most, value) => Math.max(most, Math.abs(value)), 0) || 1;
  return (context, { left, top, width, height }, _, palette) => {
    context.fillStyle = palette.quiet;
    const at = (value: number) => top + (height / 2) * (1 - (0.94 * value) / peak);
    for (let bin = 0; bin < bins; bin++) {
      const [low, high] = [at(ends[bin] ?? 0), at(ends[bins + bin] ?? 0)];
      context.fillRect(
        left + (bin * width) / bins,
        high,
        Math.max(0.6, width / bins),
        Math.max(0.6, low - high),
      );
    }
  };
}
