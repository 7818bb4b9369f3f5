/** Where a sentence names the parts that it is about, so that they can be pointed at; words stand between stars. */

import type { ExplanationHeader, Part, Sentence } from "./contract";
import { tokenName } from "./part-names";

export interface Piece {
  text: string;
  /** What the text names; null for all else. */
  part: Part | null;
  /** Whether it is a word of the text or of the answer. */
  word: boolean;
}

/** The sentence in pieces, in order; together they are its text without the stars. */
export function piecesOf({ text, parts }: Sentence, summary: ExplanationHeader): Piece[] {
  return text
    .split(/\*([^*]+)\*/)
    .flatMap((piece, index) => (index % 2 === 1 ? [quoted(piece, parts, summary)] : between(piece, parts)))
    .filter((piece) => piece.text !== "");
}

/** A word of the text, or of the answer, which is no part. */
function quoted(text: string, parts: readonly Part[], summary: ExplanationHeader): Piece {
  const part = parts.find(({ layer, head, branch, token, stream }) => {
    if (token === null || head !== null || branch !== null) return false;
    const where = layer === null ? stream : (summary.layers[layer]?.stream ?? 0);
    const name = tokenName(summary, token, where);
    return text === name || text === `${name} (${summary.streams[where]?.name})`;
  });
  return { text, part: part ?? null, word: true };
}

/** What stands between words, in which heads and layers are named. */
function between(text: string, parts: readonly Part[]): Piece[] {
  const named = parts.flatMap((part) => namesOf(part).map((name) => ({ name, part })));
  const pieces: Piece[] = [];
  let rest = text;
  while (rest !== "") {
    const [first] = named
      .map(({ name, part }) => ({ name, part, start: placeOf(rest, name) }))
      .filter(({ start }) => start >= 0)
      .sort((one, other) => one.start - other.start || other.name.length - one.name.length);
    if (first === undefined) break;
    const end = first.start + first.name.length;
    pieces.push({ text: rest.slice(0, first.start), part: null, word: false });
    pieces.push({ text: rest.slice(first.start, end), part: first.part, word: false });
    rest = rest.slice(end);
  }
  return [...pieces, { text: rest, part: null, word: false }];
}

function namesOf({ layer, branch, head }: Part): string[] {
  if (layer === null) return [];
  if (head !== null) return [`head ${layer}·${head}`, `Head ${layer}·${head}`];
  if (branch === "mlp") return [`the MLP of layer ${layer}`, `The MLP of layer ${layer}`];
  return branch === null ? [`layer ${layer}`] : [];
}

/** Where a name stands for itself: `head 1·1` is not in `head 1·10`. */
function placeOf(text: string, name: string): number {
  for (let start = text.indexOf(name); start >= 0; start = text.indexOf(name, start + 1))
    if (!/\d/.test(text[start + name.length] ?? "")) return start;
  return -1;
}
