/** Which number an edge carries, in words: `semiring_widgets.rules` says what each rule is. */

const RULES: Record<string, string> = {
  gradient: "the local derivative",
  linear: "the slope with softmax weights and norms held constant",
  secant: "the finite difference to the reference",
  lrp: "the relevance rule of AttnLRP",
  gim: "the slope with gradient interaction modifications",
};

/** What an edge carries; a rule of the reader's own goes by its name. */
export const carried = (rules: string): string => RULES[rules] ?? `a number by the rule “${rules}”`;
