/**
 * What a question can be given, and what that means.
 *
 * Written by `python -m semiring_widgets.contract.typescript` from `semiring_widgets/question.py` and
 * `semiring_widgets/vocabulary.py`: change it there.
 */

export interface Setting {
  /** What it is for. */
  means: string;
  /** As a field shows it where nothing else was given. */
  default: string;
  /** What may be given, with its meaning. */
  choices: Readonly<Record<string, string>>;
  /** Whether something else may be given, too. */
  open: boolean;
}

export const SETTINGS = {
  target: {
    means: "the answer to explain: a word, several, or id:N for token N; default: the model's own",
    default: "",
    choices: {},
    open: true,
  },
  piece: {
    means: "of a target of several pieces only this one, from 0, given those before it",
    default: "",
    choices: {},
    open: true,
  },
  contrast: {
    means: "the answer it is compared with: a word, or id:N",
    default: "",
    choices: {},
    open: true,
  },
  position: {
    means: "where the model is asked; default: mask token or end",
    default: "",
    choices: {},
    open: true,
  },
  reference: {
    means:
      "what stands in for a part to see what it does: mask (the default where the tokenizer has a mask token), mean, zero, or a second text",
    default: "",
    choices: {
      mask: "the mask token",
      mean: "the mean of the text's tokens",
      zero: "zeros",
    },
    open: true,
  },
  rules: {
    means: "which number an edge of the graph carries",
    default: "gradient",
    choices: {
      gradient: "the local derivative",
      linear: "the slope with softmax weights and norms held constant",
      secant: "the finite difference to the reference",
      lrp: "the relevance rule of AttnLRP",
      gim: "the slope with gradient interaction modifications",
    },
    open: false,
  },
  granularity: {
    means: "which graph is counted",
    default: "primitive",
    choices: {
      primitive: "composite operators are expanded to arithmetic",
      operator: "each operator is one step",
      paper: "the steps of Du et al. (2023)",
    },
    open: false,
  },
  level: {
    means: "level of the maxima",
    default: "unit",
    choices: {
      unit: "the best of all scalar paths",
      branch: "the best of branches, as in published figures",
    },
    open: false,
  },
  semiring: {
    means: "one more statistic of the paths: variance, hops, kbest, ...",
    default: "",
    choices: {},
    open: true,
  },
} as const satisfies Record<string, Setting>;
