/** The numbers of A, B and A − B as a table: one row a part, the largest differences first. */

import type { BesideHeader } from "../contract";
import { alike, signed } from "../layout/numbers";
import { type Place, worded } from "../measures";
import { partName } from "../part-names";
import { indicesOf, partAt } from "../places";
import type { State, Store } from "../store";
import { mountSortedTable, type Row, type Table } from "../views/sorted-table";
import { CALLED, type Compared, comparedOf, sizeOf } from "./compared";
import { mergedOf } from "./merged";

interface ComparedRow extends Row {
  compared: Compared;
}

const KINDS: readonly { name: string; places: readonly Place[] }[] = [
  { name: "words", places: ["token", "decoder"] },
  { name: "heads and MLPs", places: ["head", "mlp"] },
  { name: "words × layers", places: ["node"] },
];

export function mountBesideTable(root: HTMLElement, store: Store, signal: AbortSignal): void {
  const names = KINDS.map(({ name }) => name);
  mountSortedTable(root, store, signal, "numbers of A, B and A − B", names, (state, kind) =>
    state.summary?.type === "beside" ? tableOf(state, state.summary, KINDS[kind]?.places ?? []) : null,
  );
}

function tableOf(state: State, summary: BesideHeader, places: readonly Place[]): Table<ComparedRow> {
  const named = mergedOf(summary);
  const rows = places.flatMap((place) => {
    const compared = comparedOf(state, summary, place);
    return indicesOf(summary, place).map((where): ComparedRow => {
      const part = partAt(place, where);
      const [a, b] = [compared.at(0, ...where), compared.at(1, ...where)];
      return { part, name: partName(part, named), compared, values: [a, b, a - b] };
    });
  });
  const written = alike(rows.flatMap(({ values }) => values));
  const share = rows[0]?.compared.measure.scale === "share";
  const difference = (value: number): string => {
    if (Number.isNaN(value)) return "–";
    return share ? `${signed(100 * value)} points` : (value > 0 ? "+" : "") + written(value);
  };
  return {
    columns: [
      { id: "A", name: "A", tip: summary.sides[0]?.name },
      { id: "B", name: "B", tip: summary.sides[1]?.name },
      {
        id: "difference",
        name: CALLED[2],
        tip: "Sorted by its size",
        size: ([a = Number.NaN, b = Number.NaN]) => sizeOf(a, b),
      },
    ],
    first: "difference",
    rows,
    written: ({ compared, values: [a = Number.NaN, b = Number.NaN, apart = Number.NaN] }) => [
      told(compared, a, written),
      told(compared, b, written),
      difference(apart),
    ],
  };
}

/** Signed numbers of a column alike, so that they can be compared at sight. */
function told({ measure }: Compared, value: number, written: (value: number) => string): string {
  if (Number.isNaN(value)) return "–";
  if (measure.scale !== "signed") return worded(measure, value);
  return (value > 0 ? "+" : "") + written(value);
}
