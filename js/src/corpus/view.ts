/** A corpus: its texts as points, what those that are chosen have in common, and each of them. */

import { html, render } from "lit-html";
import { type Bytes, Columns } from "../columns";
import { VERSION } from "../contract";
import { h, put } from "../dom";
import { citationOfCorpus } from "../picture/citation";
import { mountPictureOf } from "../picture/menu";
import type { Theme } from "../store";
import styles from "../styles/widget.css";
import { followTheme } from "../theme";
import type { Model } from "../transport";
import { loadBokeh } from "../views/chart";
import { type Aggregates, type Cells, fromColumns, ofCells, snapped, total } from "./aggregates";
import { Asker } from "./ask";
import { asked, type Box, type Brush, chosen, isAll, told, within } from "./brush";
import { Chart } from "./charts";
import type { CorpusHeader } from "./contract";
import { controls } from "./controls";
import { tablesOf } from "./numbers";
import { OneText } from "./one-text";
import * as sources from "./sources";
import { type Found, type Query, searched, Texts } from "./texts";

/** Show a corpus inside `el` until the signal aborts; gives the root. */
export function mountCorpus(model: Model, el: HTMLElement, signal: AbortSignal): HTMLElement {
  const body = h("div", { class: "body corpus" });
  const root = h("div", { class: "semiring-widgets", "data-view": "corpus" }, h("style", {}, styles), body);
  el.append(root);
  signal.addEventListener("abort", () => root.remove());
  const header = model.get("summary") as CorpusHeader;
  const [explained, below] = [h("div", { class: "explained" }), h("div", { class: "body corpus" })];
  root.append(explained, below);
  const view = new View(root, { body, explained, below }, header, model, signal);
  followTheme(root, model, { update: ({ theme }) => theme && view.paint(theme) }, signal);
  view.start();
  return root;
}

class View {
  private readonly asker: Asker;
  private readonly columns: Columns;
  private readonly whole: Aggregates;
  private readonly charts = new Map<string, Chart>();
  private readonly head = h("div", { class: "headline" });
  private readonly notice = h("div", { class: "notice", role: "status" });
  private readonly controls = h("div", { class: "controls" });
  private readonly error = h("p", { "data-error": "", role: "alert", hidden: "" });
  private readonly tables = h(
    "details",
    { class: "numbers" },
    h("summary", {}, "The same numbers as tables"),
  );
  private readonly tablesBody = h("div");
  private readonly places = new Map<string, HTMLElement>();
  private readonly texts: Texts;
  private readonly one: OneText;
  private brush: Brush;
  private shown: Aggregates;
  private cells: Cells | null = null;
  // Whether a page is still being read: what is chosen meanwhile is counted then.
  private reading = false;
  private theme: Theme = "light";
  private asks = 0;

  constructor(
    private readonly root: HTMLElement,
    { body, explained, below }: Record<"body" | "explained" | "below", HTMLElement>,
    private readonly header: CorpusHeader,
    private readonly model: Model,
    signal: AbortSignal,
  ) {
    this.asker = new Asker(model, signal);
    this.columns = new Columns(header.columns, model.get("summary_buffer") as Bytes);
    this.whole = this.shown = fromColumns(this.columns);
    const axis = (name: string) =>
      Math.max(
        0,
        header.numbers.findIndex((one) => one.name === name),
      );
    this.brush = { x: axis(header.x), y: axis(header.y), box: null, groups: [] };
    const pane = (name: string, label: string, ...children: Node[]) => {
      const element = h("section", { "data-pane": name, "aria-label": label }, ...children);
      this.places.set(name, element);
      return element;
    };
    const listed = pane("texts", "texts", h("h3", {}, "Texts"));
    const picture = h("div", { class: "choices picture" });
    const one = pane("one-text", "one text");
    body.append(
      this.head,
      this.controls,
      picture,
      this.notice,
      this.error,
      h("div", { class: "pair" }, pane("points", "texts as points"), pane("order", "largest heads and MLPs")),
      pane("histograms", "distributions by group"),
      h("div", { class: "pair" }, pane("mean-heads", "heads"), pane("mean-layers", "layers")),
      pane("mean-flow", "flow by route and layer"),
      listed,
      one,
    );
    below.append(this.tables);
    this.tables.append(this.tablesBody);
    this.tables.addEventListener("toggle", () => this.drawTables(), { signal });
    const about = () => ({ text: header.name, citation: citationOfCorpus(header, this.which()) });
    mountPictureOf(picture, about, signal);
    this.one = new OneText(one, explained, header, this.asker, model, signal);
    this.texts = new Texts(
      listed,
      header,
      (query, start, count) => this.search(query, start, count),
      (row) => this.one.open(row),
      (sentence) => this.fail(sentence),
      signal,
    );
    root.addEventListener(
      "keydown",
      (event) => {
        const inside = (event.target as Element).closest(".explained, input, select");
        if (event.key === "Escape" && inside === null && !isAll(this.brush))
          this.choose({ box: null, groups: [] });
      },
      { signal },
    );
  }

