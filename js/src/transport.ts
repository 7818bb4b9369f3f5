/**
 * Requests to Python and their answers, over anywidget's custom messages.
 *
 * Hosts may lose or reorder messages, several views may share one model, and there may be no kernel at all.
 * So: every request carries an id that no other view uses; of two requests of one type only the later one
 * counts; an answer that arrives late is still taken; and a request that stays unanswered is reported as
 * such, not waited for.
 */

import type { Bytes } from "./columns";
import {
  type Answer,
  type Incoming,
  isIncoming,
  type Notice,
  type Request,
  type Selection,
} from "./contract";

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
}

export interface Delivery {
  answer: Answer;
  buffer: Bytes;
}

export interface Listener {
  /** The answer to the newest request of its type. */
  answered(request: Request, delivery: Delivery): void;
  /** No answer within `patience`; it may still come. */
  unanswered(request: Request): void;
  /** A message that nobody asked for: summaries. */
  pushed(message: Incoming, buffer: Bytes): void;
}

interface Pending {
  id: number;
  request: Request;
  timer: ReturnType<typeof setTimeout>;
}

export interface Patience {
  /** Milliseconds to wait for a kernel that has never answered. */
  stranger: number;
  /** Milliseconds to wait for one that has. */
  known: number;
}

const PATIENCE: Patience = { stranger: 4_000, known: 120_000 };

export class Connection {
  private readonly pending = new Map<Request["type"], Pending>();
  // Views of one model see each other's answers, and views may live in separate copies of this module.
  private next = Math.floor(Math.random() * 2 ** 31) * 1_000;
  private heard = false;

  constructor(
    private readonly model: Model,
    private readonly listener: Listener,
    signal: AbortSignal,
    private readonly patience: Patience = PATIENCE,
  ) {
    const receive = (content: unknown, buffers: unknown) => this.receive(content, buffers);
    model.on("msg:custom", receive);
    signal.addEventListener("abort", () => {
      model.off("msg:custom", receive);
      for (const { timer } of this.pending.values()) clearTimeout(timer);
      this.pending.clear();
    });
  }

  /** Whether anything has ever come from Python over this connection. */
  get alive(): boolean {
    return this.heard;
  }

  request(request: Request): void {
    this.forget(request.type);
    const id = ++this.next;
    const wait = this.heard ? this.patience.known : this.patience.stranger;
    const timer = setTimeout(() => this.listener.unanswered(request), wait);
    this.pending.set(request.type, { id, request, timer });
    try {
      this.model.send({ ...request, id });
    } catch {
      // A closed connection throws in some hosts and swallows the message in others.
      clearTimeout(timer);
      this.listener.unanswered(request);
    }
  }

  /** Say something that needs no answer. */
  tell(notice: Notice): void {
    try {
      this.model.send(notice);
    } catch {
      // A closed connection has nobody to tell.
    }
  }

  /** Stop waiting for the answer to a request of this type. */
  forget(type: Request["type"]): void {
    const pending = this.pending.get(type);
    if (pending !== undefined) clearTimeout(pending.timer);
    this.pending.delete(type);
  }

  private receive(content: unknown, buffers: unknown): void {
    if (!isIncoming(content)) return;
    this.heard = true;
    const buffer = Array.isArray(buffers) ? (buffers[0] as Bytes) : undefined;
    if (content.type === "explanation" || content.type === "comparison") {
      this.forget("pull");
      this.listener.pushed(content, buffer);
      return;
    }
    for (const [type, { id, request, timer }] of this.pending) {
      if (id !== content.id) continue;
      clearTimeout(timer);
      this.pending.delete(type);
      this.listener.answered(request, { answer: content, buffer });
      return;
    }
  }
}
