/** A picture or a sound with numbers laid over it, beside the layers and heads that read it. */

import { html, nothing, render } from "lit-html";
import { type Bytes, Columns } from "../columns";
import { VERSION } from "../contract";
import { h, put } from "../dom";
import { Field } from "../fields/field";
import { keepEntry } from "../keyboard";
import { columnOf } from "../layout/columns";
import { percent, signed } from "../layout/numbers";
import { type Drawing, pane } from "../pane";
import { EMPTY, normalise, same } from "../selection";
import { followSpace } from "../space";
import { Store } from "../store";
import styles from "../styles/widget.css";
import { followTheme } from "../theme";
import type { Model } from "../transport";
import { mountTooltip } from "../views/tooltip";
import { backdropOf } from "./backdrop";
import { cellTarget, choiceOf } from "./choice";
import type { OverlayHeader } from "./contract";
import { controls } from "./controls";
import { listenToChoices } from "./gestures";
import { layersFace } from "./layers-face";
import { measureOf, shareAt, shownOf } from "./maps";
import { overlayFace } from "./overlay-face";
import { across, boxOf, evenly, rasterOf } from "./raster";
import { cellTable, layerTable, methodTable } from "./tables";
import { cellSentence, placeSentence, shareSentence } from "./words";

// The tints at first; and the largest that a picture is shown, and a waveform.
const OPACITY = 0.85;
const WIDEST = 560;
const HIGHEST = 640;
const WAVE = 150;
// Measures that a hint tells: the one that is shown and some others.
const TOLD = 3;

/** Show a result inside `el` until the signal aborts; gives the root. */
export function mountOverlay(model: Model, el: HTMLElement, signal: AbortSignal): HTMLElement {
  const header = model.get("summary") as OverlayHeader;
  const body = h("div", { class: "body overlay" });
  const root = h("div", { class: "semiring-widgets", "data-view": "overlay" }, h("style", {}, styles), body);
  el.append(root);
  signal.addEventListener("abort", () => root.remove());
  const store = new Store({ kernel: false, selection: normalise(model.get("selection")) });
  followTheme(root, model, store, signal);
  if (header.version !== VERSION) {
    body.append(
      h(
        "p",
        { role: "alert" },
        "The page and Python speak different versions; restart the kernel, or write the page again.",
      ),
    );
    return root;
  }
  followSpace(root, store, signal);
  followSelection(model, store, signal);
  const columns = new Columns(header.columns, model.get("summary_buffer") as Bytes);
  store.listen(({ selection }) => put(root, { "data-selection": JSON.stringify(selection) }), signal);
  put(root, { "data-selection": JSON.stringify(store.state.selection) });
  listenToChoices(root, store, signal);
  mountTooltip(root, signal);
  place(body, header, columns, store, signal);
  return root;
}

/** The selection goes to Python, and comes from there. */
function followSelection(model: Model, store: Store, signal: AbortSignal): void {
  const take = () => {
    const selection = normalise(model.get("selection"));
    if (!same(selection, store.state.selection)) store.update({ selection });
  };
  model.on("change:selection", take);
  signal.addEventListener("abort", () => model.off("change:selection", take));
  store.listen(({ selection }) => {
    if (same(selection, normalise(model.get("selection")))) return;
    model.set("selection", selection);
    model.save_changes();
  }, signal);
}

