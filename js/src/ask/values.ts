/** What stands in the fields of a question, what of it was changed, and how a question is said in a line. */

import type { Argument, Change, ExplanationHeader, PastQuestion } from "../contract";
import { brief } from "../layout/numbers";
import { SETTINGS, type Setting } from "./settings";

export type Name = keyof typeof SETTINGS;
export const NAMES = Object.keys(SETTINGS) as Name[];
export const settingOf = (name: Name): Setting => SETTINGS[name];

/** Words in the fields, by the name of the argument; those of a pair of texts are two. */
export type Values = Readonly<Record<string, readonly string[]>>;

/** The words of an argument, or of its default. */
export function wordsOf(asked: readonly Argument[], name: string): readonly string[] {
  const given = asked.find((one) => one.name === name);
  return given?.words ?? [name in SETTINGS ? settingOf(name as Name).default : ""];
}

export const isOwn = (asked: readonly Argument[], name: string): boolean =>
  asked.some((one) => one.name === name && one.own);

/** What is to be asked otherwise than it was. */
export function changesOf(values: Values, asked: readonly Argument[]): Change[] {
  return Object.entries(values)
    .filter(([name, words]) => !isOwn(asked, name) && !alike(words, wordsOf(asked, name)))
    .map(([name, words]) => ({ name, words: name === "text" ? words : words.map((word) => word.trim()) }));
}

const alike = (one: readonly string[], other: readonly string[]): boolean =>
  one.length === other.length && one.every((word, index) => word === other[index]);

/** A text in a line, in quotation marks. */
export const quoted = (words: readonly string[], most = 200): string =>
  `“${shortened(words.join(" / ").replaceAll(/\s+/g, " "), most)}”`;

const shortened = (text: string, most: number): string => {
  const letters = [...text];
  return letters.length <= most ? text : `${letters.slice(0, most - 1).join("")}…`;
};

/** The settings of a question, each in words; what is usual is left out. */
export function said(summary: ExplanationHeader): string[] {
  const { arguments: asked, score, streams, reference, rules, granularity, level } = summary;
  const place = score.position === null ? undefined : streams.at(-1)?.tokens[score.position]?.text;
  return [
    score.target === null ? score.label : `target ${score.target}`,
    wordsOf(asked, "piece")[0] ? `piece ${wordsOf(asked, "piece")[0]} alone` : "",
    score.contrast === null ? "" : `rather than ${score.contrast}`,
    place === undefined ? "" : `at ${place}`,
    reference === null ? "" : `by reference ${reference.kind}`,
    rules === "gradient" ? "" : `rules ${rules}`,
    granularity === "primitive" || granularity === "" ? "" : `granularity ${granularity}`,
    level === "unit" || level === "" ? "" : `level ${level}`,
    wordsOf(asked, "semiring")[0] ? `semiring ${wordsOf(asked, "semiring")[0]}` : "",
    summary.paths,
  ].filter((words) => words !== "");
}

// Beside the text these are said in every question.
const ALWAYS = ["text", "target", "contrast"];
// Letters of a text that are enough to know it by.
const KNOWN_BY = 28;

/** What an earlier question is called: whatever tells it from the others. */
export function nameOf(past: PastQuestion, all: readonly PastQuestion[]): string {
  const asked = past.arguments;
  const texts = new Set(all.map((one) => wordsOf(one.arguments, "text").join("\n")));
  const target = wordsOf(asked, "target")[0];
  const contrast = wordsOf(asked, "contrast")[0];
  const others = asked
    .filter(({ name }) => !ALWAYS.includes(name))
    .map(({ name, words, parts }) =>
      parts.length > 0 ? "some paths" : `${name} ${shortened(words.join(" / "), 20)}`,
    );
  return [
    texts.size > 1 ? quoted(wordsOf(asked, "text"), KNOWN_BY) : "",
    [target || past.label, contrast].filter((word) => word).join(" – "),
    ...others,
  ]
    .filter((word) => word !== "")
    .join(" · ");
}

export const scoreOf = ({ value }: PastQuestion): string =>
  value === null ? "" : brief(value, Math.abs(value));
