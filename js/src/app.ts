/** One widget: a store, a connection and the panes, from the first message to the abort signal. */

import { type Bytes, Columns } from "./columns";
import { isSummary, type RankedBy, type Request, type Summary } from "./contract";
import { h } from "./dom";
import { clicked, EMPTY, isEmpty, normalise, same } from "./selection";
import { type State, Store } from "./store";
import styles from "./styles/widget.css";
import { themeOf, watchTheme } from "./theme";
import { Connection, type Delivery, type Model } from "./transport";
import { drawChart, loadBokeh } from "./views/chart";
import { comparison } from "./views/comparison";
import { flow } from "./views/flow";
import { headMap, heads } from "./views/heads";
import { ribbon } from "./views/ribbon";
import { routesPane } from "./views/routes";
import { headline, notice, totals } from "./views/summary";

export class App {
  readonly root = h("div", { class: "semiring-widgets" });
  private readonly store = new Store();
  private readonly connection: Connection;
  private readonly body = h("div", { class: "body" });
  private readonly chart = h("section", { "data-pane": "chart", "aria-label": "flow by route and layer" });
  private readonly figure = h("div", { class: "figure" });
  private chartItem: unknown = null;
  private shown = false;
  private pressed: ReturnType<typeof setTimeout> | null = null;

  constructor(
    private readonly model: Model,
    el: HTMLElement,
    private readonly signal: AbortSignal,
  ) {
    this.chart.append(
      h("h3", {}, "Flow by route and layer"),
      h("button", { type: "button", "data-action": "chart" }, "Draw the chart"),
      this.figure,
    );
    this.root.append(h("style", {}, styles), this.body);
    el.append(this.root);
    this.connection = new Connection(
      model,
      {
        answered: (request, delivery) => this.answered(request, delivery),
        unanswered: (request) => this.unanswered(request),
        pushed: (message, buffer) => this.take(message, buffer),
      },
      signal,
    );
    this.listen();
    this.store.watch((state) => this.draw(state), signal);
    this.store.update({ selection: normalise(model.get("selection")) });
    this.take(model.get("summary"), model.get("summary_buffer") as Bytes);
    this.connection.request({ type: "pull" });
    if (!isEmpty(this.store.state.selection)) {
      this.ask();
      this.askRoutes();
    }
  }

  private listen(): void {
    const on = (name: string, act: () => void) => {
      this.model.on(name, act);
      this.signal.addEventListener("abort", () => this.model.off(name, act));
    };
    on("change:revision", () =>
      this.take(this.model.get("summary"), this.model.get("summary_buffer") as Bytes),
    );
    on("change:selection", () => this.select(normalise(this.model.get("selection")), false));
    on("change:theme", () => this.draw(this.store.state));
    const options = { signal: this.signal };
    this.root.addEventListener("click", (event) => this.click(event), options);
    this.root.addEventListener("change", (event) => this.change(event), options);
    this.root.addEventListener("keydown", (event) => this.key(event), options);
    this.root.addEventListener("pointerdown", () => this.press(), options);
    for (const name of ["pointerup", "pointercancel"])
      window.addEventListener(name, () => this.release(), options);
    this.root.addEventListener("pointerover", (event) => this.preview(event.target as Element), options);
    this.root.addEventListener("pointerleave", () => this.preview(null), options);
    watchTheme(
      this.root,
      () => {
        this.root.dataset.theme = themeOf(this.model.get("theme"), this.root);
      },
      this.signal,
    );
    if (typeof ResizeObserver !== "undefined") {
      let width = 0;
      const observer = new ResizeObserver(() => {
        if (Math.abs(this.root.clientWidth - width) < 2) return;
        width = this.root.clientWidth;
        this.draw(this.store.state);
      });
      observer.observe(this.root);
      this.signal.addEventListener("abort", () => observer.disconnect());
    }
  }

  /** What is pressed stays where it is until it is let go: a click needs both on the same element. */
  private press(): void {
    if (this.pressed !== null) clearTimeout(this.pressed);
    // A list of choices that opens swallows the rest.
    this.pressed = setTimeout(() => this.release(), 1000);
  }

  private release(): void {
    if (this.pressed === null) return;
    clearTimeout(this.pressed);
    this.pressed = null;
    // After the click, which comes next.
    setTimeout(() => {
      if (!this.signal.aborted) this.draw(this.store.state);
    });
  }

  private take(message: unknown, buffer: Bytes): void {
    if (!isSummary(message)) return;
    const old = this.store.state.summary;
    if (old !== null && message.revision < old.revision) return;
    try {
      this.store.update({ summary: message, columns: new Columns(message.columns, buffer) });
    } catch {
      // Header and buffer of two different messages: the right pair is on its way.
      this.connection.request({ type: "pull" });
    }
  }

