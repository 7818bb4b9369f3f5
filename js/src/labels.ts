/** Labels that are too long for their place, cut between what people call characters. */

// Ideographs, syllables, wide forms and emoji take two columns.
const WIDE =
  /^(?:[\u1100-\u115f\u2e80-\ua4cf\uac00-\ud7a3\uf900-\ufaff\ufe30-\ufe6f\uff00-\uff60\uffe0-\uffe6]|\p{Emoji_Presentation})/u;

// Most words: each character is a letter.
const PLAIN = /^[\x20-\x7e]*$/;

const BROAD = /^[mwMW@%]/;

/** The text in units that must not be cut: letters with their accents, emoji sequences, flags. */
function graphemes(text: string): string[] {
  if (PLAIN.test(text)) return text.split("");
  // Firefox has it since version 125; before, code points are the next best thing.
  if (typeof Intl.Segmenter !== "function") return [...text];
  return Array.from(new Intl.Segmenter().segment(text), ({ segment }) => segment);
}

/** The text, at most as many columns wide. */
export function shortened(text: string, columns: number): string {
  const units = graphemes(text);
  const widths = units.map((unit) => (WIDE.test(unit) ? 2 : BROAD.test(unit) ? 1.5 : 1));
  if (widths.reduce((sum, width) => sum + width, 0) <= columns) return text;
  let room = columns - 1;
  let kept = 0;
  while (room >= (widths[kept] ?? 0)) {
    room -= widths[kept] ?? 0;
    kept += 1;
  }
  return `${units.slice(0, kept).join("")}…`;
}
