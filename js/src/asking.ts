/** Questions to Python and what their answers change on screen. */

import { type Bytes, Columns } from "./columns";
import { type Answer, isSummary, type Part, type RankedBy, type Request, type Selection } from "./contract";
import { EMPTY, headOf, isEmpty, normalise, same } from "./selection";
import type { Store } from "./store";
import { Connection, type Delivery, type Model } from "./transport";
import { loadBokeh } from "./views/chart";

export class Asking {
  private readonly connection: Connection;

  constructor(
    private readonly model: Model,
    private readonly store: Store,
    signal: AbortSignal,
  ) {
    this.connection = new Connection(
      model,
      {
        answered: (request, delivery) => this.answered(request, delivery),
        unanswered: (request) => this.unanswered(request),
        pushed: (message, buffer) => this.take(message, buffer),
      },
      signal,
    );
    const on = (name: string, act: () => void) => {
      model.on(name, act);
      signal.addEventListener("abort", () => model.off(name, act));
    };
    on("change:revision", () => this.take(model.get("summary"), model.get("summary_buffer") as Bytes));
    on("change:selection", () => this.show(normalise(model.get("selection"))));
    this.take(model.get("summary"), model.get("summary_buffer") as Bytes);
    const view = `${Math.random()}`;
    this.connection.tell({ type: "shown", view });
    signal.addEventListener("abort", () => this.connection.tell({ type: "gone", view }));
    this.connection.request({ type: "pull" });
    this.show(normalise(model.get("selection")));
  }

  /** Select here, in all other views, and in Python. */
  select(selection: Selection): void {
    if (same(selection, this.store.state.selection)) return;
    this.show(selection);
    this.model.set("selection", selection as Part[]);
    this.model.save_changes();
  }

  rankBy(by: RankedBy): void {
    this.store.update({ by });
    this.askRoutes();
  }

  cancel(): void {
    this.connection.request({ type: "cancel" });
  }

  chart(): void {
    this.connection.request({ type: "chart", selection: this.store.state.selection });
  }

  private show(selection: Selection): void {
    if (same(selection, this.store.state.selection)) return;
    this.store.update({ selection });
    this.ask();
  }

  private ask(): void {
    const { selection, summary } = this.store.state;
    const asks = !isEmpty(selection) && summary?.type === "explanation";
    this.store.update({ condition: null, error: null, refused: null, answered: asks ? "pending" : "none" });
    this.connection.forget("condition");
    this.connection.forget("head_map");
    if (asks) this.connection.request({ type: "condition", selection });
    const head = headOf(selection);
    if (asks && head !== null) this.connection.request({ type: "head_map", ...head, selection });
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

  private take(message: unknown, buffer: Bytes): void {
    if (!isSummary(message)) return;
    const old = this.store.state.summary;
    if (old !== null && message.revision < old.revision) return;
    // The answer to `pull` is most often what the traits have given.
    if (old !== null && message.revision === old.revision && message.type === old.type) return;
    try {
      this.store.update({ summary: message, columns: new Columns(message.columns, buffer) });
    } catch {
      // Header and buffer of two different messages: the right pair is on its way.
      this.connection.request({ type: "pull" });
      return;
    }
    // What could not be told while the computation ran.
    const ended = old?.status.state === "running" && message.status.state === "done";
    if (ended && this.store.state.answered === "unavailable") this.ask();
  }

  private answered(request: Request, { answer, buffer }: Delivery): void {
    if (answer.type === "error") this.refused(request, answer.message);
    else if (answer.type === "bokehjs") {
      loadBokeh(buffer)
        .then(() => this.store.update({ bokeh: true }))
        .catch((error: unknown) => this.store.update({ error: String(error) }));
    } else if (answer.type === "chart") {
      const bokeh = window.Bokeh !== undefined;
      this.store.update({ chart: answer, bokeh });
      if (!bokeh) this.connection.request({ type: "bokehjs" });
    } else this.numbers(answer, buffer);
  }

  private numbers(answer: Exclude<Answer, { type: "error" | "chart" | "bokehjs" }>, buffer: Bytes): void {
    const { selection, by } = this.store.state;
    const current = same(normalise(answer.selection ?? EMPTY), selection);
    if (answer.type === "head_map") {
      this.store.update({ map: { header: answer, columns: new Columns(answer.columns, buffer) } });
    } else if (answer.type === "conditioned" && current) {
      const condition = { header: answer, columns: new Columns(answer.columns, buffer) };
      this.store.update({ condition, answered: "ready", error: null });
    } else if (answer.type === "routes" && current && answer.by === by) {
      this.store.update({ routes: answer, routed: "ready" });
    }
  }

  /** What a selection cannot be told is said in its place. */
  private refused(request: Request, message: string): void {
    if (request.type === "condition") this.store.update({ answered: "unavailable", refused: message });
    else if (request.type === "routes") this.store.update({ routed: "unavailable", unrouted: message });
    else this.store.update({ error: message });
  }

  private unanswered(request: Request): void {
    if (request.type === "condition") this.store.update({ answered: "unavailable" });
    else if (request.type === "routes") this.store.update({ routed: "unavailable" });
    else if (request.type !== "pull") this.store.update({ error: "This needs a running kernel." });
  }
}
