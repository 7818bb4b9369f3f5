/** What is chosen: at most one cell, and at most one layer or head; each links the other picture to it. */

import type { Part, Selection } from "../contract";
import { includes, partOf, type Target } from "../selection";

export interface Choice {
  cell: number | null;
  layer: number | null;
  head: number | null;
}

/** A part of a picture is a cell, as a token of a text is a word. */
export const cellTarget = (token: number): Target => ({ token });

const isCell = ({ layer, token }: Part): boolean => layer === null && token !== null;

export function choiceOf(selection: Selection): Choice {
  const place = selection.find(({ layer }) => layer !== null);
  const cell = selection.find(isCell);
  return { cell: cell?.token ?? null, layer: place?.layer ?? null, head: place?.head ?? null };
}

/** The selection after a click: of cells and of layers one each, and a second click takes it back. */
export function afterClick(selection: Selection, target: Target): Selection {
  const part = partOf(target);
  const others = selection.filter((one) => isCell(one) !== isCell(part));
  return includes(selection, part) ? others : [...others, part];
}
