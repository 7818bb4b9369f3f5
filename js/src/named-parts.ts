/** Where a sentence names the parts that it is about, so that they can be pointed at. */

import type { ExplanationHeader, Part, Sentence } from "./contract";

export interface Piece {
  text: string;
  /** What the text names; null for the words between. */
  part: Part | null;
}

/** The sentence in pieces, in order; together they are its text. */
export function piecesOf({ text, parts }: Sentence, summary: ExplanationHeader): Piece[] {
  const taken: { start: number; end: number; part: Part }[] = [];
  // Long names first: "the" must not take its place in the name of another part.
  const named = parts
    .flatMap((part) => namesOf(part, summary).map((name) => ({ name, part })))
    .sort((one, other) => other.name.length - one.name.length);
  for (const { name, part } of named) {
    for (const [start, end] of places(text, name)) {
      if (taken.some((other) => start < other.end && other.start < end)) continue;
      taken.push({ start, end, part });
    }
  }
  taken.sort((one, other) => one.start - other.start);
  const pieces: Piece[] = [];
  let done = 0;
  for (const { start, end, part } of taken) {
    if (start > done) pieces.push({ text: text.slice(done, start), part: null });
    pieces.push({ text: text.slice(start, end), part });
    done = end;
  }
  if (done < text.length) pieces.push({ text: text.slice(done), part: null });
  return pieces;
}

function namesOf({ layer, branch, head, token, stream }: Part, summary: ExplanationHeader): string[] {
  if (layer === null || (head === null && branch === null && token !== null)) {
    const text =
      summary.streams[layer === null ? stream : (summary.layers[layer]?.stream ?? 0)]?.tokens[
        token ?? -1
      ]?.text.trim();
    return text ? [text] : [];
  }
  if (head !== null) return [`head ${layer}·${head}`, `Head ${layer}·${head}`];
  if (branch === "mlp") return [`the MLP of layer ${layer}`, `The MLP of layer ${layer}`, `MLP ${layer}`];
  return [`layer ${layer}`];
}

/** Every place of a name that stands for itself; a first word of a sentence is taken only where there is no other. */
function places(text: string, name: string): [number, number][] {
  const inWord = /[\p{L}\p{N}]/u;
  const found: [number, number][] = [];
  for (let start = text.indexOf(name); start >= 0; start = text.indexOf(name, start + 1)) {
    const [before, after] = [text[start - 1] ?? "", text[start + name.length] ?? ""];
    const cut = (one: string, edge = "") => inWord.test(one) && inWord.test(edge);
    if (!cut(before, name[0]) && !cut(after, name.at(-1))) found.push([start, start + name.length]);
  }
  const later = found.filter(([start]) => start > 0);
  return later.length > 0 ? later : found;
}