function place(
  body: HTMLElement,
  header: OverlayHeader,
  columns: Columns,
  store: Store,
  signal: AbortSignal,
): void {
  const { answer, settings, layers, routes, methods, rate } = header;
  const section = (name: string, label: string) => h("section", { "data-pane": name, "aria-label": label });
  const said = h("div", { class: "answer" });
  render(
    answer.map(({ kind, text }, index) =>
      index === 0
        ? html`<h2>${emphasised(text)}</h2>`
        : html`<p class="tells" data-kind=${kind}>${emphasised(text)}</p>`,
    ),
    said,
  );
  const signalName = rate === null ? "picture" : "sound";
  const [above, notice] = [h("div", { class: "controls" }), h("div", { class: "notice", role: "status" })];
  const pictures = h("div", { class: "pictures", "data-signal": signalName });
  body.append(said, h("div", { class: "headline" }, settings), above, pictures, notice);
  mountPicture(
    section(signalName, `${signalName} with its numbers`),
    pictures,
    above,
    header,
    columns,
    store,
    signal,
  );
  if (layers.length > 0)
    mountLayers(section("layers", "layers by heads"), pictures, header, columns, store, signal);
  pane(notice, store, signal, (state) => noticeOf(header, columns, store, state.selection, state.measure));
  if (routes.length > 0) mountRoutes(section("routes", "routes"), body, header, store, signal);
  if (methods.length > 0) {
    const compared = h("div", { class: "scrolled", tabindex: 0, role: "region", "aria-label": "methods" });
    render(methodTable(header), compared);
    body.append(compared);
  }
  mountTables(body, header, columns, store, signal);
}

const emphasised = (text: string): (string | Drawing)[] =>
  text.split(/\*([^*]+)\*/).map((piece, index) => (index % 2 === 1 ? html`<em>${piece}</em>` : piece));

function mountPicture(
  root: HTMLElement,
  parent: HTMLElement,
  above: HTMLElement,
  header: OverlayHeader,
  columns: Columns,
  store: Store,
  signal: AbortSignal,
): void {
  const title = h("h3");
  root.append(title);
  parent.append(root);
  const [backdrop, raster] = [backdropOf(columns), rasterOf(header.grid)];
  const field = new Field(root, store, signal, `${root.dataset.pane} by ${header.several}`);
  let opacity = OPACITY;
  const draw = () => {
    const { selection, measure, route, space } = store.state;
    const shown = shownOf(header, columns, choiceOf(selection), measure);
    const { width, height } = sizeIn(header, space);
    const own = header.measures.find(({ label }) => label === shown.label);
    const first = header.layers[header.routes[route ?? -1]?.heads[0]?.[0] ?? 0];
    const ofRoute = first === undefined ? raster : evenly(first.rows, first.columns);
    render(html`${shown.label} <span class="caption">${shown.how}</span>`, title);
    render(
      controls(header, shown, measure, opacity, {
        measure: (name) =>
          // A measure is one of cells; a layer has its own map of it only where it is a contribution.
          store.update({
            measure: name,
            selection: name === "contribution" ? selection : selection.filter(({ layer }) => layer === null),
          }),
        opacity: (value) => {
          opacity = value;
          draw();
        },
      }),
      above,
    );
    field.show(
      overlayFace({
        ...{ shown, width, height, opacity, backdrop },
        route: (header.routes[route ?? -1]?.cells ?? []).map((one) => (one < 0 ? null : boxOf(ofRoute, one))),
        spoken: (at) => {
          const cell = across(shown.raster, at, raster);
          const label =
            own === undefined
              ? placeSentence(header, shown, at)
              : cellSentence(header, columns, at, own.name, TOLD);
          return { label, target: cellTarget(cell), disabled: false };
        },
        lying: ({ layer, token }) =>
          (layer ?? null) === null && token !== undefined && token !== null ? [boxOf(raster, token)] : [],
      }),
      { width, height },
    );
  };
  // All that it reads, so that it is drawn when one of them changes.
  store.effect(
    ({ selection, measure, route, space }) => void [selection, measure, route, space, draw()],
    signal,
  );
}

/** Pixels of the picture, beside the layers where there is room. */
function sizeIn({ grid, rate, layers }: OverlayHeader, space: number): { width: number; height: number } {
  if (rate !== null) return { width: space, height: WAVE };
  const ratio = (grid.rows.at(-1) ?? 1) / (grid.columns.at(-1) ?? 1);
  const most = Math.min(WIDEST, layers.length > 0 ? columnOf(space) : space, HIGHEST / ratio);
  return { width: Math.floor(most), height: Math.floor(most * ratio) };
}

