/** What an event is about: an element that stands for something, or a place of a picture. */

import type { Branch } from "./contract";
import type { Box } from "./fields/face";
import { type Field, fieldOf } from "./fields/field";
import type { Target } from "./selection";

export type Item = HTMLElement | SVGElement;

export type Pointed = { item: Item } | { field: Field; place: number };

/** An item of the document, else the place of a field under the pointer. */
export function pointedBy(event: Event, items = "[data-item]"): Pointed | null {
  const target = event.target as Element;
  const item = target.closest<Item>(items);
  if (item !== null) return { item };
  const field = fieldOf(target);
  if (field === null || !("clientX" in event)) return null;
  const { clientX, clientY } = event as MouseEvent;
  const place = field.at(clientX, clientY);
  return place === null ? null : { field, place };
}

/** The part that it stands for. */
export function targetOf(pointed: Pointed): Target | null {
  return "item" in pointed
    ? facetsOf(pointed.item)
    : (pointed.field.face?.spoken(pointed.place).target ?? null);
}

/** What choosing it does, where it stands for no part. */
export function actOf(pointed: Pointed): (() => void) | undefined {
  if ("field" in pointed) return pointed.field.face?.spoken(pointed.place).acts;
  return pointed.item.matches(".rover") ? fieldOf(pointed.item)?.acts : undefined;
}

export function isDisabled(pointed: Pointed): boolean {
  if ("item" in pointed) return pointed.item.getAttribute("aria-disabled") === "true";
  return pointed.field.face?.spoken(pointed.place).disabled ?? true;
}

export const boxOf = (pointed: Pointed): Box =>
  "item" in pointed ? pointed.item.getBoundingClientRect() : pointed.field.boxOf(pointed.place);

export const samePointed = (one: Pointed | null, other: Pointed | null): boolean =>
  one === other ||
  (one !== null &&
    other !== null &&
    ("item" in one
      ? "item" in other && one.item === other.item
      : "field" in other && one.field === other.field && one.place === other.place));

export function facetsOf(item: Item): Target {
  const facets: Record<string, number> = {};
  for (const name of ["layer", "head", "token", "stream"]) {
    const value = item.dataset[name];
    if (value !== undefined) facets[name] = Number(value);
  }
  const branch = item.dataset.branch as Branch | undefined;
  return branch === undefined ? facets : { ...facets, branch };
}