  private answered(request: Request, { answer, buffer }: Delivery): void {
    if (answer.type === "error") {
      // What a selection cannot be told is said in its place.
      if (request.type === "condition")
        this.store.update({ answered: "unavailable", refused: answer.message });
      else if (request.type === "routes")
        this.store.update({ routed: "unavailable", unrouted: answer.message });
      else this.store.update({ error: answer.message });
    } else if (
      answer.type === "conditioned" &&
      same(normalise(answer.selection), this.store.state.selection)
    ) {
      const condition = { header: answer, columns: new Columns(answer.columns, buffer) };
      this.store.update({ condition, answered: "ready", error: null });
    } else if (
      answer.type === "routes" &&
      answer.by === this.store.state.by &&
      same(normalise(answer.selection), this.store.state.selection)
    ) {
      this.store.update({ routes: answer, routed: "ready" });
    } else if (answer.type === "head_map") {
      this.store.update({ map: { header: answer, columns: new Columns(answer.columns, buffer) } });
    } else if (answer.type === "chart") {
      this.chartItem = this.root.dataset.theme === "dark" ? answer.dark : answer.item;
      if (window.Bokeh === undefined) this.connection.request({ type: "bokehjs" });
      else void drawChart(this.figure, this.chartItem);
    } else if (answer.type === "bokehjs") {
      loadBokeh(buffer)
        .then(() => drawChart(this.figure, this.chartItem))
        .catch((error: unknown) => this.store.update({ error: String(error) }));
    }
  }

  private unanswered(request: Request): void {
    if (request.type === "condition") this.store.update({ answered: "unavailable" });
    else if (request.type === "routes") this.store.update({ routed: "unavailable" });
    else if (request.type !== "pull") this.store.update({ error: "This needs a running kernel." });
  }

  private select(selection: State["selection"], tell = true): void {
    if (same(selection, this.store.state.selection)) return;
    this.store.update({
      selection,
      condition: null,
      route: null,
      error: null,
      refused: null,
      answered: isEmpty(selection) ? "none" : "pending",
    });
    if (tell) {
      this.model.set("selection", selection);
      this.model.save_changes();
    }
    if (isEmpty(selection)) this.connection.forget("condition");
    else this.ask();
    this.askRoutes();
  }

  /** Routes of all paths come with the summary, as far as they were asked for; the others on demand. */
  private askRoutes(): void {
    const { selection, summary, by } = this.store.state;
    this.connection.forget("routes");
    this.store.update({ routes: null, routed: "none", unrouted: null, route: null });
    if (summary?.type !== "explanation" || summary.level !== "unit") return;
    const known = summary.rankings.some((ranking) => ranking.by === by);
    if (isEmpty(selection) && (known || summary.status.state !== "done")) return;
    this.store.update({ routed: "pending" });
    this.connection.request({ type: "routes", by, selection });
  }

  private ask(): void {
    const { selection, summary } = this.store.state;
    if (summary?.type !== "explanation") {
      this.store.update({ answered: "none" });
      return;
    }
    this.connection.request({ type: "condition", selection });
    const { layer, head } = selection;
    if (layer !== null && head !== null) this.connection.request({ type: "head_map", layer, head });
  }

  private click(event: Event & { shiftKey?: boolean; ctrlKey?: boolean; metaKey?: boolean }): void {
    const target = event.target as Element;
    const action = target.closest("[data-action]")?.getAttribute("data-action");
    if (action === "cancel") this.connection.request({ type: "cancel" });
    else if (action === "clear") this.select(EMPTY);
    else if (action === "chart") this.connection.request({ type: "chart" });
    if (action) return;
    const chosen = target.closest<HTMLElement | SVGElement>("[data-item]");
    if (chosen === null) return;
    if (chosen.dataset.route !== undefined) {
      const rank = Number(chosen.dataset.route);
      this.store.update({ route: this.store.state.route === rank ? null : rank });
      return;
    }
    const adding = Boolean(event.shiftKey || event.ctrlKey || event.metaKey);
    this.select(clicked(this.store.state.selection, facetsOf(chosen), adding));
  }

  private change(event: Event): void {
    const target = event.target as HTMLSelectElement;
    if (target.matches("[data-measure]")) this.store.update({ measure: target.value });
    if (target.matches("[data-by]")) {
      this.store.update({ by: target.value as RankedBy });
      this.askRoutes();
    }
    if (target.matches("[data-kind]")) this.store.update({ kind: Number(target.value) });
  }

