/** A picture as PNG, which also says in its own metadata what was asked. */

import type { Picture } from "./svg";

// Pixels for each of the picture's, and what browsers give a canvas at most.
const SCALE = 2;
const LONGEST = 16_000;
const LARGEST = 100_000_000;

export async function pngOf({ svg, width, height }: Picture, citation: string): Promise<Blob> {
  const image = new Image(width, height);
  // Not a blob's address: in a page from disk browsers take it for another site's, and give no pixels.
  image.src = `data:image/svg+xml;charset=utf-8,${encodeURIComponent(svg)}`;
  await image.decode();
  const scale = Math.min(SCALE, LONGEST / width, LONGEST / height, Math.sqrt(LARGEST / (width * height)));
  const canvas = document.createElement("canvas");
  canvas.width = Math.floor(width * scale);
  canvas.height = Math.floor(height * scale);
  const context = canvas.getContext("2d");
  if (context === null) throw new Error("This browser draws no pictures.");
  context.drawImage(image, 0, 0, canvas.width, canvas.height);
  const drawn = await new Promise<Blob | null>((done) => canvas.toBlob(done, "image/png"));
  if (drawn === null) throw new Error("The picture is too large for this browser.");
  const bytes = described(new Uint8Array(await drawn.arrayBuffer()), citation);
  return new Blob([bytes as Uint8Array<ArrayBuffer>], { type: "image/png" });
}

// The signature and the header, which comes first.
const START = 8 + 25;

/** A PNG file with a text chunk, `Description`, behind its header. */
export function described(png: Uint8Array, text: string): Uint8Array {
  const encoder = new TextEncoder();
  // Keyword, no compression, no language, no translated keyword.
  const content = encoder.encode(`iTXtDescription\0\0\0\0\0${text.replaceAll("\0", "\ufffd")}`);
  const chunk = new Uint8Array(content.length + 8);
  const view = new DataView(chunk.buffer);
  view.setUint32(0, content.length - 4);
  chunk.set(content, 4);
  view.setUint32(content.length + 4, checksum(content));
  const whole = new Uint8Array(png.length + chunk.length);
  whole.set(png.subarray(0, START));
  whole.set(chunk, START);
  whole.set(png.subarray(START), START + chunk.length);
  return whole;
}

/** CRC-32, as every chunk of a PNG has it. */
function checksum(bytes: Uint8Array): number {
  let register = 0xffffffff;
  for (const byte of bytes) {
    register ^= byte;
    for (let bit = 0; bit < 8; bit++) register = (register >>> 1) ^ (register & 1 ? 0xedb88320 : 0);
  }
  return ~register >>> 0;
}
