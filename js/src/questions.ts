/** Questions to Python about what is selected, and what their answers change on screen. */

import { type Bytes, Columns } from "./columns";
import type { Part, RankedBy, Request, Selection } from "./contract";
import { anotherVersion, isSummary } from "./incoming";
import { EMPTY, headOf, isEmpty, normalise, same } from "./selection";
import type { Store } from "./store";
import { Connection, type Model, type Reply } from "./transport";

export class Questions {
  private readonly connection: Connection;

  constructor(
    private readonly model: Model,
    private readonly store: Store,
    signal: AbortSignal,
  ) {
    this.connection = new Connection(model, (summary, buffer) => this.take(summary, buffer), signal);
    const on = (name: string, act: () => void) => {
      model.on(name, act);
      signal.addEventListener("abort", () => model.off(name, act));
    };
    const current = () => this.take(model.get("summary"), model.get("summary_buffer") as Bytes);
    const selected = () => this.show(normalise(model.get("selection")));
    on("change:revision", current);
    on("change:selection", selected);
    current();
    const view = `${Math.random()}`;
    this.connection.tell({ type: "shown", view });
    signal.addEventListener("abort", () => this.connection.tell({ type: "gone", view }));
    this.pull();
    selected();
  }

  /** Ask what only one view wants to know. */
  ask<R extends Request>(request: R, reply: Reply<R>): void {
    this.connection.request(request, reply);
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

  /** The end of the computation is all the answer that this gets. */
  cancel(): void {
    const refused = (error: string) => this.store.update({ error });
    this.ask({ type: "cancel" }, { answered: () => {}, refused });
  }

  private pull(): void {
    const refused = (error: string) => this.store.update({ error });
    this.ask({ type: "pull" }, { answered: () => {}, refused, unanswered: () => {} });
  }

  private show(selection: Selection): void {
    if (same(selection, this.store.state.selection)) return;
    this.store.update({ selection });
    this.askAll();
  }

  private askAll(): void {
    const { selection, summary } = this.store.state;
    const asks = !isEmpty(selection) && summary?.type === "explanation";
    this.store.update({
      condition: null,
      error: null,
      refused: null,
      unmapped: null,
      answered: asks ? "pending" : "none",
    });
    this.connection.forget("condition");
    this.connection.forget("head_map");
    if (asks) this.askFlow(selection);
    this.askRoutes();
  }

  private askFlow(selection: Selection): void {
    this.ask(
      { type: "condition", selection },
      {
        answered: (header, buffer) => {
          if (!this.isCurrent(header.selection)) return;
          const condition = { header, columns: new Columns(header.columns, buffer) };
          this.store.update({ condition, answered: "ready", error: null });
        },
        refused: (refused) => this.store.update({ answered: "unavailable", refused }),
      },
    );
    const head = headOf(selection);
    if (head === null) return;
    this.ask(
      { type: "head_map", ...head, selection },
      {
        answered: (header, buffer) => {
          const map = { header, columns: new Columns(header.columns, buffer) };
          this.store.update({ map, unmapped: null });
        },
        refused: (unmapped) => this.store.update({ unmapped }),
      },
    );
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
    this.ask(
      { type: "routes", by, selection },
      {
        answered: (routes) => {
          if (this.isCurrent(routes.selection) && routes.by === this.store.state.by)
            this.store.update({ routes, routed: "ready" });
        },
        refused: (unrouted) => this.store.update({ routed: "unavailable", unrouted }),
      },
    );
  }

  private isCurrent(selection: Selection): boolean {
    return same(normalise(selection ?? EMPTY), this.store.state.selection);
  }

  private take(message: unknown, buffer: Bytes): void {
    if (!isSummary(message)) return;
    const misfit = anotherVersion(message);
    if (misfit !== null) {
      this.store.update({ error: misfit });
      return;
    }
    const old = this.store.state.summary;
    if (old !== null && message.revision < old.revision) return;
    // The answer to `pull` is most often what the traits have given.
    if (old !== null && message.revision === old.revision && message.type === old.type) return;
    try {
      this.store.update({ summary: message, columns: new Columns(message.columns, buffer) });
    } catch {
      // Header and buffer of two different messages: the right pair is on its way.
      this.pull();
      return;
    }
    // To cancel has no answer but the end.
    if (message.status.state !== "running") this.connection.forget("cancel");
    // What could not be told while the computation ran.
    const ended = old?.status.state === "running" && message.status.state === "done";
    if (ended && this.store.state.answered === "unavailable") this.askAll();
  }
}