  private key(event: KeyboardEvent): void {
    if (event.key === "Escape") {
      this.select(EMPTY);
      return;
    }
    const at = (event.target as Element).closest<HTMLElement>("[data-item]");
    const pane = at?.closest("[data-pane]");
    if (!at || !pane) return;
    if (event.key === "Enter" || event.key === " ") {
      event.preventDefault();
      this.click({ target: at, shiftKey: event.shiftKey } as unknown as MouseEvent);
      return;
    }
    const turn = { ArrowRight: 1, ArrowDown: 1, ArrowLeft: -1, ArrowUp: -1 }[event.key];
    if (turn === undefined) return;
    event.preventDefault();
    const items = [...pane.querySelectorAll<HTMLElement>("[data-item]")];
    const same =
      event.key === "ArrowUp" || event.key === "ArrowDown" ? items.filter((i) => alike(i, at)) : items;
    same[same.indexOf(at) + turn]?.focus();
  }

  /** Mark, in every pane, what stands for the same thing as the element under the pointer. */
  private preview(target: Element | null): void {
    for (const old of this.root.querySelectorAll(".preview")) old.classList.remove("preview");
    const chosen = target?.closest<HTMLElement>("[data-item]");
    if (!chosen || chosen.dataset.route !== undefined) return;
    const query = ["layer", "head", "token"]
      .map((name) => (chosen.dataset[name] === undefined ? "" : `[data-${name}="${chosen.dataset[name]}"]`))
      .join("");
    for (const other of this.root.querySelectorAll(`[data-item]${query}`)) other.classList.add("preview");
  }

  private draw(state: State): void {
    const { summary } = state;
    const focused = keyOf(this.root.querySelector(":focus"));
    const scroll = this.root.querySelector(".scroll")?.scrollLeft ?? 0;
    const data = this.root.dataset;
    data.theme = themeOf(this.model.get("theme"), this.root);
    data.selection = JSON.stringify(state.selection);
    data.conditioned = state.answered;
    data.view = summary?.type ?? "explanation";
    data.state = summary?.status.state ?? "running";
    data.revision = String(summary?.revision ?? 0);
    if (summary === null || this.pressed !== null) return;
    this.body.replaceChildren(...this.panes(state, summary));
    const scrolled = this.root.querySelector<HTMLElement>(".scroll");
    if (scrolled !== null) scrolled.scrollLeft = scroll || this.towards(scrolled);
    for (const pane of this.root.querySelectorAll("[data-pane]")) {
      pane.querySelector("[data-item]")?.setAttribute("tabindex", "0");
    }
    if (focused !== null) this.root.querySelector<HTMLElement>(focused)?.focus({ preventScroll: true });
  }

  /** Where a picture that is too wide begins: once, at the place where its routes end. */
  private towards(scrolled: HTMLElement): number {
    const place = scrolled.dataset.towards;
    if (this.shown || place === undefined) return 0;
    this.shown = true;
    return Number(place) - scrolled.clientWidth / 2;
  }

  private panes(state: State, summary: Summary): Node[] {
    const error = state.error === null ? null : h("p", { "data-error": true, role: "alert" }, state.error);
    const rows: (Node | null)[] = [headline(summary), error];
    if (summary.type === "comparison") rows.push(comparison(state, summary));
    else {
      const space = Math.max(300, (this.root.clientWidth || 900) - 24);
      rows.push(
        totals(summary),
        notice(state),
        ribbon(state, summary),
        flow(state, summary, space),
        h(
          "div",
          { class: "columns" },
          heads(state, summary),
          headMap(state, summary),
          routesPane(state, summary),
          this.chart,
        ),
      );
    }
    return rows.filter((row) => row !== null);
  }
}

function facetsOf(element: HTMLElement | SVGElement): Partial<State["selection"]> {
  const facets: Record<string, number> = {};
  for (const name of ["layer", "head", "token", "stream"]) {
    const value = element.dataset[name];
    if (value !== undefined) facets[name] = Number(value);
  }
  return facets;
}

/** Elements of one column: what they stand for differs in the layer only. */
function alike(one: HTMLElement, other: HTMLElement): boolean {
  return one.dataset.head === other.dataset.head && one.dataset.token === other.dataset.token;
}

/** A selector that finds the same element after a redraw. */
function keyOf(element: Element | null): string | null {
  const pane = element?.closest("[data-pane]")?.getAttribute("data-pane");
  if (!(element instanceof HTMLElement || element instanceof SVGElement) || !pane) return null;
  const names = ["layer", "head", "token", "route", "measure", "kind", "by", "action"];
  const parts = names.map((name) => {
    const value = element.dataset[name];
    return value === undefined ? `:not([data-${name}])` : `[data-${name}="${value}"]`;
  });
  return `[data-pane="${pane}"] ${parts.join("")}`;
}
