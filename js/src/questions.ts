/** Questions to Python about what is selected, and what their answers change on screen. */

import { type Bytes, Columns } from "./columns";
import type {
  AskRequest,
  ExplanationHeader,
  Group,
  ListedStep,
  Part,
  RecallRequest,
  Request,
  Selection,
} from "./contract";
import { groupsOf, lostGroups } from "./groups";
import { anotherVersion, isSummary } from "./incoming";
import { measureOf } from "./measures";
import { Presence, TRIES } from "./presence";
import { EMPTY, headOf, isEmpty, normalise, same } from "./selection";
import { isAll, type Shown, sameShown, selections } from "./shown";
import { computes } from "./silence";
import type { Store } from "./store";
import { TestQueue } from "./test-queue";
import { Connection, type Model, type Reply, UNANSWERED } from "./transport";

const UNENDED = "Not cancelled yet: what is computed right now has to end first.";
const UNREADABLE = "What comes from the kernel does not fit together: run the cell again.";

export class Questions {
  private readonly connection: Connection;
  private history = selections();
  private readonly presence: Presence;
  /** Tests, which wait for each other. */
  readonly tests: TestQueue;
  /** How many messages in a row could not be read. */
  private unreadable = 0;
  /** The groups of the question before, until the answer to this one is complete. */
  private grouped: readonly Group[] = [];

  constructor(
    private readonly model: Model,
    private readonly store: Store,
    signal: AbortSignal,
  ) {
    const heard = () => {
      if (store.state.silent !== null) store.update({ silent: null });
    };
    this.connection = new Connection(model, (summary, buffer) => this.take(summary, buffer), heard, signal);
    const on = (name: string, act: () => void) => {
      model.on(name, act);
      signal.addEventListener("abort", () => model.off(name, act));
    };
    const current = () => this.take(model.get("summary"), model.get("summary_buffer") as Bytes);
    const selected = () => {
      const selection = normalise(model.get("selection"));
      // Others know what is passed; what is avoided is a matter of this view.
      if (!same(selection, this.store.state.selection))
        this.visit({ selection, avoiding: EMPTY, among: EMPTY });
    };
    on("change:revision", () => {
      this.connection.hear();
      current();
    });
    on("change:selection", selected);
    this.presence = new Presence(model, store, this.connection, signal);
    this.tests = new TestQueue(model, store, this.connection);
    current();
    this.pull();
    selected();
  }

  /** Ask what only one view wants to know. */
  ask<R extends Request>(request: R, reply: Reply<R>): void {
    this.connection.request(request, reply);
  }

  /** Select here, in all other views, and in Python. */
  select(selection: Selection, avoiding: Selection = EMPTY, among: Selection = EMPTY): void {
    this.visit({ selection, avoiding, among });
    this.tell(selection);
  }

  /** The selection before, and the one that one came back from. */
  back(): void {
    this.again(this.history.back());
  }

  forward(): void {
    this.again(this.history.forward());
  }

  private again(shown: Shown | null): void {
    if (shown === null) return;
    this.show(shown);
    this.tell(shown.selection);
  }

  private visit(shown: Shown): void {
    this.history.visit(shown);
    this.show(shown);
  }

  private tell(selection: Selection): void {
    if (same(normalise(this.model.get("selection")), selection)) return;
    this.model.set("selection", selection as Part[]);
    this.model.save_changes();
  }

  /** Show another measure, and the routes ranked by it. */
  measure(measure: string): void {
    this.store.update({ measure });
    this.rank();
  }

  /** Ask another question of the model; the summaries that come are the answer. */
  inquire(request: AskRequest | RecallRequest): void {
    const told = (refused: string | null) =>
      this.store.update({ asking: { ...this.store.state.asking, refused, note: "" } });
    told(null);
    // What runs is left anyway; sent again, it would cancel this.
    this.connection.forget("cancel");
    this.ask(request, { answered: () => {}, refused: told });
  }

  /** Take some parts as one under a name, and select them; without parts, forget the group of that name. */
  group(name: string, parts: Selection): void {
    this.ask(
      { type: "group", name, selection: parts },
      {
        answered: ({ groups }) => {
          const forgotten = this.groupOf(name);
          this.store.update({ groups, naming: false, ungrouped: null });
          if (!isEmpty(parts)) this.select(EMPTY, EMPTY, parts);
          else if (forgotten !== undefined && same(normalise(forgotten), this.store.state.among))
            this.select(EMPTY);
        },
        refused: (ungrouped) => this.store.update({ ungrouped }),
      },
    );
  }