function mountLayers(
  root: HTMLElement,
  parent: HTMLElement,
  header: OverlayHeader,
  columns: Columns,
  store: Store,
  signal: AbortSignal,
): void {
  const title = h("h3");
  root.append(title);
  parent.append(root);
  const field = new Field(root, store, signal, "layers by heads: the share of all paths");
  store.effect(({ selection, space }) => {
    const { cell } = choiceOf(selection);
    const caption = cell === null ? "share of all paths" : `share of all paths at the chosen ${header.cells}`;
    const what = header.layers.some(({ heads }) => heads > 0) ? "Layers and heads" : "Layers";
    render(html`${what} <span class="caption">${caption}</span>`, title);
    const width = header.rate === null ? columnOf(space) : space;
    field.show(layersFace(header, columns, cell, width), { width, height: HIGHEST });
  }, signal);
}

/** What is chosen, in sentences. */
function noticeOf(
  header: OverlayHeader,
  columns: Columns,
  store: Store,
  selection: Store["state"]["selection"],
  measure: string | null,
): Drawing {
  const { cell, layer, head } = choiceOf(selection);
  const { cells, layers } = header;
  if (cell === null && layer === null) {
    const other = layers.length === 0 ? "" : ", or a layer or head: the other picture follows";
    return html`<p class="hint">Choose a ${cells}${other}. Arrows go from ${cells} to ${cells}, Escape clears.</p>`;
  }
  const clear = () => store.update({ selection: EMPTY });
  return html`${cell === null ? nothing : html`<p>${cellSentence(header, columns, cell, measureOf(header, measure).name)}.</p>`}
    ${cell === null || layer !== null ? nothing : html`<p>${mostOf(header, columns, cell)}</p>`}
    ${layer === null ? nothing : html`<p>${shareSentence(header, columns, layer, head, cell)}.</p>`}
    <button type="button" data-action="clear" @click=${clear}>Clear</button>`;
}

/** The heads that most paths enter from a cell. */
function mostOf(header: OverlayHeader, columns: Columns, cell: number): string {
  const found = header.layers
    .flatMap(({ heads }, layer) =>
      Array.from({ length: heads }, (_, head) => ({
        layer,
        head,
        share: shareAt(header, columns, layer, head, cell),
      })),
    )
    .filter(({ share }) => share > 0)
    .sort((one, other) => other.share - one.share)
    .slice(0, 3)
    .map(({ layer, head, share }) => `head ${layer}·${head} (${percent(share)})`);
  return found.length === 0 ? "" : `Most paths from there enter ${found.join(", ")}.`;
}

function mountRoutes(
  root: HTMLElement,
  parent: HTMLElement,
  { routes }: OverlayHeader,
  store: Store,
  signal: AbortSignal,
): void {
  root.dataset.order = "line";
  parent.append(root);
  pane(
    root,
    store,
    signal,
    ({ route }) => html`<h3>Routes <span class="caption">contribution, and share of all paths</span></h3>
    <ol>${routes.map(
      (
        { text, share, contribution },
        rank,
      ) => html`<li><span role="button" tabindex="-1" data-item class="named" data-route=${rank}
        aria-pressed=${route === rank}>${text}</span> <span class="facts">${signed(contribution)}, ${percent(share)}</span></li>`,
    )}</ol>`,
  );
}

function mountTables(
  parent: HTMLElement,
  header: OverlayHeader,
  columns: Columns,
  store: Store,
  signal: AbortSignal,
): void {
  const inside = h("div", {
    class: "scrolled",
    tabindex: 0,
    role: "region",
    "aria-label": "numbers",
    "data-pane": "table",
  });
  const details = h("details", { class: "numbers" }, h("summary", {}, "The same numbers as tables"), inside);
  parent.append(details);
  const draw = () => {
    if (!details.open) return;
    const layers = header.layers.length > 0 ? layerTable(header, columns, store.state) : nothing;
    render(html`${cellTable(header, columns, store.state)}${layers}`, inside);
    keepEntry(inside);
  };
  details.addEventListener("toggle", draw, { signal });
  store.effect(({ selection, measure }) => void [selection, measure, draw()], signal);
}
