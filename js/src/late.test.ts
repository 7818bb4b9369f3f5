// @vitest-environment happy-dom
/** What comes late, in another order, twice or not at all: nothing wrong is shown, and nothing waits for ever. */
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { fromBase64 } from "./columns";
import type { ExplanationHeader, Inquiry, Part, Selection } from "./contract";
import { click, FakeModel, fixtures, frame, mounted } from "./fake-model";
import { Questions } from "./questions";
import { EMPTY } from "./selection";
import { Store } from "./store";

const PULLED = 4_000;
const part = (some: Partial<Part>): Part => ({
  ...{ layer: null, branch: null, head: null, token: null, stream: 0 },
  ...some,
});
const HEAD: Selection = [part({ layer: 1, head: 0 })];
const WORD: Selection = [part({ token: 1 })];

const inquiry = (number: number, state?: "running" | "failed"): Inquiry => ({
  ...{ number, attempts: number, arguments: [], wrong: "", past: [] },
  status: state === undefined ? null : { state, done: 0, total: 0, message: "asking" },
});

function asking() {
  const model = new FakeModel("explanation");
  const header = model.values.summary as ExplanationHeader;
  model.values.summary = { ...header, inquiry: inquiry(1) };
  const [store, stop] = [new Store(), new AbortController()];
  const questions = new Questions(model as never, store, stop.signal);
  const last = (type: string) => model.sent.filter((one) => one.type === type).at(-1);
  const answer = (name: string, request: Record<string, unknown> | undefined, change: object = {}) => {
    const { header, buffer } = fixtures[name] ?? expect.fail(name);
    const message = { ...(header as object), ...change, id: request?.id };
    model.emit("msg:custom", message, [fromBase64(buffer)]);
  };
  const arrives = (change: Partial<ExplanationHeader>) => {
    const old = model.values.summary as ExplanationHeader;
    model.values.summary = { ...old, revision: old.revision + 1, ...change };
    model.emit("change:revision");
  };
  return { model, store, questions, stop, last, answer, arrives };
}

beforeEach(() => vi.useFakeTimers());
afterEach(() => vi.useRealTimers());

describe("an answer to the question before", () => {
  type Asks = (questions: Questions) => void;
  const kinds: [
    string,
    string,
    Asks,
    "tests" | "units" | "walked" | "groups" | "condition" | "map" | "routes",
  ][] = [
    ["test", "test", (questions) => questions.tests.ask([...HEAD, ...WORD]), "tests"],
    ["units", "units", (questions) => questions.units(part({ layer: 1, head: 0 })), "units"],
    ["path", "path", (questions) => questions.walk(), "walked"],
    ["group", "group", (questions) => questions.group("two", HEAD), "groups"],
    ["condition", "conditioned", (questions) => questions.select(HEAD), "condition"],
    ["head_map", "head_map", (questions) => questions.select(HEAD), "map"],
    ["routes", "routes", (questions) => questions.select(HEAD), "routes"],
  ];

  it.each(kinds)("is dropped: %s", (type, name, ask, key) => {
    const { store, questions, last, answer, arrives } = asking();
    ask(questions);
    const request = last(type);
    const { selection, among } = store.state;
    arrives({ inquiry: inquiry(2) });
    const before = store.state[key];
    answer(name, request, { selection, among, by: store.state.by });
    expect(store.state[key]).toBe(before);
    expect(store.state).toMatchObject({ testing: [], drilling: null, naming: false });
  });

  it.each(kinds)("is taken while that is shown: %s", (type, name, ask, key) => {
    const { store, questions, last, answer } = asking();
    ask(questions);
    const before = store.state[key];
    const { selection, among } = store.state;
    answer(name, last(type), { selection, among, by: store.state.by });
    expect(store.state[key]).not.toBe(before);
  });

  it.each(["in order", "the other way round"])("about another selection is dropped: %s", (order) => {
    const { store, questions, last, answer } = asking();
    questions.select(HEAD);
    const first = last("condition");
    questions.select(WORD);
    const second = last("condition");
    const said = [
      () => answer("conditioned", first, { selection: HEAD, among: EMPTY, log_share: -1 }),
      () => answer("conditioned", second, { selection: WORD, among: EMPTY, log_share: -2 }),
    ];
    for (const say of order === "in order" ? said : said.reverse()) say();
    expect(store.state.condition?.header.log_share).toBe(-2);
  });
});

describe("a slow kernel", () => {
  it.each([true, false])(
    "is waited for, and its answer is taken after a minute (heard before: %s)",
    (heard) => {
      const { store, questions, last, answer, arrives } = asking();
      if (heard) arrives({});
      questions.select(WORD);
      const request = last("condition");
      vi.advanceTimersByTime(60_000);
      // One that was never heard may not be there at all.
      expect(store.state.answered).toBe(heard ? "pending" : "unavailable");
      answer("conditioned", request, { selection: WORD, among: EMPTY });
      expect(store.state.answered).toBe("ready");
    },
  );
});

