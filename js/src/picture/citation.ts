/** The line below a picture that says what was asked; `settings_line` of pictures/card.py writes the same. */

import { version } from "../../labextension/package.json";
import { quoted, wordsOf } from "../ask/values";
import type { ExplanationHeader, Summary } from "../contract";
import type { CorpusHeader } from "../corpus/contract";

// Longer texts are told by their beginning.
const TEXT = 300;

export function citationOf(summary: Summary): string {
  const texts = summary.type === "beside" ? summary.sides.map(({ text }) => text) : [summary.text];
  return cited([
    summary.model,
    quoted(texts, TEXT),
    summary.score.label,
    ...(summary.type === "explanation" ? settings(summary) : []),
    summary.paths,
  ]);
}

/** @param chosen which of the texts are shown. */
export const citationOfCorpus = ({ name, asked }: CorpusHeader, chosen: string): string =>
  cited([name, chosen, asked]);

const cited = (facts: readonly string[]): string =>
  [`semiring_widgets ${version}`, ...facts].filter((fact) => fact !== "").join(" · ");

function settings({ arguments: asked, reference, granularity, level, rules }: ExplanationHeader): string[] {
  const semiring = wordsOf(asked, "semiring")[0] ?? "";
  const graph = [
    [granularity, "granularity"],
    [level, "level"],
    [rules, "rules"],
  ].flatMap(([value, name]) => (value === "" ? [] : [`${value} ${name}`]));
  return [
    reference === null ? "" : `compared with ${reference.label}`,
    semiring === "" ? "" : `semiring ${semiring}`,
    ...graph,
  ];
}

/** The name of a file, from words of the text that every file system takes. */
export function fileName(text: string, pane: string, ending: "png" | "svg"): string {
  const words =
    text
      .normalize("NFKD")
      .toLowerCase()
      .match(/[a-z0-9]+/g) ?? [];
  const told = words.join("-").slice(0, 40).replace(/-$/, "");
  return `${["semiring-widgets", told, pane].filter((part) => part !== "").join("-")}.${ending}`;
}
