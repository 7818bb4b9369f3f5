/** The inspector: share of mass through every head, and one head between tokens. */

import type { Columns } from "../columns";
import { type ExplanationHeader, KINDS } from "../contract";
import { h, item } from "../dom";
import { percent } from "../layout/numbers";
import { atHead, isSigned, partsMeasure, tints, worded } from "../measures";
import { covers } from "../selection";
import type { State } from "../store";

export function heads(state: State, summary: ExplanationHeader): HTMLElement {
  const kinds = h(
    "select",
    { "data-kind": true, "aria-label": "which operand" },
    h("option", { value: -1, selected: state.kind === -1 }, "query + key + value"),
    ...KINDS.map((kind, index) => h("option", { value: index, selected: state.kind === index }, kind)),
  );
  const measure = partsMeasure(state, summary);
  const rows = [...summary.layers].reverse().map((layer) => {
    const numbers = Array.from({ length: layer.heads }, (_, head) =>
      atHead(state, measure, layer.index, head, state.kind),
    );
    const strengths = tints(measure, numbers);
    const cells = numbers.map((value, head) => {
      const facets = { layer: layer.index, head };
      const label = `layer ${layer.index}, head ${head}: ${measure.label} ${worded(measure, value)}`;
      const attributes = item(facets, covers(state.selection, facets), label);
      return h("button", {
        ...attributes,
        type: "button",
        title: label,
        class: `head${Number.isNaN(value) ? " unknown" : ""}${isSigned(measure) && value < 0 ? " negative" : ""}`,
        style: `--tint:${(strengths[head] ?? 0).toFixed(3)}`,
      });
    });
    const pressed = covers(state.selection, { layer: layer.index });
    const name = h(
      "button",
      {
        ...item({ layer: layer.index }, pressed, layer.name),
        type: "button",
        class: "row",
        title: layer.name,
      },
      `L${layer.index}`,
    );
    return h("div", { class: "heads" }, name, ...cells);
  });
  const pane = h("section", { "data-pane": "heads", "aria-label": "heads: layers by heads" });
  pane.append(h("h3", {}, "Heads: layers × heads"), h("label", {}, "Show: ", kinds), ...rows);
  return pane;
}

export function headMap(state: State, summary: ExplanationHeader): HTMLElement {
  const pane = h("section", { "data-pane": "head", "aria-label": "one head: query by key tokens" });
  pane.append(h("h3", {}, "One head: query (rows) × key (columns)"));
  const { layer, head } = state.selection;
  if (layer === null || head === null) {
    pane.append(h("p", { class: "hint" }, "Click a head to see between which tokens it carries paths."));
    return pane;
  }
  const found = state.map;
  if (found === null || found.header.layer !== layer || found.header.head !== head) return pane;
  const described = summary.layers[layer];
  const queries = summary.streams[described?.stream ?? 0]?.tokens ?? [];
  const keys = summary.streams[described?.key_stream ?? 0]?.tokens ?? [];
  const row = h("div", { class: "maps" });
  found.header.kinds.forEach((kind, index) => {
    const peak = found.header.peak[index] ?? 0;
    const canvas = h("canvas", {
      width: keys.length,
      height: queries.length,
      role: "img",
      "aria-label": `${kind} map`,
    });
    draw(canvas, found.columns, index, kind);
    const reading = h("figcaption", {}, `${kind}: at most ${percent(peak)}`);
    canvas.addEventListener("pointermove", (event) => {
      const box = canvas.getBoundingClientRect();
      const key = Math.floor(((event.clientX - box.left) / box.width) * keys.length);
      const query = Math.floor(((event.clientY - box.top) / box.height) * queries.length);
      const byte = found.columns.at("map", index, query, key);
      const share = percent((byte / 255) ** 2 * peak);
      reading.textContent = `${kind}: ${queries[query]?.text ?? ""} ← ${keys[key]?.text ?? ""} ${share}`;
    });
    row.append(h("figure", { class: `branch ${kind}` }, canvas, reading));
  });
  pane.append(row);
  return pane;
}

/** One pixel per pair of tokens; the browser scales it. */
function draw(canvas: HTMLCanvasElement, columns: Columns, kind: number, name: string): void {
  const context = canvas.getContext?.("2d");
  if (!context) return;
  const colours: Record<string, [number, number, number]> = {
    query: [0, 114, 178],
    key: [230, 159, 0],
    value: [0, 158, 115],
  };
  const [red, green, blue] = colours[name] ?? [90, 90, 90];
  const image = context.createImageData(canvas.width, canvas.height);
  for (let query = 0; query < canvas.height; query++) {
    for (let key = 0; key < canvas.width; key++) {
      const byte = columns.at("map", kind, query, key);
      image.data.set([red, green, blue, Number.isNaN(byte) ? 0 : byte], 4 * (query * canvas.width + key));
    }
  }
  context.putImageData(image, 0, 0);
}
