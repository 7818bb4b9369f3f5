/** What of the numbers is shown: the strongest few, those above a share of the strongest, some kinds of parts. */

import type { ListedStep } from "./contract";

export const KINDS = ["attention", "MLP", "skip"] as const;
export type Kind = (typeof KINDS)[number];

export interface Sieve {
  /** How many of each picture, the strongest first; null for all. */
  most: number | null;
  /** The share of the strongest number of a picture that others must have, 0-1. */
  least: number;
  /** Kinds that are left out. */
  without: readonly Kind[];
}

export const EVERYTHING: Sieve = { most: null, least: 0, without: [] };

export const isOpen = ({ most, least, without }: Sieve): boolean =>
  most === null && least === 0 && without.length === 0;

export const turned = (sieve: Sieve, kind: Kind): Sieve => ({
  ...sieve,
  without: sieve.without.includes(kind)
    ? sieve.without.filter((other) => other !== kind)
    : [...sieve.without, kind],
});

/** The size that a number needs to be shown among others of its picture; ties are shown together. */
export function sizeNeeded({ most, least }: Sieve, sizes: Iterable<number>): number {
  if (most === null && least === 0) return 0;
  const known = [...sizes].filter(Number.isFinite).sort((one, other) => other - one);
  const [largest] = known;
  if (largest === undefined) return 0;
  const last = most === null ? 0 : (known[Math.min(most, known.length) - 1] ?? 0);
  return Math.max(last, least * largest);
}

/** Strengths of a picture with those that are too small at 0; `kept` says which places have a kind that is shown. */
export function sifted(
  sieve: Sieve,
  strengths: Float32Array,
  kept: (place: number) => boolean = () => true,
): Float32Array {
  if (isOpen(sieve)) return strengths;
  const counts = (strength: number, place: number) => Math.abs(strength) <= 1 && kept(place);
  const needed = sizeNeeded(
    sieve,
    [...strengths].filter(counts).map((strength) => squared(Math.abs(strength))),
  );
  return strengths.map((strength, place) =>
    Math.abs(strength) <= 1 && (!kept(place) || squared(Math.abs(strength)) < needed) ? 0 : strength,
  );
}

// A tint is the square root of what it shows.
const squared = (tint: number): number => tint * tint;

/** Whether a route goes only by kinds that are shown; one that turns nowhere is of the skip. */
export function passesSieve({ without }: Sieve, steps: readonly ListedStep[]): boolean {
  const mlp = steps.some(({ branch }) => branch === "mlp");
  const attention = steps.some(({ branch }) => !["mlp", "mlp_skip", "skip"].includes(branch));
  return !(
    (mlp && without.includes("MLP")) ||
    (attention && without.includes("attention")) ||
    (!mlp && !attention && without.includes("skip"))
  );
}
