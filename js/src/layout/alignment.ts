/** Two texts one below the other: what stands in the place of what. */

export interface Pair {
  /** A token of the text; -1 where only the reference has one. */
  token: number;
  /** Its counterpart in the reference; -1 where there is none. */
  counterpart: number;
}

/** All tokens of both texts from left to right; a token of the reference alone stands before the next pair. */
export function pairs(tokens: number, references: number, aligned: readonly number[]): Pair[] {
  const taken = new Set(aligned);
  const found: Pair[] = [];
  let next = 0;
  const alone = (end: number) => {
    for (; next < end; next++) if (!taken.has(next)) found.push({ token: -1, counterpart: next });
  };
  for (let token = 0; token < tokens; token++) {
    const counterpart = aligned[token] ?? -1;
    alone(counterpart);
    found.push({ token, counterpart });
    next = Math.max(next, counterpart + 1);
  }
  alone(references);
  return found;
}
