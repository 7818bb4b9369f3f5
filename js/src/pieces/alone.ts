/** One piece of a continuation asked for alone, and all of them again: what is then asked. */

import { isOwn, wordsOf } from "../ask/values";
import type { Argument, AskRequest, Change, ExplanationHeader, RecallRequest } from "../contract";
import type { State } from "../store";
import type { Piece } from "./matrix";

type Asked = Pick<ExplanationHeader, "arguments" | "inquiry">;
type Arguments = readonly Argument[];

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

/** What asks for all pieces again; null where they are, or nobody can be asked. */
export function together(
  { kernel }: Pick<State, "kernel">,
  summary: Asked,
): AskRequest | RecallRequest | null {
  const { arguments: asked, inquiry } = summary;
  const changes = taken(summary, "piece");
  if (!kernel || inquiry === null || changes.length === 0) return null;
  const before = inquiry.past.find((past) => isWhole(past.arguments, asked));
  if (before === undefined) return { type: "ask", changes };
  if (others(before.arguments) === others(asked)) return { type: "recall", number: before.number };
  // Something else was changed since: of the question before only what the piece has replaced.
  for (const name of REPLACED)
    if (!isOwn(before.arguments, name)) changes.push({ name, words: [...wordsOf(before.arguments, name)] });
  return { type: "ask", changes };
}

// What a piece alone may be asked without, or with another.
const REPLACED = ["target", "contrast", "generate"];

/** Whether one of the pieces of an earlier question is what is asked now. */
function isWhole(before: Arguments, now: Arguments): boolean {
  const words = (asked: Arguments, name: string) => wordsOf(asked, name).join("\n");
  const target = words(now, "target");
  return (
    !before.some(({ name }) => name === "piece") &&
    words(before, "text") === words(now, "text") &&
    ["target", "contrast"].some((name) => words(before, name) === target)
  );
}

/** All arguments that do not say which piece. */
function others(asked: Arguments): string {
  const kept = asked.filter(({ name }) => name !== "piece" && !REPLACED.includes(name));
  return JSON.stringify(kept.map(({ name, words, parts }) => [name, words, parts]).sort());
}