  private groupOf(name: string): Selection | undefined {
    return groupsOf(this.store.state).find((group) => group.name === name)?.parts;
  }

  /** The units of one head or feed-forward part. */
  units(part: Part): void {
    this.store.update({ drilling: "units", undrilled: null });
    this.ask(
      { type: "units", selection: [part] },
      {
        answered: (header, buffer) => {
          const units = { header, columns: new Columns(header.columns, buffer) };
          this.store.update({ units, drilling: null, undrilled: null });
        },
        refused: (undrilled) => this.store.update({ undrilled, units: null, drilling: null }),
      },
    );
  }

  /** The strongest scalar path through what is selected, or of one of its routes. */
  walk(steps: readonly ListedStep[] = []): void {
    const { selection, avoiding } = this.store.state;
    this.store.update({ drilling: "path", undrilled: null });
    this.ask(
      { type: "path", selection, avoiding, steps },
      {
        answered: (walked) => this.store.update({ walked, drilling: null, undrilled: null }),
        refused: (undrilled) => this.store.update({ undrilled, walked: null, drilling: null }),
      },
    );
  }

  /** The end of the computation is all the answer that this gets. */
  cancel(): void {
    const refused = (error: string) => this.store.update({ error });
    const unanswered = (alive: boolean) => refused(alive ? UNENDED : UNANSWERED);
    this.ask({ type: "cancel" }, { answered: () => {}, refused, unanswered });
  }

  /** Ask for what is known by now. */
  pull(): void {
    this.presence.pull();
  }

  /** The same, and what had no answer. */
  tryAgain(): void {
    this.presence.pull();
    const { answered, routed } = this.store.state;
    if (answered === "unavailable" || routed === "unavailable") this.askAll();
  }

  private show({ selection, avoiding, among }: Shown): void {
    const { state } = this.store;
    if (sameShown({ selection, avoiding, among }, state)) return;
    this.store.update({ selection, avoiding, among, naming: false, history: this.history.can });
    this.askAll();
  }

  private askAll(): void {
    const { selection, avoiding, among, summary } = this.store.state;
    const asks =
      !isAll({ selection, avoiding, among }) &&
      (summary?.type === "explanation" || summary?.type === "beside");
    this.store.update({
      condition: null,
      both: null,
      error: null,
      refused: null,
      unmapped: null,
      answered: asks ? "pending" : "none",
    });
    this.connection.forget("condition", "head_map", "both");
    if (asks && summary.type === "beside") this.askBoth({ selection, avoiding });
    else if (asks) this.askFlow({ selection, avoiding, among });
    this.askRoutes();
  }

  private askBoth({ selection, avoiding }: Omit<Shown, "among">): void {
    this.ask(
      { type: "both", selection, avoiding },
      {
        answered: (header, buffer) => {
          if (!this.isCurrent(header.selection)) return;
          const both = { header, columns: new Columns(header.columns, buffer) };
          this.store.update({ both, answered: "ready", error: null });
        },
        refused: (refused) => this.store.update({ answered: "unavailable", refused }),
      },
    );
  }

