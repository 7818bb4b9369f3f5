/** One head between tokens: where it reads, and what makes it look there. */

import { html } from "lit-html";
import type { Columns } from "../columns";
import type { ExplanationHeader, HeadMapAnswer, Kind } from "../contract";
import { h } from "../dom";
import type { Face } from "../fields/face";
import { Field } from "../fields/field";
import type { Lattice } from "../fields/lattice";
import { columnBox, depthOf, latticeFace, rowBox } from "../fields/lattice-face";
import { shareOf } from "../layout/columns";
import { percent } from "../layout/numbers";
import { explanationPane } from "../pane";
import { tokenName } from "../part-names";
import { headOf, isEmpty, normalise, same } from "../selection";
import { shareIn } from "../shares";
import type { State, Store } from "../store";

const GUTTER = 74;
// Cells in which a share is read, and those of long texts, which are scrolled.
const LARGEST = 22;
const SMALLEST = 4;
// More of a map is scrolled in itself.
const HIGHEST = 420;
const UPRIGHT = 40;
// Beside the last column, into which its slanted name leans.
const LEANING = 48;

const MEANT: Record<Kind, string> = {
  value: "value: what it reads there",
  key: "key: what makes it look there",
  query: "query: what makes it look from here",
};

export function mountHeadMap(root: HTMLElement, store: Store, signal: AbortSignal): void {
  const hint = h("p", { class: "hint" });
  const figures = h("div", { class: "maps" });
  root.append(h("h3", {}, "One head: query (rows) × key (columns)"), hint, figures);
  explanationPane(hint, store, signal, (state) => html`${aboutMap(state)}`);
  const fields: { figure: HTMLElement; caption: HTMLElement; field: Field }[] = [];
  const fieldAt = (index: number) => {
    const caption = h("figcaption");
    const figure = h("figure", { class: "branch" }, caption);
    const field = new Field(figure, store, signal, "one head, query by key");
    field.element.classList.add("reading");
    fields[index] = { figure, caption, field };
    return { figure, caption, field };
  };
  store.effect((state) => {
    // An older map gives way when the new one is there, so that nothing jumps.
    const shown = headOf(state.selection) === null ? null : state.map;
    const { summary, space } = state;
    if (summary?.type !== "explanation") return;
    const kinds = [...(shown?.header.kinds ?? [])].reverse();
    const width = shareOf(space, Math.max(1, kinds.length));
    const made = kinds.map((kind) => {
      const index = shown?.header.kinds.indexOf(kind) ?? 0;
      const { figure, caption, field } = fields[index] ?? fieldAt(index);
      if (shown === null) return figure;
      caption.textContent = `${MEANT[kind]}; at most ${percent(shown.header.peak[index] ?? 0)}`;
      const face = mapFace(summary, shown.header, shown.columns, index, width);
      field.show(face, { width, height: HIGHEST });
      return figure;
    });
    if (made.length !== figures.children.length) figures.replaceChildren(...made);
  }, signal);
}

function aboutMap({ selection, map, unmapped }: State): string {
  const head = headOf(selection);
  if (head === null) return "Click a head to see between which tokens it carries paths.";
  if (map === null) return unmapped ?? "asking for this head …";
  const { header } = map;
  const own = normalise(header.selection);
  const whose = isEmpty(own)
    ? "all paths"
    : same(own, selection)
      ? "the selected paths"
      : "the paths selected before";
  return `Head ${header.layer}·${header.head}: shares of the mass of ${whose}. ${unmapped ?? ""}`.trim();
}

/** A map of one kind: each row is where the head looks from, each column where it looks to. */
function mapFace(
  summary: ExplanationHeader,
  header: HeadMapAnswer,
  columns: Columns,
  index: number,
  space: number,
): Face {
  const { layer, kinds } = header;
  const described = summary.layers[layer];
  const [own, other] = [described?.stream ?? 0, described?.key_stream ?? 0];
  const queries = summary.streams[own]?.tokens ?? [];
  const keys = summary.streams[other]?.tokens ?? [];
  const fitting = Math.floor((space - GUTTER - LEANING) / Math.max(1, keys.length));
  const cell = Math.max(SMALLEST, Math.min(LARGEST, fitting));
  const upright = cell >= UPRIGHT;
  const lattice: Lattice = {
    columns: keys.length,
    rows: queries.length,
    gutter: GUTTER,
    above: depthOf(upright),
    cell,
    row: cell,
    upwards: false,
    named: false,
  };
  const read = columns.reader("map");
  // A byte is the root of a share, as a tint is.
  const strengths = new Float32Array(queries.length * keys.length).map(
    (_, place) => read(index, Math.floor(place / keys.length), place % keys.length) / 255,
  );
  const share = shareIn({ header, columns }, index);
  return latticeFace(
    { lattice, strengths, printed: () => "", align: "center", disabled: () => false, hue: kinds[index] },
    {
      row: (row) => queries[row]?.text ?? "",
      column: (column) => keys[column]?.text ?? "",
      where: "top",
      upright,
    },
    {
      spoken: (row, column) => ({
        label: `${kinds[index]}: ${tokenName(summary, row, own)} ← ${tokenName(summary, column, other)} ${percent(share(row, column))}`,
        target: null,
        disabled: false,
      }),
      lying: ({ layer: at, head, branch, token, stream }) => {
        const nothing = (value: unknown) => value === null || value === undefined;
        if (!nothing(at) || !nothing(head) || !nothing(branch) || nothing(token)) return [];
        const found = [];
        if ((stream ?? 0) === own && (token ?? 0) < queries.length)
          found.push({ box: rowBox(lattice, token ?? 0), own: false });
        if ((stream ?? 0) === other && (token ?? 0) < keys.length)
          found.push({ box: columnBox(lattice, token ?? 0, 0, queries.length - 1), own: false });
        return found;
      },
    },
  );
}