  start(): void {
    if (this.header.version !== VERSION) {
      this.fail("The page and Python speak different versions; restart the kernel, or write the page again.");
      return;
    }
    this.draw();
    this.texts.refresh();
    void this.loadCharts();
    // A page without a kernel holds what it brushes.
    this.reading = this.model.tested !== undefined;
    if (this.reading)
      this.asker.ask({ type: "cells" }).then(
        ({ header, columns }) => {
          this.reading = false;
          this.cells = { each: header.each, columns };
          if (this.brush.box !== null) this.box(this.brush.box);
          else if (!isAll(this.brush)) this.choose({});
          else this.draw();
        },
        (error: Error) => {
          this.reading = false;
          this.fail(error.message);
        },
      );
  }

  paint(theme: Theme): void {
    if (theme === this.theme) return;
    this.theme = theme;
    this.embed();
  }

  private async loadCharts(): Promise<void> {
    try {
      const { header } = await this.asker.ask({ type: "chart" });
      if (window.Bokeh === undefined) await loadBokeh((await this.asker.ask({ type: "bokehjs" })).buffer);
      for (const [name, item] of Object.entries(header.item as Record<string, Record<string, unknown>>)) {
        const chart = new Chart(
          `chart: ${name.replace("-", " by ")}; its numbers are in the tables below`,
          item,
        );
        this.charts.set(name, chart);
        this.places.get(PLACES.find(([start]) => name.startsWith(start))?.[1] ?? name)?.append(chart.element);
      }
      this.embed();
    } catch (error) {
      this.fail((error as Error).message);
    }
  }

  private embed(): void {
    const bokeh = window.Bokeh;
    if (bokeh === undefined) return;
    for (const [name, chart] of this.charts) {
      void chart.draw(bokeh, this.theme === "dark").catch((error: unknown) => this.fail(String(error)));
      chart.fill(() => {
        if (name === "points")
          chart.listen(
            (box) => this.box(box),
            (x, y) => this.click(x, y),
          );
        this.fillChart(name, chart);
      });
    }
  }

  /** Choose other texts; what is shown follows at once, or when Python has answered. */
  private choose(change: Partial<Brush>): void {
    this.brush = { ...this.brush, ...change };
    const number = ++this.asks;
    this.fail("");
    if (isAll(this.brush) && "joint" in this.whole && change.x === undefined && change.y === undefined)
      this.take(this.whole);
    else if (this.cells !== null) this.take(ofCells(this.cells, this.header, this.brush));
    else if (this.reading) put(this.root, { "aria-busy": "true" });
    else {
      put(this.root, { "aria-busy": "true" });
      this.asker.ask({ type: "brush", ...asked(this.brush, this.header) }).then(
        ({ columns }) => {
          if (number === this.asks) this.take(fromColumns(columns));
        },
        (error: Error) => {
          if (number === this.asks) this.fail(error.message);
        },
      );
    }
    this.draw();
    this.texts.refresh();
  }

