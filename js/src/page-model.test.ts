// @vitest-environment happy-dom
import { gzipSync } from "node:zlib";
import { beforeEach, describe, expect, it, vi } from "vitest";
import { mountApp } from "./app";
import { fromBase64 } from "./columns";
import type { Answer, Part } from "./contract";
import { part, STEPS } from "./fake-answer";
import { element, fixtures as given } from "./fake-model";
import { written } from "./fragment";
import { pageModel } from "./page-model";

type Message = { header: Record<string, unknown>; buffer: string };
const fixtures = given as Record<string, Message>;

/** As Python packs them. */
function packed(answers: Record<string, Message[]>): string {
  const bytes: number[] = [];
  const placed = Object.entries(answers).map(([type, messages]) => [
    type,
    messages.map(({ header, buffer }) => {
      const own = fromBase64(buffer);
      const offset = bytes.length;
      bytes.push(...own, ...new Uint8Array((4 - (own.length % 4)) % 4));
      return { header, offset, nbytes: own.length };
    }),
  ]);
  const text = new TextEncoder().encode(JSON.stringify({ answers: Object.fromEntries(placed) }));
  const planes = [0, 1, 2, 3].flatMap((place) => bytes.filter((_, index) => index % 4 === place));
  const length = new Uint8Array(new Uint32Array([text.length]).buffer);
  return gzipSync(new Uint8Array([...length, ...text, ...planes])).toString("base64");
}

/** What they are about. */
const held = (answers: Record<string, Message[]>) =>
  Object.fromEntries(
    Object.entries(answers).map(([type, messages]) => [
      type,
      messages.map(({ header: { layer, head, selection } }) =>
        type === "head_map" ? `l${layer}h${head}` : (selection as Part[]).map(written).sort().join(","),
      ),
    ]),
  );

/** A page with the given answers. */
function pageWith(
  answers: Record<string, Message[]>,
  name = "untested",
  tests: readonly unknown[] = [],
): HTMLElement {
  // What a page showed before stands in its address.
  history.replaceState(null, "", location.pathname);
  const { header, buffer } = fixtures[name] as Message;
  const root = document.createElement("div");
  const script = document.createElement("script");
  script.type = "application/json";
  script.dataset.semiringWidgets = "payload";
  script.textContent = JSON.stringify({ summary: header, buffer, tests, held: held(answers) });
  const others = document.createElement("script");
  others.type = "text/plain";
  others.dataset.semiringWidgets = "answers";
  others.textContent = packed(answers);
  root.append(script, others);
  document.body.replaceChildren(root);
  return root;
}

const chosen = { layer: null, branch: null, head: null, token: 1, stream: 0 };
const conditioned = fixtures.conditioned as Message;
const answers = { condition: [{ ...conditioned, header: { ...conditioned.header, selection: [chosen] } }] };

beforeEach(() => vi.stubGlobal("requestAnimationFrame", (act: () => void) => setTimeout(act)));

