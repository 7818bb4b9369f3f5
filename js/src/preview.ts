/** What lights up, in every picture, with what is under the pointer or has the focus. */

import { type Item, type Pointed, samePointed, targetOf } from "./pointed";
import type { Target } from "./selection";
import type { Store } from "./store";

const last = new WeakMap<HTMLElement, Pointed | null>();

export function preview(root: HTMLElement, store: Store, pointed: Pointed | null): void {
  if (samePointed(last.get(root) ?? null, pointed)) return;
  last.set(root, pointed);
  for (const old of [...root.getElementsByClassName("preview")]) old.classList.remove("preview");
  const about = aboutOf(pointed);
  for (const facets of about) {
    const query = ["layer", "branch", "head", "token"]
      .filter((name) => Reflect.get(facets, name) !== undefined && Reflect.get(facets, name) !== null)
      .map((name) => `[data-${name}="${Reflect.get(facets, name)}"]`)
      .join("");
    if (query !== "") light(root, query, facets);
  }
  const { family, route } = pointed !== null && "item" in pointed ? pointed.item.dataset : {};
  if (family !== undefined) light(root, `[data-family="${family}"]`);
  if (route !== undefined) light(root, `[data-route="${route}"]`);
  if (about.length > 0 || store.state.pointed.length > 0) store.update({ pointed: about });
}

/** A sentence is about several parts. */
function aboutOf(pointed: Pointed | null): Target[] {
  if (pointed === null) return [];
  if ("item" in pointed && pointed.item.dataset.parts !== undefined)
    return JSON.parse(pointed.item.dataset.parts);
  const target = targetOf(pointed);
  return target === null || Object.keys(target).length === 0 ? [] : [target];
}

function light(root: HTMLElement, query: string, facets: Target = {}): void {
  for (const other of root.querySelectorAll<Item>(`[data-item]${query}`))
    if (sameStream(facets, other)) other.classList.add("preview");
}

/** Two inputs have tokens of the same number. */
const sameStream = ({ layer, token, stream }: Target, { dataset }: Item): boolean =>
  token === undefined ||
  token === null ||
  typeof layer === "number" ||
  `${stream ?? 0}` === (dataset.stream ?? "0");
