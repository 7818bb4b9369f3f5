/** The answers that are packed in a page, unpacked when the first of them is asked for. */

import { fromBase64 } from "./columns";
import type { Answer, Packed, Request } from "./contract";

/** An answer and its numbers. */
export interface Held {
  header: Answer;
  buffer: Uint8Array;
}

export type Answers = Partial<Record<Request["type"], readonly Held[]>>;

const WORD = 4;

/** What a page holds; nothing, where it holds no answers. */
export async function unpacked(root: HTMLElement): Promise<Answers> {
  const element = root.querySelector<HTMLElement>('[data-semiring-widgets="answers"]');
  if (element === null) return {};
  const bytes = await gunzipped(fromBase64(element.textContent ?? ""));
  const length = new DataView(bytes.buffer).getUint32(0, true);
  const text = new TextDecoder().decode(bytes.subarray(WORD, WORD + length));
  const buffers = together(bytes.subarray(WORD + length));
  const { answers } = JSON.parse(text) as Packed;
  const held = Object.entries(answers).map(([type, found]) => [
    type,
    found.map(({ header, offset, nbytes }) => ({
      header,
      buffer: buffers.subarray(offset, offset + nbytes),
    })),
  ]);
  return Object.fromEntries(held) as Answers;
}

export async function gunzipped(bytes: Uint8Array): Promise<Uint8Array> {
  const stream = new Blob([bytes as BlobPart]).stream().pipeThrough(new DecompressionStream("gzip"));
  return new Uint8Array(await new Response(stream).arrayBuffer());
}

/** Bytes in their order again: the first bytes of all groups of four came first, which packs better. */
function together(planes: Uint8Array): Uint8Array {
  const groups = planes.length / WORD;
  const found = new Uint8Array(planes.length);
  for (let place = 0; place < WORD; place++)
    for (let group = 0; group < groups; group++)
      found[group * WORD + place] = planes[place * groups + group] ?? 0;
  return found;
}
