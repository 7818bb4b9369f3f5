/** One head between tokens: where it reads, and what makes it look there. */

import { html } from "lit-html";
import type { Columns } from "../columns";
import type { ExplanationHeader, Kind } from "../contract";
import { h } from "../dom";
import { percent } from "../layout/numbers";
import { explanationPane } from "../pane";
import { headOf, isEmpty, normalise, same } from "../selection";
import type { State, Store } from "../store";

const COLOURS: Record<Kind, readonly [number, number, number]> = {
  query: [0, 114, 178],
  key: [201, 133, 0],
  value: [0, 158, 115],
};

export function mountHeadMap(root: HTMLElement, store: Store, signal: AbortSignal): void {
  const hint = h("p", { class: "hint" });
  const figures = h("div", { class: "maps" });
  root.append(h("h3", {}, "One head: query (rows) × key (columns)"), hint, figures);
  explanationPane(hint, store, signal, (state) => html`${aboutMap(state)}`);
  let drawn: State["map"] = null;
  store.effect((state) => {
    // An older map gives way when the new one is there, so that nothing jumps.
    const shown = headOf(state.selection) === null ? null : state.map;
    if (shown === drawn || state.summary?.type !== "explanation") return;
    drawn = shown;
    const summary = state.summary;
    const made = shown?.header.kinds.map((_, index) => figure(summary, shown.header, shown.columns, index));
    figures.replaceChildren(...(made ?? []));
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

function figure(
  summary: ExplanationHeader,
  header: NonNullable<State["map"]>["header"],
  columns: Columns,
  index: number,
): HTMLElement {
  const kind = header.kinds[index] ?? "value";
  const peak = header.peak[index] ?? 0;
  const described = summary.layers[header.layer];
  const queries = summary.streams[described?.stream ?? 0]?.tokens ?? [];
  const keys = summary.streams[described?.key_stream ?? 0]?.tokens ?? [];
  const canvas = h("canvas", {
    width: keys.length,
    height: queries.length,
    role: "img",
    "aria-label": `${kind} map`,
  });
  draw(canvas, columns, index, kind);
  const reading = h("figcaption", {}, `${kind}: at most ${percent(peak)}`);
  canvas.addEventListener("pointermove", (event) => {
    const box = canvas.getBoundingClientRect();
    const key = Math.floor(((event.clientX - box.left) / box.width) * keys.length);
    const query = Math.floor(((event.clientY - box.top) / box.height) * queries.length);
    const byte = columns.at("map", index, query, key);
    const share = percent((byte / 255) ** 2 * peak);
    reading.textContent = `${kind}: ${queries[query]?.text ?? ""} ← ${keys[key]?.text ?? ""} ${share}`;
  });
  return h("figure", { class: `branch ${kind}` }, canvas, reading);
}

/** One pixel per pair of tokens; the browser scales it. */
function draw(canvas: HTMLCanvasElement, columns: Columns, kind: number, name: Kind): void {
  const context = canvas.getContext?.("2d");
  if (!context) return;
  const [red, green, blue] = COLOURS[name];
  const image = context.createImageData(canvas.width, canvas.height);
  for (let query = 0; query < canvas.height; query++) {
    for (let key = 0; key < canvas.width; key++) {
      const byte = columns.at("map", kind, query, key);
      image.data.set([red, green, blue, Number.isNaN(byte) ? 0 : byte], 4 * (query * canvas.width + key));
    }
  }
  context.putImageData(image, 0, 0);
}
