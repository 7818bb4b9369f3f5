/**
 * What a field shows: places, each with a number as its id, of which it says where they are and what they mean.
 *
 * A field knows no cells or points; a face knows no elements. All lengths are CSS pixels from the upper left
 * corner of the whole picture, however much of it is in sight.
 */

import type { Target } from "../selection";
import type { Palette } from "./palette";

export interface Box {
  left: number;
  top: number;
  width: number;
  height: number;
}

/** A place in words, as a button or a picture of it would be labelled. */
export interface Spoken {
  label: string;
  /** The part that it stands for; null where there is none to choose. */
  target: Target | null;
  /** Whether it can be chosen. */
  disabled: boolean;
  /** What choosing it does, where it stands for no part. */
  acts?: () => void;
}

/** Where a part lies in the picture: at a place of its own, or in all that has to do with it. */
export interface Lying {
  box: Box;
  own: boolean;
}

/** A strip along an edge that stays in sight while the rest is scrolled. */
export interface Strip {
  edge: "left" | "top" | "bottom";
  /** Its height, or its width at the left. */
  size: number;
  paint(context: CanvasRenderingContext2D, shown: Box, palette: Palette): void;
}

export interface Face {
  width: number;
  height: number;
  strips: readonly Strip[];
  /** Draw what is inside `shown`; the context is moved so that lengths count from the corner of the picture. */
  paint(context: CanvasRenderingContext2D, shown: Box, palette: Palette): void;
  /** The place at a point; null beside all places. */
  at(x: number, y: number): number | null;
  /** Where the keyboard begins; null where there is nothing. */
  first: number | null;
  has(place: number): boolean;
  box(place: number): Box;
  /** The neighbour in a direction; null at the end. */
  step(place: number, right: number, up: number): number | null;
  /** The first and the last place of the row of a place. */
  ends(place: number): [number, number];
  spoken(place: number): Spoken;
  lying(target: Target): Lying[];
}

export const overlaps = (one: Box, other: Box): boolean =>
  one.left < other.left + other.width &&
  other.left < one.left + one.width &&
  one.top < other.top + other.height &&
  other.top < one.top + one.height;