describe("what is lost", () => {
  it("on its way is sent again as the same request, and its answer is taken", () => {
    const { model, store, questions, last, answer, arrives } = asking();
    arrives({});
    questions.select(WORD);
    const first = last("condition");
    vi.advanceTimersByTime(10_000);
    const all = model.sent.filter(({ type }) => type === "condition");
    expect(all).toEqual([first, first]);
    expect(store.state.answered).toBe("pending");
    answer("conditioned", first, { selection: WORD, among: EMPTY });
    expect(store.state.answered).toBe("ready");
    vi.advanceTimersByTime(200_000);
    expect(model.sent.filter(({ type }) => type === "condition").length).toBe(2);
  });

  it("of a question is said soon, as no kernel needs long to take one", () => {
    const { store, questions, arrives } = asking();
    arrives({});
    questions.inquire({ type: "ask", changes: [] });
    vi.advanceTimersByTime(15_000);
    expect(store.state.asking.refused).toContain("No kernel has answered");
    arrives({ inquiry: inquiry(1, "running") });
    arrives({ inquiry: inquiry(2) });
    expect(store.state.asking.refused).toBeNull();
  });

  it("while nothing is on screen is said, with a button that asks again", () => {
    const { root, model } = mounted("no message");
    expect(root.textContent).toContain("Waiting for the kernel");
    vi.advanceTimersByTime(5 * PULLED);
    frame();
    expect(root.querySelector("[data-silent] [role=alert]")?.textContent).toContain(
      "Nothing has come from the kernel",
    );
    const pulls = () => model.sent.filter(({ type }) => type === "pull").length;
    const before = pulls();
    click(root, '[data-action="pull"]');
    frame();
    expect(pulls()).toBe(before + 1);
    expect(root.querySelector("[data-silent]")).toBeNull();
    const { header, buffer } = fixtures.explanation ?? expect.fail();
    model.emit("msg:custom", header, [fromBase64(buffer)]);
    frame();
    expect(root.querySelector('[data-pane="tokens"]')).not.toBeNull();
  });

  it("of a page that is left is no decision to stop", () => {
    const { model } = asking();
    window.dispatchEvent(new Event("pagehide"));
    const told = model.sent.filter(({ view }) => view !== undefined);
    expect(told.map(({ type }) => type)).toEqual(["shown", "left"]);
    expect(new Set(told.map(({ view }) => view)).size).toBe(1);
  });
});

describe("a kernel that says no more", () => {
  it("is asked while it should compute, and that is said until it speaks", () => {
    const { model, store, stop, arrives } = asking();
    arrives({ status: { state: "running", done: 1, total: 9, message: "layer 1" } });
    const pulls = () => model.sent.filter(({ type }) => type === "pull").length;
    vi.advanceTimersByTime(29_000);
    expect([pulls(), store.state.silent]).toEqual([1, null]);
    vi.advanceTimersByTime(1_000 + PULLED);
    expect(pulls()).toBe(2);
    expect(store.state.silent).toContain("no longer answers");
    arrives({ status: { state: "running", done: 2, total: 9, message: "layer 2" } });
    expect(store.state.silent).toBeNull();
    arrives({ status: { state: "done", done: 9, total: 9, message: "" } });
    vi.advanceTimersByTime(600_000);
    expect(store.state.silent).toBeNull();
    arrives({ status: { state: "running", done: 2, total: 9, message: "layer 2" } });
    stop.abort();
    frame();
    expect(vi.getTimerCount()).toBe(0);
  });

  it("and was started again is found out at once, and no question waits for it", () => {
    const { model, store, questions, arrives } = asking();
    arrives({});
    questions.select(HEAD);
    questions.tests.ask([...HEAD, ...WORD]);
    model.emit("comm_live_update");
    vi.advanceTimersByTime(PULLED);
    const { silent, answered, routed, untested, unmapped } = store.state;
    expect(silent).toContain("run the cell again");
    expect([answered, routed]).toEqual(["unavailable", "unavailable"]);
    for (const sentence of [untested, unmapped]) expect(sentence).toContain("No kernel has answered");
  });

  it("is not missed where all is known", () => {
    const { model, store } = asking();
    model.emit("comm_live_update");
    vi.advanceTimersByTime(600_000);
    expect([store.state.silent, store.state.error]).toEqual([null, null]);
  });

  it("but then does takes back what was said of it", () => {
    const { store, questions, arrives } = asking();
    arrives({ status: { state: "running", done: 1, total: 9, message: "layer 1" } });
    questions.cancel();
    vi.advanceTimersByTime(15_000);
    expect(store.state.error).toContain("No kernel has answered");
    arrives({ status: { state: "cancelled", done: 1, total: 9, message: "cancelled" } });
    expect(store.state.error).toBeNull();
  });

  it("or never what can be read is asked some times and no more", () => {
    const { model, store } = asking();
    const sent = () => model.sent.filter(({ type }) => type === "pull").length;
    const { header } = fixtures.explanation ?? expect.fail();
    for (let time = 1; time < 50; time++) {
      const revision = (header as ExplanationHeader).revision + time;
      model.emit("msg:custom", { ...(header as object), revision }, [new ArrayBuffer(3)]);
    }
    expect(sent()).toBeLessThan(10);
    expect(store.state.error).toContain("does not fit together");
  });
});

