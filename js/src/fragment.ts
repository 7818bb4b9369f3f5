/**
 * What a page shows, in the fragment of its address: `#paths=t2,l3h3&not=l1m&show=mass`.
 *
 * Whatever stands there comes from outside: what is not understood is left out, and nothing fails.
 */

import type { Branch, ExplanationHeader, Part, Selection } from "./contract";
import { measuresOf } from "./measures";
import { EMPTY, normalise, partOf } from "./selection";

export interface Shown {
  selection: Selection;
  avoiding: Selection;
  /** Parts of which any is passed. */
  among: Selection;
  measure: string | null;
}

const BRANCHES: Record<string, Branch> = {
  s: "skip",
  q: "query",
  k: "key",
  v: "value",
  m: "mlp",
  w: "mlp_skip",
};
const LETTERS = new Map(Object.entries(BRANCHES).map(([letter, branch]) => [branch, letter]));

// Layer, branch, head, token, stream: what a part does not name is not there.
const PART = /^(?:l(\d{1,4}))?([sqkvmw])?(?:h(\d{1,4}))?(?:t(\d{1,6}))?(?:i(\d{1,2}))?$/;
// More than anybody selects by hand.
const MOST = 50;

/** A part in one word. */
export const written = ({ layer, branch, head, token, stream }: Part): string =>
  [
    layer === null ? "" : `l${layer}`,
    branch === null ? "" : LETTERS.get(branch),
    head === null ? "" : `h${head}`,
    token === null ? "" : `t${token}`,
    stream === 0 ? "" : `i${stream}`,
  ].join("");

/** The fragment, without its hash; empty where nothing is to be told. */
export function fragmentOf({ selection, avoiding, among, measure }: Shown): string {
  const fields = [
    ["paths", selection.map(written).join(",")],
    ["not", avoiding.map(written).join(",")],
    ["any", among.map(written).join(",")],
    ["show", measure === null ? "" : encodeURIComponent(measure)],
  ];
  return fields
    .filter(([, value]) => value !== "")
    .map(([name, value]) => `${name}=${value}`)
    .join("&");
}

/** What a fragment says of this explanation. */
export function shownBy(fragment: string, summary: ExplanationHeader): Shown {
  let fields: URLSearchParams;
  try {
    fields = new URLSearchParams(fragment.replace(/^#/, ""));
  } catch {
    return { selection: EMPTY, avoiding: EMPTY, among: EMPTY, measure: null };
  }
  const read = (name: string): Selection => {
    const texts = (fields.get(name) ?? "").slice(0, 2000).split(",").slice(0, MOST);
    return normalise(texts.flatMap(partIn)).filter((part) => exists(part, summary));
  };
  const avoiding = read("not");
  const measure = fields.get("show");
  return {
    selection: read("paths").filter((part) => !avoiding.some((other) => written(other) === written(part))),
    avoiding,
    among: read("any"),
    measure: measuresOf(summary).some(({ name }) => name === measure) ? measure : null,
  };
}

function partIn(text: string): Part[] {
  const found = PART.exec(text);
  if (found === null || text === "") return [];
  const [layer, branch, head, token, stream] = found.slice(1);
  const number = (digits: string | undefined) => (digits === undefined ? null : Number(digits));
  return [
    partOf({
      layer: number(layer),
      branch: branch === undefined ? null : (BRANCHES[branch] ?? null),
      head: number(head),
      token: number(token),
      stream: number(stream) ?? 0,
    }),
  ];
}

/** Whether this explanation has such a part. */
function exists(
  { layer, branch, head, token, stream }: Part,
  { layers, streams }: ExplanationHeader,
): boolean {
  if (layer === null)
    return (
      branch === null && head === null && token !== null && token < (streams[stream]?.tokens.length ?? 0)
    );
  const described = layers.find(({ index }) => index === layer);
  if (described === undefined || (head !== null && head >= described.heads)) return false;
  const lengths = [described.stream, described.key_stream].map((one) => streams[one]?.tokens.length ?? 0);
  return token === null || token < Math.max(...lengths);
}
