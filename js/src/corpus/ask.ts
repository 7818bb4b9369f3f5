/** What the view of a corpus asks of Python, or of the page, and who waits for the answer. */

import { type Bytes, Columns } from "../columns";
import { type AnswerTo, VERSION } from "../contract";
import type { Model } from "../transport";
import type { CorpusAnswerTo, CorpusRequest } from "./contract";

type Asked = CorpusRequest | { type: "chart" } | { type: "bokehjs" };
type Answers = CorpusAnswerTo & Pick<AnswerTo, "chart" | "bokehjs">;

export interface Answered<A> {
  header: A;
  columns: Columns;
  buffer: Bytes;
}

// Milliseconds: a kernel that reads a large corpus takes its time, and one that answers is there, however busy.
const PATIENCE = { stranger: 60_000, known: 240_000 };
const UNANSWERED = "No kernel has answered. Unless it is busy, run the cell again.";

export class Asker {
  private next = Math.floor(Math.random() * 2 ** 31) * 1_000;
  private heard = false;
  private readonly waiting = new Map<number, (content: object, buffer: Bytes) => void>();

  constructor(
    private readonly model: Model,
    signal: AbortSignal,
  ) {
    const receive = (content: unknown, buffers: unknown) => {
      if (typeof content !== "object" || content === null) return;
      this.heard = true;
      this.waiting.get(Number(Reflect.get(content, "id")))?.(
        content,
        Array.isArray(buffers) ? (buffers[0] as Bytes) : undefined,
      );
    };
    model.on("msg:custom", receive);
    signal.addEventListener("abort", () => {
      model.off("msg:custom", receive);
      this.waiting.clear();
    });
  }

  /** @throws Error with a sentence, where there is no answer. */
  ask<R extends Asked>(request: R): Promise<Answered<Answers[R["type"]]>> {
    const id = ++this.next;
    return new Promise((resolve, reject) => {
      const patience = this.heard ? PATIENCE.known : PATIENCE.stranger;
      const timer = setTimeout(() => done(() => reject(new Error(UNANSWERED))), patience);
      const done = (act: () => void) => {
        clearTimeout(timer);
        this.waiting.delete(id);
        act();
      };
      this.waiting.set(id, (content, buffer) =>
        done(() => {
          if (Reflect.get(content, "type") === "error")
            return reject(new Error(`${Reflect.get(content, "message")}`));
          const header = content as Answers[R["type"]];
          const described = Reflect.get(content, "columns") ?? [];
          resolve({ header, columns: new Columns(described, buffer), buffer });
        }),
      );
      try {
        this.model.send({ ...request, id, version: VERSION });
      } catch {
        done(() => reject(new Error(UNANSWERED)));
      }
    });
  }
}
