/** One piece of a continuation asked for alone, and all of them again: what is then asked otherwise. */

import { isOwn, wordsOf } from "../ask/values";
import type { Change, ExplanationHeader } from "../contract";
import type { State } from "../store";
import type { Piece } from "./matrix";

type Asked = Pick<ExplanationHeader, "arguments" | "inquiry">;

const taken = (summary: Asked, name: string): Change[] =>
  summary.arguments.some((one) => one.name === name) ? [{ name, words: [""] }] : [];

/** The changes; null where nobody can be asked, or a list of ids, which words cannot give, would be the target. */
export function alone({ kernel }: Pick<State, "kernel">, summary: Asked, piece: Piece): Change[] | null {
  if (!kernel || summary.inquiry === null) return null;
  const one = { name: "piece", words: [`${piece.number}`] };
  if (piece.of === "target") return [one, ...taken(summary, "contrast")];
  if (isOwn(summary.arguments, "contrast")) return null;
  const words = wordsOf(summary.arguments, "contrast");
  return [one, { name: "target", words }, ...taken(summary, "contrast"), ...taken(summary, "generate")];
}

/** The changes after which all pieces are asked for; null where they are, or nobody can be asked. */
export function together({ kernel }: Pick<State, "kernel">, summary: Asked): Change[] | null {
  const changes = taken(summary, "piece");
  return kernel && summary.inquiry !== null && changes.length > 0 ? changes : null;
}
