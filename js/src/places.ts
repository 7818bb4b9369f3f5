/** Where the numbers of a result are, kind by kind, and the parts that they are of. */

import type { ExplanationHeader, Part } from "./contract";
import type { Place } from "./measures";
import { partOf } from "./selection";

/** Everywhere that there may be a number of one kind of places. */
export function indicesOf(
  { layers, streams }: Pick<ExplanationHeader, "layers" | "streams">,
  place: Place,
): readonly number[][] {
  const count = (stream: number) => streams[stream]?.tokens.length ?? 0;
  const upTo = (length: number) => Array.from({ length }, (_, index) => index);
  if (place === "token" || place === "decoder")
    return upTo(count(place === "token" ? 0 : 1)).map((token) => [token]);
  if (place === "mlp") return layers.map(({ index }) => [index]);
  return layers.flatMap(({ index, heads, stream }) =>
    upTo(place === "head" ? heads : count(stream)).map((other) => [index, other]),
  );
}

export function partAt(place: Place, [first = 0, second = 0]: readonly number[]): Part {
  if (place === "token" || place === "decoder")
    return partOf({ token: first, stream: place === "token" ? 0 : 1 });
  if (place === "mlp") return partOf({ layer: first, branch: "mlp" });
  return partOf(place === "head" ? { layer: first, head: second } : { layer: first, token: second });
}
