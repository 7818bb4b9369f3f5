/** Routes in words: where they go, by which heads, and what sets their variants apart. */

import type { ExplanationHeader, ListedRoute } from "./contract";
import type { Kin } from "./families";
import { number, percent, power, signed } from "./layout/numbers";
import { stepSentence, tokenName } from "./part-names";

// Of longer routes only the heads are named; their steps are in the tooltip.
const TOLD = 2;

/** The words that a route passes: `keys → The → [MASK]`. */
export function wayOf({ drawn }: Pick<Kin, "drawn">, summary: ExplanationHeader): string {
  const names: string[] = [];
  for (const { layer, branch, source, target } of drawn) {
    const described = summary.layers[layer];
    const reads = branch === "key" || branch === "value" || branch === "attention";
    const from = tokenName(summary, source, reads ? described?.key_stream : described?.stream);
    if (names.length === 0) names.push(from);
    const to = tokenName(summary, target, described?.stream);
    if (to !== names.at(-1)) names.push(to);
  }
  return names.length === 1 ? `${names[0]} by itself` : names.join(" → ");
}

/** The steps by attention in words: all of them, or the heads where there are many. */
export function stepsOf(
  { steps, sentence }: Pick<Kin, "steps" | "sentence">,
  summary: ExplanationHeader,
  all = false,
): string {
  if (steps.length === 0) return "stays on the skip connections";
  if (sentence !== "" && (all || steps.length <= TOLD)) return sentence;
  if (all || steps.length <= TOLD) return steps.map((step) => stepSentence(step, summary)).join(", then ");
  const heads = steps.map(({ layer, head }) => (head === null ? `layer ${layer}` : `${layer}·${head}`));
  return `by the heads ${heads.join(", ")}`;
}

/** What sets a route apart from the others of its family: the MLPs that it passes. */
export function variantOf({ steps }: ListedRoute): string {
  const layers = steps.filter(({ branch }) => branch === "mlp").map(({ layer }) => layer);
  if (layers.length === 0) return "past all MLPs";
  return `through the MLP${layers.length === 1 ? "" : "s"} of layer${layers.length === 1 ? "" : "s"} ${layers.join(", ")}`;
}

/** All that is known of a route, for its tooltip. */
export function factsOf(route: ListedRoute): string {
  const sign = route.sign < 0 ? "−" : "";
  const part = route.share_of_best === null ? "" : ` (${percent(route.share_of_best)} of the best)`;
  return [
    route.label,
    `best path ${sign}${power(route.log_weight)}${part}`,
    `mass ${power(route.log_mass)} (${percent(route.share)} of all)`,
    `contribution ${signed(route.contribution)}`,
    `cancellation ${number(route.cancellation, 3)}`,
  ].join("; ");
}