  private askFlow({ selection, avoiding, among }: Shown): void {
    this.ask(
      { type: "condition", selection, avoiding, among },
      {
        answered: (header, buffer) => {
          if (!this.isCurrent(header.selection, header.among)) return;
          const condition = { header, columns: new Columns(header.columns, buffer) };
          this.store.update({ condition, answered: "ready", error: null });
        },
        refused: (refused) => this.store.update({ answered: "unavailable", refused }),
      },
    );
    const head = headOf(selection);
    if (head === null || !isEmpty(among)) return;
    this.ask(
      { type: "head_map", ...head, selection, avoiding },
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
    const { selection, avoiding, among, summary, by } = this.store.state;
    this.connection.forget("routes");
    this.store.update({
      ...{ routes: null, routed: "none", unrouted: null },
      ...{ route: null, family: null, unfolded: [] },
    });
    if (summary?.type !== "explanation" || summary.level !== "unit") return;
    const known = summary.rankings.some((ranking) => ranking.by === by);
    if (isAll({ selection, avoiding, among }) && (known || summary.status.state !== "done")) return;
    this.store.update({ routed: "pending" });
    this.ask(
      { type: "routes", by, selection, avoiding, among },
      {
        answered: (routes) => {
          if (this.isCurrent(routes.selection, routes.among) && routes.by === this.store.state.by)
            this.store.update({ routes, routed: "ready" });
        },
        refused: (unrouted) => this.store.update({ routed: "unavailable", unrouted }),
      },
    );
  }

  /** Routes are ranked by what the measure goes by; which one is the first choice shows with the numbers. */
  private rank(): void {
    const { summary, by } = this.store.state;
    if (summary?.type !== "explanation") return;
    const wanted = measureOf(this.store.state, summary).by;
    if (wanted === by) return;
    this.store.update({ by: wanted });
    this.askRoutes();
  }

  private isCurrent(selection: Selection, among: Selection = EMPTY): boolean {
    const { state } = this.store;
    return same(normalise(selection ?? EMPTY), state.selection) && same(normalise(among), state.among);
  }

  private take(message: unknown, buffer: Bytes): void {
    if (!isSummary(message)) return;
    const misfit = anotherVersion(message);
    if (misfit !== null) {
      this.store.update({ error: misfit });
      return;
    }
    const old = this.store.state.summary;
    const groups = groupsOf(this.store.state);
    if (old !== null && message.revision < old.revision) return;
    // The answer to `pull` is most often what the traits have given.
    if (old !== null && message.revision === old.revision && message.type === old.type) return;
    try {
      const columns = new Columns(message.columns, buffer);
      this.store.update({ summary: message, columns, error: null, silent: null });
      this.unreadable = 0;
      this.connection.forget("pull");
    } catch {
      // Header and buffer of two different messages: the right pair is on its way.
      this.unreadable += 1;
      if (this.unreadable < TRIES) this.pull();
      else this.store.update({ error: UNREADABLE });
      return;
    }
    if (message.type === "explanation" && old?.type === "explanation") {
      // What was shown before its groups had come has none to be missed.
      const whole = old.status.state === "done" || groups.length > 0;
      if (whole && old.inquiry?.number !== message.inquiry?.number) this.grouped = groups;
      this.follow(old, message);
      if (message.status.state === "done") this.regroup();
    }
    // To cancel has no answer but the end.
    if (!computes(this.store.state)) this.connection.forget("cancel");
    this.rank();
    // What could not be told while the computation ran.
    const ended = old?.status.state === "running" && message.status.state === "done";
    if (ended && this.store.state.answered === "unavailable") this.askAll();
  }

  /** Say which groups have not come with the answer to another question, and select none of them. */
  private regroup(): void {
    const now = groupsOf(this.store.state);
    const lost = this.grouped.filter(({ name }) => !now.some((group) => group.name === name));
    this.grouped = [];
    if (lost.length === 0) return;
    this.store.update({ ungrouped: lostGroups(lost) });
    if (lost.some(({ parts }) => same(normalise(parts), this.store.state.among))) this.select(EMPTY);
  }

  /** Of another question other things are known, and of another text other parts. */
  private follow(old: ExplanationHeader, now: ExplanationHeader): void {
    if (old.inquiry?.attempts !== now.inquiry?.attempts) {
      // A cancel was about what ran before: sent again, it would end this.
      this.connection.forget("ask", "recall", "cancel");
      this.store.update({ asking: { ...this.store.state.asking, refused: null, note: "" } });
    }
    if (!old.inquiry?.number || old.inquiry.number === now.inquiry?.number) return;
    // What is still to come is about the question before.
    this.connection.forget("test", "units", "path", "group");
    this.store.update({ tests: [], testing: [], untested: null, map: null, units: null, walked: null });
    this.store.update({ drilling: null, undrilled: null });
    // The summaries of the new answer have those that go with it.
    this.store.update({ groups: null, ungrouped: null, naming: false });
    const read = ({ streams }: ExplanationHeader) => JSON.stringify(streams);
    if (read(old) !== read(now)) {
      // Back and forward go through what was selected of this text.
      this.history = selections();
      this.store.update({ selection: EMPTY, avoiding: EMPTY, among: EMPTY, history: this.history.can });
    }
    this.askAll();
  }
}
