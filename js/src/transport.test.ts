// @vitest-environment happy-dom
import { beforeEach, describe, expect, it, vi } from "vitest";
import { Connection, type Model } from "./transport";

type Callback = (...args: unknown[]) => void;

/** A connection to a host that can say something, and what has come out of it. */
function connected(send: (content: unknown) => void = () => {}) {
  const stop = new AbortController();
  const pushed: unknown[] = [];
  const sent: { type: string; id: number }[] = [];
  let receive: Callback | null = null;
  const model = {
    on: (_: string, callback: Callback) => {
      receive = callback;
    },
    off: () => {
      receive = null;
    },
    send: (content: { type: string; id: number }) => {
      sent.push(content);
      send(content);
    },
  } as unknown as Model;
  const connection = new Connection(
    model,
    (summary) => pushed.push(summary),
    () => {},
    stop.signal,
    {
      stranger: 100,
      prompt: 500,
      known: 1_000,
      again: [300, 700],
    },
  );
  const said: string[] = [];
  const ask = (type: "condition" | "routes" = "condition") => {
    const selection = [{ layer: null, branch: null, head: null, token: sent.length, stream: 0 }];
    const reply = {
      answered: ({ id }: { id: number }) => said.push(`answer ${sent.findIndex((one) => one.id === id)}`),
      refused: (sentence: string) => said.push(sentence),
    };
    if (type === "condition") connection.request({ type, selection, avoiding: [], among: [] }, reply);
    else connection.request({ type, selection, avoiding: [], among: [], by: "mass" }, reply);
  };
  const hear = (content: unknown) => receive?.(content, []);
  const answer = (index: number) => hear({ type: "conditioned", id: sent[index]?.id });
  return { connection, ask, answer, hear, said, pushed, sent, stop, listens: () => receive !== null };
}

const UNANSWERED = "No kernel has answered. Unless it is busy, run the cell again.";

describe("a request", () => {
  beforeEach(() => vi.useFakeTimers());

  it("is answered once, and waits no longer then", () => {
    const { ask, answer, said } = connected();
    ask();
    answer(0);
    answer(0);
    vi.advanceTimersByTime(10_000);
    expect(said).toEqual(["answer 0"]);
  });

  it("waits a short time for a kernel that has never answered, and takes a late answer", () => {
    const { ask, answer, said } = connected();
    ask();
    vi.advanceTimersByTime(99);
    expect(said).toEqual([]);
    vi.advanceTimersByTime(1);
    expect(said).toEqual([UNANSWERED]);
    answer(0);
    expect(said).toEqual([UNANSWERED, "answer 0"]);
  });

  it("waits longer for a kernel that has answered", () => {
    const { ask, answer, said } = connected();
    ask();
    answer(0);
    ask();
    vi.advanceTimersByTime(999);
    expect(said).toEqual(["answer 0"]);
    vi.advanceTimersByTime(1);
    expect(said).toEqual(["answer 0", UNANSWERED]);
  });

  it("is overtaken by the next of its type, and by no other", () => {
    const { ask, answer, said } = connected();
    ask();
    ask("routes");
    ask();
    answer(0);
    expect(said).toEqual([]);
    answer(2);
    vi.advanceTimersByTime(1_000);
    expect(said).toEqual(["answer 2", UNANSWERED]);
  });

  it("that is forgotten gets no answer", () => {
    const { connection, ask, answer, said } = connected();
    ask();
    connection.forget("condition");
    answer(0);
    vi.advanceTimersByTime(1_000);
    expect(said).toEqual([]);
  });

  it("is told of an error, and of a connection that throws", () => {
    const open = connected();
    open.ask();
    open.hear({ type: "error", id: open.sent[0]?.id, message: "There is no layer 3." });
    expect(open.said).toEqual(["There is no layer 3."]);
    const closed = connected(() => {
      throw new Error("closed");
    });
    closed.ask();
    closed.connection.tell({ type: "shown", view: "a" });
    vi.advanceTimersByTime(1_000);
    expect(closed.said).toEqual([UNANSWERED]);
  });

  it("has an id that no other connection uses", () => {
    const [one, other] = [connected(), connected()];
    one.ask();
    other.ask();
    expect(one.sent[0]?.id).not.toBe(other.sent[0]?.id);
  });
});

describe("a connection", () => {
  it("hands on summaries, and ignores what is none of ours", () => {
    const { hear, pushed, said } = connected();
    const summary = { type: "comparison", revision: 1 };
    for (const message of [null, 3, {}, { type: "update" }, summary]) hear(message);
    expect(pushed).toEqual([summary]);
    expect(said).toEqual([]);
  });

  it("ends with its signal: it neither listens nor waits", () => {
    vi.useFakeTimers();
    const { ask, said, stop, listens } = connected();
    ask();
    stop.abort();
    vi.advanceTimersByTime(10_000);
    expect(said).toEqual([]);
    expect(listens()).toBe(false);
  });
});
