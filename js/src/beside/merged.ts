/** Two explanations as one, for what needs no more than the names of their parts and the measures of both. */

import type { BesideHeader, ExplanationHeader } from "../contract";

const merged = new WeakMap<BesideHeader, ExplanationHeader>();
const NOTHING = {
  log_mass: null,
  entropy: null,
  best_log_weight: null,
  best_sign: null,
  log_cancellation: null,
};

/** Its tokens are places: `keys / key` where another word stands on the other side. */
export function mergedOf(summary: BesideHeader): ExplanationHeader {
  const known = merged.get(summary);
  if (known !== undefined) return known;
  const found: ExplanationHeader = {
    ...{ type: "explanation", version: summary.version, revision: summary.revision },
    ...{ text: summary.text, model: summary.model, score: summary.score, streams: summary.streams },
    ...{ status: summary.status, columns: summary.columns, paths: summary.paths, layers: summary.layers },
    ...{ statistics: summary.statistics, answer: summary.answer },
    ...{ granularity: "", level: "", rules: "gradient", totals: NOTHING, reference: null },
    ...{ rankings: [], tests: [], correlations: [], groups: [] },
    ...{ arguments: [], likeliest: [], inquiry: null },
  };
  merged.set(summary, found);
  return found;
}
