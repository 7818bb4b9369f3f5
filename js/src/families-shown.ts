/** The families of a ranking that pass the sieve: lists and lines leave the same ones out. */

import type { Ranking } from "./contract";
import { familiesOf, type Kin } from "./families";
import { isOpen, passesSieve, type Sieve, sizeNeeded } from "./sieve";

export function familiesShown(sieve: Sieve, ranking: Ranking): Kin[] {
  const all = familiesOf(ranking);
  if (isOpen(sieve)) return all;
  const kept = all.filter((kin) => passesSieve(sieve, kin.routes[0]?.steps ?? kin.steps));
  const size = ({ value }: Kin): number =>
    value === null ? Number.NaN : ranking.by === "best" ? Math.exp(value) : Math.abs(value);
  const needed = sizeNeeded(sieve, kept.map(size));
  return kept.filter((kin) => !(size(kin) < needed));
}