describe("a page without a kernel", () => {
  it("shows before a click what has no answer, and does not take that click", async () => {
    const root = pageWith(answers);
    const stop = new AbortController();
    const shown = mountApp(pageModel(root), root, stop.signal);
    const token = (index: number) =>
      shown.querySelector<HTMLElement>(`[data-pane="tokens"] [data-token="${index}"]`);
    expect(token(1)?.getAttribute("aria-disabled")).toBeNull();
    expect(token(2)?.getAttribute("aria-disabled")).toBe("true");
    expect(shown.textContent).toContain("What has a dashed edge cannot be selected in this page");
    token(2)?.click();
    expect(shown.dataset.conditioned).toBe("none");
    token(1)?.click();
    await vi.waitFor(() => expect(shown.dataset.conditioned).toBe("ready"));
    await vi.waitFor(() => expect(shown.textContent).toMatch(/of the first \d+ routes of this ranking pass/));
    stop.abort();
  });

  it("says before a click that units and single paths need a notebook", async () => {
    const root = pageWith(answers);
    const stop = new AbortController();
    const shown = mountApp(pageModel(root), root, stop.signal);
    const pane = shown.querySelector('[data-pane="inside"]') ?? expect.fail("no pane");
    const walk = pane.querySelector<HTMLElement>('[data-action="walk"]');
    expect(walk?.getAttribute("aria-disabled")).toBe("true");
    expect(walk?.dataset.tip).toContain("need a notebook");
    const before = pane.textContent;
    expect(before).toContain("Units and single paths need a notebook");
    walk?.click();
    shown.dispatchEvent(new KeyboardEvent("keydown", { key: "p", bubbles: true }));
    await new Promise((done) => setTimeout(done, 20));
    expect(pane.textContent).toBe(before);
    stop.abort();
  });

  it("shows which parts can be added while Shift is held", async () => {
    const head = { ...chosen, token: null, layer: 0, head: 0 };
    const pair = { ...conditioned, header: { ...conditioned.header, selection: [chosen, head] } };
    const map = {
      ...fixtures.head_map,
      header: { ...fixtures.head_map?.header, layer: 0, head: 0 },
    } as Message;
    const root = pageWith({ condition: [...answers.condition, pair], head_map: [map] });
    const stop = new AbortController();
    const shown = mountApp(pageModel(root), root, stop.signal);
    shown.querySelector<HTMLElement>('[data-pane="tokens"] [data-token="1"]')?.click();
    const off = () =>
      element(shown, '[data-pane="heads"] [data-layer="0"][data-head="0"]')?.getAttribute("aria-disabled");
    const hold = (type: string) => document.dispatchEvent(new KeyboardEvent(type, { key: "Shift" }));
    expect(off()).toBe("true");
    hold("keydown");
    await vi.waitFor(() => expect(off()).toBeNull());
    expect(shown.textContent).toContain("this page holds the likeliest pairs");
    expect(
      element(shown, '[data-pane="heads"] [data-layer="0"][data-head="1"]')?.getAttribute("aria-disabled"),
    ).toBe("true");
    hold("keyup");
    await vi.waitFor(() => expect(off()).toBe("true"));
    stop.abort();
  });

  it("answers for the routes of several parts too, and says of what it does not know the numbers", async () => {
    const model = pageModel(pageWith(answers));
    const heard: Answer[] = [];
    model.on("msg:custom", ((content: Answer) => heard.push(content)) as never);
    const selection = [chosen, { ...chosen, token: null, layer: 0, head: 0 }];
    model.send({ type: "routes", id: 1, by: "best", selection });
    model.send({ type: "condition", id: 2, selection });
    await vi.waitFor(() => expect(heard).toHaveLength(2));
    expect(heard.find(({ id }) => id === 1)?.type).toBe("routes");
    expect(heard.find(({ id }) => id === 2)).toMatchObject({
      type: "error",
      message: expect.stringContaining("the likeliest pairs"),
    });
  });

  it("draws its chart of all paths whatever is selected, and offers none where there is none", async () => {
    for (const chart of [
      { header: { type: "chart", id: 0, selection: [], item: {}, dark: {} }, buffer: "" },
      null,
    ]) {
      const root = pageWith(chart === null ? answers : { ...answers, chart: [chart] });
      const shown = mountApp(pageModel(root), root, new AbortController().signal);
      const section = shown.querySelector<HTMLElement>('[data-pane="chart"]');
      shown.querySelector<HTMLElement>('[data-token="1"]')?.click();
      await vi.waitFor(() => expect(shown.dataset.conditioned).toBe("ready"));
      expect(section?.hidden).toBe(chart === null);
      expect(section?.querySelector("button")?.textContent).toBe("Draw the chart");
      if (chart === null) continue;
      section?.querySelector("button")?.click();
      await vi.waitFor(() => expect(section?.textContent).toContain("This chart shows all paths."));
      expect(section?.querySelector("button")?.hidden).toBe(true);
    }
  });
});

