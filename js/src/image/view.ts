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
import { type State, Store } from "../store";
import styles from "../styles/widget.css";
import { followTheme } from "../theme";
import type { Model } from "../transport";
import { mountTooltip } from "../views/tooltip";
import { choiceOf } from "./choice";
import type { OverlayHeader } from "./contract";
import { listenToChoices } from "./gestures";
import type { Known } from "./known";
import { layersFace } from "./layers-face";
import { measureOf, shareAt } from "./maps";
import { HIGHEST, mountPicture } from "./picture";
import { cellTable, layerTable, methodTable } from "./tables";
import { cellSentence, shareSentence } from "./words";

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
  place(body, { header, columns, store, signal });
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

function place(body: HTMLElement, known: Known): void {
  const { answer, settings, layers, routes, methods, rate } = known.header;
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
  const name = rate === null ? "picture" : "sound";
  const [above, notice] = [h("div", { class: "controls" }), h("div", { class: "notice", role: "status" })];
  const pictures = h("div", { class: "pictures", "data-signal": name });
  body.append(said, h("div", { class: "headline" }, settings), above, pictures, notice);
  const placed = (parent: HTMLElement, pane: HTMLElement) => {
    parent.append(pane);
    return pane;
  };
  mountPicture(placed(pictures, section(name, `${name} with its numbers`)), above, known);
  if (layers.length > 0) mountLayers(placed(pictures, section("layers", "layers by heads")), known);
  pane(notice, known.store, known.signal, (state) => noticeOf(known, state));
  if (routes.length > 0) mountRoutes(placed(body, section("routes", "routes")), known);
  if (methods.length > 0) render(methodTable(known.header), placed(body, scrolled("methods")));
  mountTables(body, known);
}

const scrolled = (label: string): HTMLElement =>
  h("div", { class: "scrolled", tabindex: 0, role: "region", "aria-label": label });

const emphasised = (text: string): (string | Drawing)[] =>
  text.split(/\*([^*]+)\*/).map((piece, index) => (index % 2 === 1 ? html`<em>${piece}</em>` : piece));

function mountLayers(root: HTMLElement, { header, columns, store, signal }: Known): void {
  const title = h("h3");
  root.append(title);
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
function noticeOf({ header, columns, store }: Known, { selection, measure }: State): Drawing {
  const { cell, layer, head } = choiceOf(selection);
  const { cells, layers } = header;
  if (cell === null && layer === null) {
    const other = layers.length === 0 ? "" : ", or a layer or head: the other picture follows";
    return html`<p class="hint">Choose a ${cells}${other}. Arrows go from ${cells} to ${cells}, Escape clears.</p>`;
  }
  const clear = (event: Event) => {
    // The button goes; the focus does not go with it.
    const root = (event.currentTarget as Element).closest(".semiring-widgets");
    store.update({ selection: EMPTY, route: null });
    root?.querySelector<HTMLElement>('[data-item][tabindex="0"]')?.focus({ preventScroll: true });
  };
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

function mountRoutes(root: HTMLElement, { header: { routes }, store, signal }: Known): void {
  root.dataset.order = "line";
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

function mountTables(parent: HTMLElement, { header, columns, store, signal }: Known): void {
  const inside = scrolled("numbers");
  inside.dataset.pane = "table";
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
