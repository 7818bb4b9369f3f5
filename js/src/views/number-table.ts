/** The numbers of the pictures of an explanation as a table: those of the measure that is shown. */

import type { Branch, ExplanationHeader, Kind } from "../contract";
import { alike, percent } from "../layout/numbers";
import { MASS, type Measure, measureAt, measureOf, type Place, worded } from "../measures";
import { column, numbersOf } from "../numbers";
import { partName, tokenName } from "../part-names";
import { indicesOf, partAt } from "../places";
import { either } from "../reasons";
import { partOf } from "../selection";
import { shareIn } from "../shares";
import type { State, Store } from "../store";
import { type Column, mountSortedTable, type Row, type Table } from "./sorted-table";

const KINDS: readonly { name: string; places: readonly Place[] }[] = [
  { name: "words", places: ["token", "decoder"] },
  { name: "heads and MLPs", places: ["head", "mlp"] },
  { name: "words × layers", places: ["node"] },
  { name: "one head", places: [] },
  { name: "flow by layer", places: [] },
];
const BY_LAYER = 4;
// As the columns of branches are ordered.
const WAYS = ["past attention", "by query", "by key", "by value", "by the MLP", "past the MLP"];
const BRANCHES: readonly Branch[] = ["skip", "query", "key", "value", "mlp", "mlp_skip"];

export function mountNumberTable(root: HTMLElement, store: Store, signal: AbortSignal): void {
  const names = KINDS.map(({ name }) => name);
  mountSortedTable(root, store, signal, "numbers of the pictures", names, (state, kind) => {
    const { summary } = state;
    if (summary?.type !== "explanation") return null;
    const places = KINDS[kind]?.places ?? [];
    if (places.length > 0) return tableOf(state, summary, places);
    return kind === BY_LAYER ? flowTable(state, summary) : mapTable(state, summary);
  });
}

function tableOf(state: State, summary: ExplanationHeader, places: readonly Place[]): Table {
  const asked = measureOf(state, summary);
  const there = places.filter((place) => place !== "decoder" || summary.streams.length > 1);
  const measure = measureAt(asked, there[0] ?? "token");
  const read = (place: Place): ((where: readonly number[]) => number[]) => {
    if (measure.scale !== "signed") {
      const { at } = numbersOf(state, asked, place);
      return (where) => [at(...where)];
    }
    const readers = ["effect", "contribution"].map((name) => state.columns.reader(`${place}_${name}`));
    return (where) => readers.map((reader) => reader(...where));
  };
  const rows = there.flatMap((place) => {
    const valuesAt = read(place);
    return indicesOf(summary, place).map((where): Row => {
      const part = partAt(place, where);
      return { part, name: partName(part, summary), values: valuesAt(where) };
    });
  });
  const columns = columnsOf(measure);
  const written = columns.map((_, index) => alike(rows.map(({ values }) => values[index] ?? null)));
  const told = (value: number, index: number) => {
    if (Number.isNaN(value)) return "–";
    if (measure.scale !== "signed") return worded(measure, value);
    return (value > 0 ? "+" : "") + (written[index]?.(value) ?? "");
  };
  return { columns, first: columns[0]?.id ?? "", rows, written: ({ values }) => values.map(told) };
}

function columnsOf({ scale, label, explained }: Measure): Column[] {
  if (scale !== "signed") return [{ id: "number", name: label, tip: explained }];
  const bySize = (index: number) => (values: readonly number[]) => Math.abs(values[index] ?? 0);
  return [
    // Where nothing was tested, the estimates tell the order.
    {
      id: "effect",
      name: "effect",
      tip: "Tested: how far the score falls when this alone is replaced by the reference",
      size: ([effect = Number.NaN, contribution = Number.NaN]) => Math.abs(either(effect, contribution)),
    },
    {
      id: "contribution",
      name: "contribution",
      tip: "Estimated: the effect as predicted by the slopes of all paths through it",
      size: bySize(1),
    },
  ];
}

/** Of each layer and branch, over all tokens: what the chart shows. */
function flowTable(state: State, summary: ExplanationHeader): Table {
  const share = column(state, "branch_mass_share");
  const tokens = Math.max(0, ...summary.streams.map((stream) => stream.tokens.length));
  const rows = summary.layers.flatMap(({ index }) =>
    BRANCHES.map((branch, place): Row => {
      const shares = Array.from({ length: tokens }, (_, token) => share(index, place, token));
      const known = shares.filter((one) => !Number.isNaN(one));
      const sum = known.length === 0 ? Number.NaN : known.reduce((total, one) => total + one, 0);
      return {
        part: partOf({ layer: index, branch }),
        name: `layer ${index}, ${WAYS[place]}`,
        values: [sum],
      };
    }),
  );
  const columns = [{ id: "number", name: MASS.label, tip: MASS.explained }];
  return { columns, first: "part", rows, written: ({ values }) => values.map((one) => worded(MASS, one)) };
}

/** Of one head: a row for every query and key. */
function mapTable({ map, selection }: State, summary: ExplanationHeader): Table | null {
  if (
    map === null ||
    !selection.some(({ layer, head }) => layer === map.header.layer && head === map.header.head)
  )
    return null;
  const { layer, kinds } = map.header;
  const { stream: own = 0, key_stream: other = 0 } = summary.layers[layer] ?? {};
  const shares = kinds.map((_, index) => shareIn(map, index));
  const [queries, keys] = [own, other].map((stream) => summary.streams[stream]?.tokens ?? []);
  const rows = (queries ?? []).flatMap(({ index: query }) =>
    (keys ?? []).map(
      ({ index: key }): Row => ({
        part: null,
        name: `${tokenName(summary, query, own)} ← ${tokenName(summary, key, other)}`,
        values: shares.map((share) => share(query, key)),
      }),
    ),
  );
  const headed = (kind: Kind): Column => ({ id: kind, name: kind, tip: "Share of the mass" });
  return { columns: kinds.map(headed), first: "value", rows, written: ({ values }) => values.map(percent) };
}