  private take(aggregates: Aggregates): void {
    put(this.root, { "aria-busy": "false" });
    this.shown = aggregates;
    this.draw();
  }

  private box(box: Box): void {
    this.choose({ box: this.cells === null ? box : snapped(box, this.cells) });
  }

  /** Open the text whose point is next to a place. */
  private click(x: number, y: number): void {
    const [rows, at] = [this.columns.get("point_row")?.data, this.columns.reader("point_number")];
    const { numbers } = this.header;
    const width = (place: number) => (numbers[place]?.high ?? 1) - (numbers[place]?.low ?? 0) || 1;
    const [across, up] = [width(this.brush.x), width(this.brush.y)];
    let [nearest, row]: [number, number | null] = [REACH, null];
    rows?.forEach((own, point) => {
      const away = Math.hypot((at(point, this.brush.x) - x) / across, (at(point, this.brush.y) - y) / up);
      if (away < nearest) [nearest, row] = [away, own];
    });
    if (row !== null) this.one.open(row);
  }

  private async search(query: Query, start: number, count: number): Promise<Found> {
    if (this.model.tested === undefined) {
      const { header } = await this.asker.ask({
        type: "texts",
        ...asked(this.brush, this.header),
        ...query,
        start,
        count,
      });
      return header;
    }
    const rows = this.columns.get("point_row")?.data ?? new Float32Array(0);
    const at = this.columns.reader("point_number");
    const points = new Map(Array.from(rows, (row, point) => [row, point]));
    const lines = searched(this.header.lines, query).filter(({ row, group }) => {
      const point = points.get(row) ?? -1;
      return (
        chosen(this.brush, group) && within(this.brush.box, at(point, this.brush.x), at(point, this.brush.y))
      );
    });
    return { total: lines.length, start, lines: lines.slice(start, start + count) };
  }

  private draw(): void {
    const { header, brush, shown } = this;
    const { texts, name, found, asked: question, errors } = header;
    put(this.root, { "data-brush": JSON.stringify(brush), "data-count": total(shown) });
    const missing = errors === 0 ? "" : `, ${errors.toLocaleString("en")} could not be asked`;
    render(
      html`<h2>${name}</h2><span>${texts.toLocaleString("en")} texts${missing}</span><span>${question}</span><p>${found.join(" ")}</p>`,
      this.head,
    );
    this.drawControls();
    const sample = header.points < texts ? ` Points are ${header.points.toLocaleString("en")} of them.` : "";
    const ends =
      this.cells !== null && !isAll(brush)
        ? " Intervals: mean ± 1.96 standard errors."
        : " Intervals: bootstrap over texts, 95 %.";
    render(
      html`${this.which()}
        ${isAll(brush) ? "" : html`<button type="button" data-action="clear" @click=${() => this.choose({ box: null, groups: [] })}>All texts</button>`}
        <span class="hint">${sample}${ends}</span>`,
      this.notice,
    );
    for (const [chart, own] of this.charts) own.fill(() => this.fillChart(chart, own));
    this.drawTables();
  }

  /** Which texts are shown, in words. */
  private which(): string {
    const { header, brush, shown } = this;
    const all = header.texts.toLocaleString("en");
    if (isAll(brush)) return `All ${all} texts.`;
    return `${total(shown).toLocaleString("en")} of ${all} texts: ${told(brush, header)}`;
  }

  private drawControls(): void {
    const fixed = this.model.tested !== undefined && this.cells?.each !== true;
    const { header, brush, shown } = this;
    render(
      controls(header, brush, shown, fixed, {
        choose: (change) => this.choose(change),
        type: (place, text) => this.type(place, text),
      }),
      this.controls,
    );
  }

