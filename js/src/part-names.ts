/** Parts of the model as people call them: `keys`, `head 3·3`, `the MLP of layer 2`. */

import type { ExplanationHeader, ListedStep, Part, Reference, Selection, Token } from "./contract";

/** A token as it is read; with its number below where the same text stands elsewhere too: `the₄`. */
export function tokenName(summary: ExplanationHeader, token: number | null, stream = 0): string {
  const tokens = summary.streams[stream]?.tokens ?? [];
  const found = tokens[token ?? -1];
  const text = found === undefined ? "" : found.text.trim() || found.raw.trim();
  if (text === "") return `token ${token}`;
  return severalIn(tokens).has(found?.text ?? "") ? text + below(token ?? 0) : text;
}

const several = new WeakMap<readonly Token[], ReadonlySet<string>>();

/** The texts that stand in a stream more than once. */
function severalIn(tokens: readonly Token[]): ReadonlySet<string> {
  const known = several.get(tokens);
  if (known !== undefined) return known;
  const [once, found] = [new Set<string>(), new Set<string>()];
  for (const { text } of tokens) (once.has(text) ? found : once).add(text);
  several.set(tokens, found);
  return found;
}

const below = (number: number): string =>
  [...`${number}`].map((digit) => String.fromCharCode(0x2080 + Number(digit))).join("");

/** A part without the way to it: paths start at a token and pass through all else. */
export function partName({ layer, branch, head, token, stream }: Part, summary: ExplanationHeader): string {
  if (layer === null) {
    if (token === null) return "";
    // Two inputs may begin with the same word.
    const whose = summary.streams.length > 1 ? ` of the ${summary.streams[stream]?.name ?? "input"}` : "";
    return tokenName(summary, token, stream) + whose;
  }
  const way = branch === "mlp_skip" ? "way around the MLP" : branch === "mlp" ? "MLP" : branch;
  const what =
    head !== null
      ? `${branch === null ? "" : `the ${way} of `}head ${layer}·${head}`
      : branch !== null
        ? `the ${way} of layer ${layer}`
        : token === null
          ? `the attention of layer ${layer}`
          : `layer ${layer}`;
  // A token of a layer stands in the stream of the layer; one beside a head may be of either side.
  return token === null ? what : `${what} at ${tokenName(summary, token, summary.layers[layer]?.stream)}`;
}

/** Some parts that are taken together, as a test of them is called. */
export function testName(selection: Selection, summary: ExplanationHeader): string {
  const [only, ...others] = selection;
  const name = selection.map((part) => partName(part, summary)).join(" and ");
  if (only === undefined || others.length > 0 || only.layer !== null) return name;
  const stand = standIn(summary.reference, only);
  return stand === null ? name : `${name} → ${stand}`;
}

/** What stands in the place of a token: the mask, or its counterpart in a second text; null where it has no name. */
function standIn(reference: Reference | null, { token, stream }: Part): string | null {
  if (reference?.kind === "mask") return reference.label.replace(/ in the place of every token$/, "");
  const index = reference?.aligned[stream]?.[token ?? -1] ?? -1;
  return reference?.streams[stream]?.tokens[index]?.text ?? null;
}

/** A step of a route in words: `head 0·3 reads keys at The`. */
export function stepSentence(step: ListedStep, summary: ExplanationHeader): string {
  const { layer, branch, head, source, target } = step;
  const described = summary.layers[layer];
  const queries = described?.stream ?? 0;
  const at = tokenName(summary, target, queries);
  if (branch === "skip") return `${at} stays as it is at layer ${layer}`;
  if (branch === "mlp" || branch === "mlp_skip")
    return branch === "mlp" ? `the MLP of layer ${layer} works on ${at}` : `past the MLP of layer ${layer}`;
  const from = tokenName(summary, source, described?.key_stream);
  const who = head === null ? `the attention of layer ${layer}` : `head ${layer}·${head}`;
  if (branch === "query") return `${who} at ${at} chooses where to look`;
  return branch === "key" ? `${who} at ${at} turns to ${from}` : `${who} reads ${from} at ${at}`;
}
