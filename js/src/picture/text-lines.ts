/** A text as the lines that the browser made of it. */

import type { Box } from "../fields/face";

export interface Line {
  words: string;
  box: Box;
}

/** Letter by letter: of a text that goes over lines only letters have a place. */
export function linesOf(node: Text): Line[] {
  const lines: Line[] = [];
  const range = document.createRange();
  let place = 0;
  for (const letter of node.data) {
    range.setStart(node, place);
    place += letter.length;
    range.setEnd(node, place);
    const box = range.getClientRects()[0];
    const blank = /\s/.test(letter);
    // A blank that is not shown has no width; a mark that is set on a letter has none either.
    if (box === undefined || (blank && box.width === 0)) continue;
    const last = lines.at(-1);
    if (last !== undefined && Math.abs(last.box.top - box.top) < last.box.height / 2) {
      last.words += blank ? " " : letter;
      const left = Math.min(last.box.left, box.left);
      const right = Math.max(last.box.left + last.box.width, box.right);
      last.box = { ...last.box, left, width: right - left };
    } else
      lines.push({
        words: blank ? " " : letter,
        box: { left: box.left, top: box.top, width: box.width, height: box.height },
      });
  }
  return lines.filter(({ words }) => words.trim() !== "");
}
