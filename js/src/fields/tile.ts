/**
 * Which part of a large picture its canvas holds: what is in sight, and something around it.
 *
 * The browser scrolls what is drawn without asking anybody; only near the end of it a new tile is drawn.
 */

import type { Box } from "./face";

// Of what is in sight, drawn on either side of it; and how near to its end the next tile is drawn.
const AROUND = 0.5;
const NEAR = 0.15;

/** The tile for what is in sight; the old one, itself, where that still does. */
export function tileFor(old: Box | null, sight: Box, whole: { width: number; height: number }): Box {
  if (old !== null && covers(old, grown(sight, NEAR, whole)) && fits(old, whole)) return old;
  return grown(sight, AROUND, whole);
}

function grown({ left, top, width, height }: Box, by: number, whole: { width: number; height: number }): Box {
  const [x, y] = [by * width, by * height];
  // Whole pixels: between them all edges would be soft.
  const from = { left: Math.max(0, Math.floor(left - x)), top: Math.max(0, Math.floor(top - y)) };
  const to = {
    right: Math.min(whole.width, Math.ceil(left + width + x)),
    bottom: Math.min(whole.height, Math.ceil(top + height + y)),
  };
  return { ...from, width: Math.max(0, to.right - from.left), height: Math.max(0, to.bottom - from.top) };
}

const covers = (one: Box, other: Box): boolean =>
  one.left <= other.left &&
  one.top <= other.top &&
  one.left + one.width >= other.left + other.width &&
  one.top + one.height >= other.top + other.height;

const fits = (one: Box, whole: { width: number; height: number }): boolean =>
  one.left + one.width <= whole.width && one.top + one.height <= whole.height;