describe("a test in a page without a kernel", () => {
  const test = {
    ...{ parts: [], steps: STEPS, by: "reference", label: "a route" },
    ...{ before: 3.25, after: 1, predicted: 2 },
  };

  it("is answered where it was run before, and else is not to be had, with a sentence", async () => {
    const root = pageWith(answers, "answered", [test]);
    const shown = mountApp(pageModel(root), root, new AbortController().signal);
    const [known, other] = shown.querySelectorAll<HTMLElement>('[data-pane="routes"] [data-action="test"]');
    expect(known?.getAttribute("aria-disabled")).toBe("false");
    expect(other?.getAttribute("aria-disabled")).toBe("true");
    expect(other?.dataset.tip).toContain("a notebook can test it");
    other?.click();
    known?.click();
    await vi.waitFor(() => expect(shown.querySelector(".tests li")?.textContent).toContain("a route"));
    expect(shown.querySelector('[data-pane="tests"] [role="status"]')?.textContent).toBe("");
  });

  it("of a single part is in the columns, so the part can be chosen without its paths", () => {
    const root = pageWith({}, "answered");
    const shown = mountApp(pageModel(root), root, new AbortController().signal);
    const grey = (selector: string) => element(shown, selector)?.getAttribute("aria-disabled");
    expect(grey('[data-pane="heads"] [data-layer="0"][data-head="1"]')).toBeNull();
    expect(grey('[data-pane="flow"] [data-layer="1"][data-token="1"]')).toBe("true");
    expect(pageModel(root).tested?.({ selection: [part({ token: 1 })], steps: [] })).toBeNull();
  });
});

describe("the model of a page", () => {
  const ask = async (answers: Record<string, Message[]>, request: Record<string, unknown>) => {
    const model = pageModel(pageWith(answers));
    const heard: [Answer, unknown[]][] = [];
    model.on("msg:custom", ((content: Answer, buffers: unknown[]) =>
      heard.push([content, buffers])) as never);
    model.send({ ...request, id: 7 });
    await vi.waitFor(() => expect(heard).toHaveLength(1));
    return heard[0] ?? expect.fail("no answer");
  };

  it("gives the prepared map of a head under the id of the request", async () => {
    const map = fixtures.head_map as Message;
    const { layer, head } = map.header;
    const [answer, buffers] = await ask(
      { head_map: [map] },
      { type: "head_map", layer, head, selection: [] },
    );
    expect(answer).toMatchObject({ type: "head_map", id: 7, layer, head });
    expect(buffers).toHaveLength(1);
    const [refused] = await ask({ head_map: [map] }, { type: "head_map", layer, head: 99, selection: [] });
    expect(refused).toMatchObject({
      type: "error",
      id: 7,
      message: expect.stringContaining("needs a notebook"),
    });
  });

  it("prefers long lists of routes, and falls back on those of the summary", async () => {
    const long = structuredClone(fixtures.routes) as Message;
    long.header.selection = [];
    (long.header.ranking as { remark: string }).remark = "the long list";
    const request = { type: "routes", by: long.header.by, selection: [] };
    const [prepared] = await ask({ routes: [long] }, request);
    expect(prepared).toMatchObject({ ranking: { remark: "the long list" } });
    const [own] = await ask({}, request);
    const summary = (fixtures.explanation as Message).header as { rankings?: { by: string }[] };
    expect(own).toMatchObject({ ranking: summary.rankings?.find(({ by }) => by === request.by) });
  });

  it("holds what every click asks for, or does not", () => {
    const empty = pageModel(pageWith({}));
    expect(empty.holds?.([])).toBe(true);
    expect(empty.holds?.([chosen])).toBe(false);
    expect(pageModel(pageWith(answers)).holds?.([chosen])).toBe(true);
    expect(empty.charts).toBe("none");
  });

  it("answers nothing to what has no answer, and says where the chart is missing", async () => {
    const model = pageModel(pageWith({}));
    const heard: unknown[] = [];
    model.on("msg:custom", ((content: unknown) => heard.push(content)) as never);
    for (const type of ["pull", "cancel", "shown", "gone"]) model.send({ type, id: 1 });
    const [answer] = await ask({}, { type: "bokehjs" });
    expect(answer).toMatchObject({ type: "error", message: "This page was written without its chart." });
    expect(heard).toEqual([]);
  });
});
