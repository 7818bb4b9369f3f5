/**
 * Requests to Python and their answers, over anywidget's custom messages.
 *
 * Hosts may lose or reorder messages, several views may share one model, and there may be no kernel at all.
 * So: every request carries an id that no other view uses; of two requests of one type only the later one
 * counts; an answer that arrives late is still taken; and a request that stays unanswered is sent again, as it
 * or its answer may be lost, and then reported as such, not waited for.
 */

import type { Bytes } from "./columns";
import {
  type AnswerTo,
  AT_ONCE,
  type Notice,
  type Request,
  type Selection,
  type Summary,
  type Test,
  VERSION,
} from "./contract";
import { isAnswer, isSummary } from "./incoming";
import type { Question } from "./tested";

/** The part of anywidget's model that is used here; the exported page has a small stand-in. */
export interface Model {
  get(name: string): unknown;
  set(name: string, value: unknown): void;
  save_changes(): void;
  on(name: string, callback: (...args: never[]) => void): void;
  off(name: string, callback: (...args: never[]) => void): void;
  send(content: unknown, callbacks?: unknown, buffers?: ArrayBuffer[]): void;
  /** Whether the numbers of a selection are there; without a kernel not all are. */
  holds?(selection: Selection): boolean;
  /** A test that the page holds; a model that has this has no kernel to ask. */
  tested?(question: Question): Test | null;
  /** Whether it has the page to itself, whose address tells what it shows. */
  addressed?: boolean;
  /** Whose paths it can draw a chart of, where not of those of any selection. */
  charts?: "all" | "none";
}

/** What becomes of a request. */
export interface Reply<R extends Request = Request> {
  answered(answer: AnswerTo[R["type"]], buffer: Bytes): void;
  /** Why there is no answer, in a sentence. */
  refused(sentence: string): void;
  /** No answer within the `Patience`, though maybe other news; it may still come. Without this, it is a refusal. */
  unanswered?(alive: boolean): void;
}

interface Pending {
  id: number;
  /** Whether the kernel has said anything since. */
  alive: boolean;
  unanswered(): void;
  reply: Reply;
  timers: ReturnType<typeof setTimeout>[];
}

interface Patience {
  /** Milliseconds to wait for a kernel that has never answered. */
  stranger: number;
  /** Milliseconds to wait for one that has, to do what it does at once. */
  prompt: number;
  /** Milliseconds to wait for what it has to compute. */
  known: number;
  /** Milliseconds after which a request is sent again. */
  again: readonly number[];
}

// A kernel that was started again runs, too, and knows nothing of its old widgets.
export const UNANSWERED = "No kernel has answered. Unless it is busy, run the cell again.";

const PATIENCE: Patience = { stranger: 4_000, prompt: 15_000, known: 120_000, again: [10_000, 40_000] };

const isPrompt = ({ type }: Request): boolean => (AT_ONCE as readonly string[]).includes(type);

export class Connection {
  private readonly pending = new Map<Request["type"], Pending>();
  // Views of one model see each other's answers, and views may live in separate copies of this module.
  private next = Math.floor(Math.random() * 2 ** 31) * 1_000;
  private heard = false;

  /**
   * @param pushed takes the messages that nobody asked for.
   * @param alive is called whenever the kernel has said anything.
   */
  constructor(
    private readonly model: Model,
    private readonly pushed: (summary: Summary, buffer: Bytes) => void,
    private readonly alive: () => void,
    signal: AbortSignal,
    private readonly patience: Patience = PATIENCE,
  ) {
    const receive = (content: unknown, buffers: unknown) => this.receive(content, buffers);
    model.on("msg:custom", receive);
    signal.addEventListener("abort", () => {
      model.off("msg:custom", receive);
      for (const type of [...this.pending.keys()]) this.forget(type);
    });
  }

  request<R extends Request>(request: R, reply: Reply<R>): void {
    this.forget(request.type);
    const message = { ...request, id: ++this.next, version: VERSION };
    const { stranger, prompt, known, again } = this.patience;
    const wait = this.heard ? (isPrompt(request) ? prompt : known) : stranger;
    const unanswered = () => (reply.unanswered ? reply.unanswered(pending.alive) : reply.refused(UNANSWERED));
    const send = () => {
      try {
        this.model.send(message);
      } catch {
        // A closed connection throws in some hosts and swallows the message in others.
        for (const timer of timers) clearTimeout(timer);
        unanswered();
      }
    };
    const timers = [setTimeout(unanswered, wait), ...again.map((late) => setTimeout(send, late))];
    const pending: Pending = { id: message.id, alive: false, unanswered, reply: reply as Reply, timers };
    this.pending.set(request.type, pending);
    send();
  }

  /** The kernel has given a sign of life by another way. */
  hear(): void {
    this.heard = true;
    for (const pending of this.pending.values()) pending.alive = true;
    this.alive();
  }

  /** Whether there is a kernel, as far as one can know. */
  get known(): boolean {
    return this.heard;
  }

  /** The kernel may be another one by now, or none. */
  doubt(): void {
    this.heard = false;
  }

  /** Wait no longer for any of this; what still comes is taken. */
  giveUp(): void {
    for (const { unanswered, timers } of [...this.pending.values()]) {
      for (const timer of timers) clearTimeout(timer);
      unanswered();
    }
  }

  /** Say something that needs no answer. */
  tell(notice: Notice): void {
    try {
      this.model.send({ ...notice, version: VERSION });
    } catch {
      // A closed connection has nobody to tell.
    }
  }

  /** Stop waiting for the answers to requests of these types. */
  forget(...types: Request["type"][]): void {
    for (const type of types) {
      for (const timer of this.pending.get(type)?.timers ?? []) clearTimeout(timer);
      this.pending.delete(type);
    }
  }

  private receive(content: unknown, buffers: unknown): void {
    const summary = isSummary(content);
    if (!summary && !isAnswer(content)) return;
    this.hear();
    const buffer = Array.isArray(buffers) ? (buffers[0] as Bytes) : undefined;
    if (summary) {
      this.forget("pull");
      this.pushed(content, buffer);
      return;
    }
    for (const [type, { id, reply }] of this.pending) {
      if (id !== content.id) continue;
      this.forget(type);
      if (content.type === "error") reply.refused(content.message);
      else reply.answered(content, buffer);
      return;
    }
  }
}
