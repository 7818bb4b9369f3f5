/** The Python call that gives exactly what is shown; `results/asked.py` writes the same. */

import type { Argument, Part, Selection } from "../contract";
import { isEmpty, partOf } from "../selection";
import type { Shown } from "../shown";

// A call that is longer than that gets a line for each argument.
const WIDTH = 88;

export function callOf(asked: readonly Argument[], selection: Selection, avoiding: Selection): string {
  const given = new Map(asked.map(({ name, code }) => [name, code]));
  for (const [name, more] of [
    ["through", selection],
    ["avoiding", avoiding],
  ] as const) {
    const old = asked.find((one) => one.name === name)?.parts ?? [];
    const parts = new Set([...old, ...more].map(coded));
    if (parts.size > 0) given.set(name, `[${[...parts].join(", ")}]`);
  }
  const written = [
    "model",
    "tokenizer",
    ...[...given].map(([name, code]) => (name === "text" ? code : `${name}=${code}`)),
  ];
  const line = `sw.explain(${written.join(", ")})`;
  // As Python counts: characters, not halves of them.
  if ([...line].length <= WIDTH) return line;
  return `sw.explain(\n${written.map((one) => `    ${one},\n`).join("")})`;
}

/** The same where the paths of a group are shown, which is made of the answer. */
export function callOfShown(
  asked: readonly Argument[],
  { selection, avoiding, among }: Shown,
  name: string,
): string {
  const call = callOf(asked, selection, avoiding);
  if (isEmpty(among)) return call;
  return `e = ${call}\ne.group(${JSON.stringify(name)}, [${among.map(coded).join(", ")}])`;
}

/** What a part names, as a dict. */
function coded(part: Part): string {
  const nothing = partOf({});
  const named = (Object.keys(nothing) as (keyof Part)[]).filter((key) => part[key] !== nothing[key]);
  return `{${named.map((key) => `"${key}": ${JSON.stringify(part[key])}`).join(", ")}}`;
}
