/** By what attribution methods are held against tested effects: names, sentences, and which way is better. */

import type { MethodResult } from "./contract";

export type Sortable =
  | "effect_correlation"
  | "comprehensiveness"
  | "sufficiency"
  | "infidelity"
  | "sensitivity"
  | "seconds";

export interface Yardstick {
  key: Sortable;
  /** With soft hyphens, where a narrow column may break it. */
  label: string;
  /** What it says, for people who meet it for the first time. */
  sentence: string;
  better: "more" | "less";
}

const YARDSTICKS: readonly Yardstick[] = [
  {
    key: "effect_correlation",
    label: "rank corre\u00adlation",
    sentence:
      "Rank correlation: do the scores put the words into the order of their tested effects? " +
      "1 is the same order, 0 no relation, −1 the reverse (Spearman).",
    better: "more",
  },
  {
    key: "comprehensiveness",
    label: "compre\u00adhensive\u00adness",
    sentence:
      "Comprehensiveness: how far the score drops when the 20 % of the words that the method ranks first are " +
      "replaced. More is better.",
    better: "more",
  },
  {
    key: "sufficiency",
    label: "suffi\u00adciency",
    sentence:
      "Sufficiency: how far the score drops when all words but these 20 % are replaced. Less is better.",
    better: "less",
  },
  {
    key: "infidelity",
    label: "infi\u00addelity",
    sentence:
      "Infidelity: mean squared error with which the scores predict what happens when random words are " +
      "replaced, after the best common factor. Less is better.",
    better: "less",
  },
  {
    key: "sensitivity",
    label: "sensi\u00adtivity",
    sentence:
      "Sensitivity: how much the scores change, at most, when the input is moved by up to 2 %. Less is better.",
    better: "less",
  },
  {
    key: "seconds",
    label: "seconds",
    sentence: "Seconds that the method took, without holding it against tested effects.",
    better: "less",
  },
];

/** Those that are known of some method. */
export function knownYardsticks(methods: readonly MethodResult[]): Yardstick[] {
  return YARDSTICKS.filter(({ key }) => methods.some((method) => method[key] !== null));
}

export interface Sorting {
  key: Sortable;
  /** The best first, or last. */
  best: "first" | "last";
}

/** What a click on the heading of a column makes of the order: best first, best last, as asked. */
export function clickedHeading(current: Sorting | null, key: Sortable): Sorting | null {
  if (current?.key !== key) return { key, best: "first" };
  return current.best === "first" ? { key, best: "last" } : null;
}

export function ariaSort(sorting: Sorting | null, { key, better }: Yardstick): string {
  if (sorting?.key !== key) return "none";
  return (better === "more") === (sorting.best === "first") ? "descending" : "ascending";
}

/** Indices of methods in the order of a column: tested effects stay first, what is not known comes last. */
export function ordered(methods: readonly MethodResult[], sorting: Sorting | null): number[] {
  const indices = methods.map((_, index) => index);
  const yardstick = YARDSTICKS.find(({ key }) => key === sorting?.key);
  const place = (index: number): number => {
    const method = methods[index];
    if (method?.family === "tested") return Number.NEGATIVE_INFINITY;
    const value = yardstick === undefined || method?.error !== null ? null : method[yardstick.key];
    if (yardstick === undefined || sorting === null) return 0;
    if (value === null) return Number.POSITIVE_INFINITY;
    return (yardstick.better === "more") === (sorting.best === "first") ? -value : value;
  };
  // Sorting keeps the order of equals; the difference of two infinities would be no number.
  return indices.sort((one, other) => (place(one) === place(other) ? 0 : place(one) < place(other) ? -1 : 1));
}

/** Index of the method that a column speaks for most; tested effects are not among the competitors. */
export function bestOf(methods: readonly MethodResult[], { key }: Yardstick): number {
  const [first] = ordered(methods, { key, best: "first" }).filter(
    (index) => methods[index]?.family !== "tested" && methods[index]?.[key] !== null,
  );
  return first ?? -1;
}