describe("the chart", () => {
  it("says when it is of the question before, and lets the new one be drawn", async () => {
    const cleared: number[] = [];
    const embed_item = async () => ({ clear: () => cleared.push(1), *[Symbol.iterator]() {} });
    vi.stubGlobal("Bokeh", { version: "3", embed: { embed_item } });
    const { root, model, stop } = mounted("explanation");
    frame();
    const chart = () => root.querySelector<HTMLElement>('[data-pane="chart"]') ?? expect.fail();
    const draw = () => {
      click(root, '[data-action="chart"]');
      const { id } = model.sent.filter(({ type }) => type === "chart").at(-1) ?? expect.fail();
      model.emit("msg:custom", { type: "chart", id, item: {}, dark: {} }, []);
      frame();
    };
    const asked = (number: number) => {
      const old = model.values.summary as ExplanationHeader;
      model.values.summary = { ...old, revision: old.revision + 1, inquiry: inquiry(number) };
      model.emit("change:revision");
      frame();
    };
    asked(1);
    draw();
    expect(chart().textContent).toContain("This chart shows all paths.");
    expect(chart().querySelector("button")?.hidden).toBe(true);
    asked(2);
    expect(chart().textContent).toContain("This chart shows the answer to another question.");
    expect(chart().querySelector("button")?.hidden).toBe(false);
    draw();
    await vi.runAllTimersAsync();
    expect(chart().textContent).toContain("This chart shows all paths.");
    expect(cleared.length).toBe(1);
    stop.abort();
    await vi.runAllTimersAsync();
    expect(cleared.length).toBe(2);
    vi.unstubAllGlobals();
  });
});

describe("a cancel", () => {
  const running = { state: "running", done: 0, total: 0, message: "" } as const;

  it("is not sent again once another question is on its way", () => {
    const { model, questions, arrives } = asking();
    arrives({ status: running });
    questions.cancel();
    vi.advanceTimersByTime(2_000);
    questions.inquire({ type: "ask", changes: [{ name: "target", words: ["was"] }] });
    arrives({ status: { ...running, state: "cancelled" }, inquiry: inquiry(2, "running") });
    vi.advanceTimersByTime(60_000);
    expect(model.sent.filter(({ type }) => type === "cancel")).toHaveLength(1);
  });

  it("during a long step is told to wait, and no kernel is missed that speaks", () => {
    const { store, questions, arrives } = asking();
    arrives({ status: running });
    questions.cancel();
    vi.advanceTimersByTime(5_000);
    arrives({ status: { ...running, done: 1 } });
    vi.advanceTimersByTime(10_500);
    expect(store.state.error).toContain("Not cancelled yet");
  });
});

it("trying again asks for the selection again whose question was lost", () => {
  const { model, store, questions, last, answer } = asking();
  questions.select(HEAD);
  vi.advanceTimersByTime(200_000);
  expect(store.state.answered).toBe("unavailable");
  model.sent.length = 0;
  questions.tryAgain();
  answer("conditioned", last("condition"), { selection: HEAD, among: [] });
  expect(store.state.answered).not.toBe("unavailable");
});

describe("what was cancelled", () => {
  it.each(["partial", "starting"])("says what of it is known: %s", (name) => {
    const { root, model } = mounted(name);
    const ended = (state: "cancelled" | "done") => {
      const old = model.values.summary as ExplanationHeader;
      const status = { ...old.status, state, message: "cancelled during: layer 3 of 6" };
      model.values.summary = { ...old, revision: old.revision + 1, status };
      model.emit("change:revision");
      frame();
    };
    const said = (place: string) => root.querySelector(place)?.textContent ?? "";
    expect(said('[data-pane="routes"]')).toContain("not known yet");
    ended("cancelled");
    expect(said("[data-status]")).toBe("cancelled during: layer 3 of 6");
    expect(said("[data-part]").includes("What was known by then is shown")).toBe(name === "partial");
    expect(said('[data-pane="routes"]')).toMatch(/not known\s*$/);
    ended("done");
    expect(root.querySelector("[data-part]")).toBeNull();
  });
});