  /** One end of the box by the keyboard; the others are where they were, or at the ends of all texts. */
  private type(place: number, text: string): void {
    const [x, y] = [this.header.numbers[this.brush.x], this.header.numbers[this.brush.y]];
    const whole = [x?.low ?? 0, x?.high ?? 0, y?.low ?? 0, y?.high ?? 0];
    const box = [...(this.brush.box ?? whole)];
    const value = Number(text);
    box[place] = text === "" || Number.isNaN(value) ? (whole[place] ?? 0) : value;
    const [left = 0, right = 0, low = 0, high = 0] = box;
    this.box([Math.min(left, right), Math.max(left, right), Math.min(low, high), Math.max(low, high)]);
  }

  private fillChart(name: string, chart: Chart): void {
    const { header, brush, shown } = this;
    const [kind, of = ""] = name.split(/-(.*)/);
    if (kind === "points") this.fillPoints(chart);
    else if (kind === "histogram") {
      const place = header.numbers.findIndex((one) => one.name === of);
      const table = sources.histogram(header, place, shown);
      chart.data("data", table);
      const { low, high } = header.numbers[place] ?? {};
      chart.put("ends", { start: low, end: high });
      const behind = isAll(brush) ? {} : sources.histogram(header, place, this.whole);
      // Those of all texts stay in sight behind those of a choice.
      chart.put("counts", { end: 1.06 * sources.highest(isAll(brush) ? table : behind) });
      chart.data("behind", { xs: behind.xs ?? [], ys: behind.ys ?? [] });
    } else if (kind === "heads") {
      const peak = sources.peakOf(header, shown) || 1;
      chart.put("scale", { low: -peak, high: peak });
      chart.data("data", sources.heads(header, shown));
    } else if (kind === "layers") {
      const table = sources.layers(header, shown);
      chart.put("means", sources.around(table));
      chart.data("data", table);
    } else if (kind === "order") {
      const table = sources.order(header, shown);
      chart.put("names", { factors: table.name });
      chart.put("means", sources.around(table));
      chart.data("data", table);
    } else if (kind === "flow") {
      const { lines, data, peak } = sources.flow(header, header.branches.indexOf(of), shown);
      chart.put("shares", { end: peak > 0 ? 1.1 * peak : 1 });
      chart.data("lines", lines);
      chart.data("data", data);
    }
  }

  private fillPoints(chart: Chart): void {
    const { header, brush } = this;
    const column = (name: string) => this.columns.get(name)?.data ?? new Float32Array(0);
    chart.data(
      "data",
      sources.points(header, column("point_row"), column("point_group"), column("point_number"), brush),
    );
    if (header.points < header.texts) chart.data("density", sources.density(header, brush, this.shown));
    const label = (place: number) => {
      const { label: name = "", unit = "" } = header.numbers[place] ?? {};
      return unit === "" ? name : `${name} (${unit})`;
    };
    for (const [axis, range, place] of [
      ["across", "right", brush.x],
      ["up", "above", brush.y],
    ] as const) {
      const { low, high } = header.numbers[place] ?? {};
      const air = 0.04 * ((high ?? 1) - (low ?? 0));
      chart.put(axis, { axis_label: label(place) });
      chart.put(range, { start: (low ?? 0) - air, end: (high ?? 1) + air });
    }
    const [left, right, bottom, top] = brush.box ?? [0, 0, 0, 0];
    chart.put("box", { left, right, bottom, top, visible: brush.box !== null });
  }

  private drawTables(): void {
    if (this.tables.open) render(tablesOf(this.header, this.shown), this.tablesBody);
  }

  private fail(sentence: string): void {
    this.error.hidden = sentence === "";
    this.error.textContent = sentence;
    if (sentence !== "") put(this.root, { "aria-busy": "false" });
  }
}

// Where charts lie whose name begins so.
const PLACES = [
  ["histogram-", "histograms"],
  ["flow-", "mean-flow"],
  ["heads", "mean-heads"],
  ["layers", "mean-layers"],
] as const;
// How far from a point a click still means it, of the width of all.
const REACH = 0.03;
