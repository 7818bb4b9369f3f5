/** Tests: what was measured, by whom ever; those of single parts are in the columns of the explanation. */

import type { ExplanationHeader, ListedStep, Part, Selection, Test } from "./contract";
import { testName } from "./part-names";
import { same } from "./selection";
import type { State } from "./store";

/** What is to be tested: some parts together, or what a route carries. */
export interface Question {
  selection: Selection;
  steps: readonly ListedStep[];
}

const sameSteps = (one: readonly ListedStep[], other: readonly ListedStep[]): boolean =>
  one.length === other.length &&
  one.every((step, index) => {
    const against = other[index];
    return (["layer", "branch", "head", "source", "target"] as const).every(
      (key) => step[key] === against?.[key],
    );
  });

export const asks = ({ selection, steps }: Question, { parts, steps: tested }: Test): boolean =>
  same(selection, parts) && sameSteps(steps, tested);

export const sameQuestion = (one: Question, other: Question): boolean =>
  same(one.selection, other.selection) && sameSteps(one.steps, other.steps);

/** The log: what was tested in this view and what the explanation came with, the newest first, each once. */
export function logOf(state: State, summary: ExplanationHeader): readonly Test[] {
  const all = [...state.tests, ...[...summary.tests].reverse()];
  return all.filter(
    (test, index) =>
      all.findIndex(
        (other) => other.by === test.by && asks({ selection: test.parts, steps: test.steps }, other),
      ) === index,
  );
}

/** A test that is known already: from the log, or, of a single part, from the columns. */
export function known(state: State, summary: ExplanationHeader, question: Question): Test | null {
  const logged = logOf(state, summary).find((test) => test.by === "reference" && asks(question, test));
  if (logged !== undefined) return logged;
  const [part, ...others] = question.selection;
  if (part === undefined || others.length > 0 || question.steps.length > 0) return null;
  return ofPart(state, summary, part);
}

/** The place of a part in the columns. */
function placeOf({ layer, branch, head, token, stream }: Part): [string, number[]] | null {
  if (layer === null) return token === null ? null : [stream === 0 ? "token" : "decoder", [token]];
  if (head !== null) return branch === null && token === null ? ["head", [layer, head]] : null;
  if (branch !== null) return branch === "mlp" && token === null ? ["mlp", [layer]] : null;
  return token === null ? null : ["node", [layer, token]];
}

/** The estimate of the effect of a single part; NaN where it is not known. */
export function predicted(state: State, part: Part): number {
  const found = placeOf(part);
  return found === null ? Number.NaN : state.columns.at(`${found[0]}_contribution`, ...found[1]);
}

/** Whether the effect of a single part is known. */
export function isTested({ columns }: Pick<State, "columns">, part: Part): boolean {
  const found = placeOf(part);
  return found !== null && !Number.isNaN(columns.at(`${found[0]}_effect`, ...found[1]));
}

function ofPart(state: State, summary: ExplanationHeader, part: Part): Test | null {
  const found = placeOf(part);
  const before = summary.score.value;
  if (found === null || before === null) return null;
  const effect = state.columns.at(`${found[0]}_effect`, ...found[1]);
  if (Number.isNaN(effect)) return null;
  const estimate = predicted(state, part);
  return {
    parts: [part],
    steps: [],
    by: "reference",
    // Of most parts nobody asks for the name.
    get label() {
      return testName([part], summary);
    },
    before,
    after: before - effect,
    predicted: Number.isNaN(estimate) ? null : estimate,
  };
}

/** The largest effects among words, heads and MLPs: what there is to see before anybody has tested anything. */
export function largest(state: State, summary: ExplanationHeader, count: number): Test[] {
  const size = ({ before, after }: Test) => Math.abs((before ?? 0) - (after ?? 0));
  return singles(state, summary)
    .sort((one, other) => size(other) - size(one))
    .slice(0, count);
}

/** The known tests of all words, heads and MLPs, one by one. */
export function singles(state: State, summary: ExplanationHeader): Test[] {
  const nothing = { layer: null, branch: null, head: null, token: null, stream: 0 };
  const tokens = summary.streams.flatMap(({ tokens: own }, stream) =>
    own.map(({ index }) => ({ ...nothing, token: index, stream })),
  );
  const heads = summary.layers.flatMap(({ index, heads: count }) =>
    Array.from({ length: count }, (_, head) => ({ ...nothing, layer: index, head })),
  );
  const mlps = summary.layers.map(({ index }) => ({ ...nothing, layer: index, branch: "mlp" as const }));
  return [...tokens, ...heads, ...mlps]
    .map((part) => ofPart(state, summary, part))
    .filter((test): test is Test => test !== null);
}
