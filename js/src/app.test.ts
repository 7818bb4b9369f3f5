// @vitest-environment happy-dom
import { beforeEach, describe, expect, it, vi } from "vitest";
import { fromBase64 } from "./columns";
import { type ExplanationHeader, VERSION } from "./contract";
import { choose, click, element, fixtures, frame, mounted, unfold } from "./fake-model";

describe("the widget", () => {
  beforeEach(() => vi.useFakeTimers());

  it.each(["explanation", "answered", "partial", "asked", "starting", "comparison"])(
    "draws the message %s",
    (name) => {
      const { root } = mounted(name);
      expect(root.dataset.view).toBe(name === "comparison" ? "comparison" : "explanation");
      expect(root.querySelectorAll("[data-pane]").length).toBeGreaterThan(0);
    },
  );

  it("links a click in one pane to all, asks Python, and clears with Escape", () => {
    const { root, model } = mounted("explanation");
    click(root, '[data-pane="tokens"] [data-token="1"]');
    expect(JSON.parse(root.dataset.selection ?? "")).toMatchObject([{ token: 1 }]);
    expect(root.dataset.conditioned).toBe("pending");
    const asked = model.sent.map(({ type, selection }) => ({ type, selection }));
    expect(asked.slice(-2)).toMatchObject([
      { type: "condition", selection: [{ token: 1 }] },
      { type: "routes", selection: [{ token: 1 }] },
    ]);
    expect(model.get("selection")).toMatchObject([{ token: 1 }]);
    root.dispatchEvent(new KeyboardEvent("keydown", { key: "Escape", bubbles: true }));
    expect(root.dataset.conditioned).toBe("none");
  });

  it("keeps its elements while updates arrive, and changes only what differs", () => {
    const { root, model } = mounted("starting");
    const arrives = (message: string) => {
      const old = model.values.summary as ExplanationHeader;
      const status = { ...old.status, state: "running", message } as const;
      model.values.summary = { ...old, revision: old.revision + 1, status };
      model.emit("change:revision");
      frame();
    };
    arrives("before");
    const kept = [...root.querySelectorAll("button, select, option, section, svg")];
    const changes = new MutationObserver(() => {});
    changes.observe(root, { subtree: true, childList: true, attributes: true, characterData: true });
    arrives("after");
    expect(root.querySelector("[data-status]")?.textContent).toBe("after");
    expect(kept.every((element) => element.isConnected)).toBe(true);
    // The sentence of the status, and the revision on the root.
    expect(changes.takeRecords().map(({ type }) => type)).toEqual(["attributes", "characterData"]);
  });

  it("draws once for a click and once for each answer, and only what changed", () => {
    const { root, model } = mounted("explanation");
    frame();
    const changed = new Set<string | undefined>();
    const observer = new MutationObserver(() => {});
    observer.observe(root, { subtree: true, childList: true, attributes: true, characterData: true });
    const panes = () => {
      changed.clear();
      for (const { target } of observer.takeRecords())
        changed.add(
          (target.parentElement ?? (target as Element)).closest<HTMLElement>("[data-pane]")?.dataset.pane,
        );
      return [...changed].filter((name) => name !== undefined).sort();
    };
    click(root, "h2");
    frame();
    expect(observer.takeRecords()).toEqual([]);
    click(root, '[data-pane="routes"] [data-family="1"]');
    frame();
    // What can be followed step by step is now this route.
    expect(panes()).toEqual(["flow", "inside", "routes"]);
    const cells = root.querySelectorAll('[data-pane="flow"] canvas');
    click(root, '[data-pane="tokens"] [data-token="1"]');
    frame();
    expect([...root.querySelectorAll('[data-pane="flow"] canvas')]).toEqual([...cells]);
    panes();
    const asked = model.sent.find((message) => message.type === "routes");
    const { header } = fixtures.routes as { header: Record<string, unknown> };
    const answer = { ...header, by: asked?.by, selection: asked?.selection, id: asked?.id };
    model.emit("msg:custom", answer, []);
    frame();
    expect(panes()).toEqual(["flow", "routes"]);
  });

  it("takes the answer to the newest question only", () => {
    const { root, model } = mounted("explanation");
    const { header, buffer } = fixtures.conditioned as { header: Record<string, unknown>; buffer: string };
    model.values.selection = header.selection;
    model.emit("change:selection");
    const asked = model.sent.filter((message) => message.type === "condition").at(-1);
    model.emit("msg:custom", { ...header, id: -1 }, [fromBase64(buffer)]);
    expect(root.dataset.conditioned).toBe("pending");
    model.emit("msg:custom", { ...header, id: asked?.id }, [fromBase64(buffer)]);
    expect(root.dataset.conditioned).toBe("ready");
  });

  it("says which paths alone it is about, and nothing where it is all of them", () => {
    expect(mounted("asked").root.querySelector("[data-paths]")?.textContent).toBe(
      "only paths through head 1·0",
    );
    expect(mounted("explanation").root.querySelector("[data-paths]")).toBeNull();
  });

  it("shows what was asked for by a semiring in tokens, cells and heads", () => {
    const { root } = mounted("asked");
    const choices = [...root.querySelectorAll<HTMLInputElement>("[data-measure]")];
    expect(choices.map((choice) => choice.parentElement?.textContent?.trim()).slice(3)).toEqual([
      "Spread",
      "spread (nats)",
      "<b>width</b>",
    ]);
    expect(choices.find(({ checked }) => checked)?.value).toBe("statistic:0");
    const named = (selector: string) => element(root, selector)?.getAttribute("aria-label") ?? "";
    expect(named('[data-pane="tokens"] [data-token="1"]')).toMatch(/^keys: spread -?[\d.]+ nats$/);
    expect(named('[data-pane="flow"] [data-layer="1"][data-token="2"]')).toMatch(/spread -?[\d.]+ nats$/);
    expect(named('[data-pane="heads"] [data-layer="1"][data-head="0"]')).toMatch(/spread -?[\d.]+ nats$/);
    choose(root, "entropy");
    expect(named('[data-pane="tokens"] [data-token="1"]')).toContain("entropy");
    expect(named('[data-pane="flow"] [data-layer="1"][data-token="2"]')).toContain("share of mass");
    const caption = root.querySelector('[data-pane="flow"] .caption')?.textContent;
    expect(caption).toBe("share of mass: there is no entropy of a cell");
  });

  it("says 'no path' where there is none, whatever a semiring says of it", () => {
    const { root, model } = mounted("asked");
    const { header } = fixtures.conditioned as { header: Record<string, unknown> };
    const { streams, layers, statistics } = model.values.summary as ExplanationHeader;
    const [tokens, depth, count] = [streams[0]?.tokens.length ?? 0, layers.length, statistics.length];
    const columns: { name: string; shape: number[]; dtype: string; offset: number; nbytes: number }[] = [];
    const numbers: number[] = [];
    const add = (name: string, shape: number[], of: (index: number) => number) => {
      const size = shape.reduce((one, other) => one * other, 1);
      columns.push({ name, shape, dtype: "float32", offset: 4 * numbers.length, nbytes: 4 * size });
      numbers.push(...Array.from({ length: size }, (_, index) => of(index)));
    };
    const only = (index: number) => (index % tokens === 2 ? -1 : Number.NEGATIVE_INFINITY);
    add("token_best_log_weight", [tokens], only);
    add("node_best_log_weight", [depth, tokens], only);
    add("token_statistic", [count, tokens], () => 0);
    add("node_statistic", [count, depth, tokens], () => 0);
    model.values.selection = header.selection;
    model.emit("change:selection");
    const asked = model.sent.filter((message) => message.type === "condition").at(-1);
    model.emit("msg:custom", { ...header, id: asked?.id, columns }, [new Float32Array(numbers)]);
    frame();
    const named = (selector: string) => element(root, selector)?.getAttribute("aria-label") ?? "";
    expect(named('[data-pane="tokens"] [data-token="1"]')).toMatch(/: spread no path$/);
    expect(named('[data-pane="tokens"] [data-token="2"]')).toMatch(/: spread 0 nats$/);
    expect(named('[data-pane="flow"] [data-layer="1"][data-token="1"]')).toMatch(/spread no path$/);
    expect(named('[data-pane="flow"] [data-layer="1"][data-token="2"]')).toMatch(/spread 0 nats$/);
  });

  it("ranks routes with the pictures: of all paths at once, of those through a selection by asking", () => {
    const { root, model } = mounted("explanation");
    const listed = () => [...root.querySelectorAll(".entry")].map((e) => e.getAttribute("data-tip") ?? "");
    choose(root, "best");
    expect(listed()[0]).toMatch(
      /^stays on the skip connections .*best path .*mass .*contribution .*cancellation/,
    );
    choose(root, "mass");
    expect(listed().at(-1)).toContain("stays on the skip connections");
    expect(root.querySelector("[data-remark]")?.textContent).toContain("ranking by mass leaves out");
    expect(model.sent.some((message) => message.type === "routes")).toBe(false);
    const { header } = fixtures.routes as { header: Record<string, unknown> };
    model.values.selection = header.selection;
    model.emit("change:selection");
    const asked = model.sent.filter((message) => message.type === "routes").at(-1);
    expect(asked).toMatchObject({ by: "mass", selection: [{ layer: 2, branch: "value" }] });
    frame();
    expect(listed()).toEqual([]);
    model.emit("msg:custom", { ...header, id: asked?.id }, []);
    frame();
    expect(listed().length).toBeGreaterThan(0);
    choose(root, "best");
    const last = model.sent.at(-1);
    expect(last).toMatchObject({ type: "routes", by: "best" });
    model.emit("msg:custom", { type: "error", id: last?.id, message: "No kernel." }, []);
    frame();
    expect(root.querySelector('[data-pane="routes"]')?.textContent).toContain("No kernel. Below are");
    expect(root.querySelector("[data-error]")).toBeNull();
  });

  it("tells of each number whose paths it is of", () => {
    const { root, model } = mounted("explanation");
    unfold(root);
    const totals = () =>
      [...root.querySelectorAll(".totals dd:not(.meaning)")].slice(0, 4).map((dd) => dd.textContent ?? "");
    const marked = () => totals().map((text) => text.includes("(of all paths)"));
    expect(marked()).toEqual([false, false, false, false]);
    const { header, buffer } = fixtures.conditioned as { header: Record<string, unknown>; buffer: string };
    model.values.selection = header.selection;
    model.emit("change:selection");
    frame();
    expect(marked()).toEqual([true, true, true, true]);
    const asked = () => model.sent.filter((message) => message.type === "condition").at(-1);
    model.emit("msg:custom", { ...header, id: asked()?.id }, [fromBase64(buffer)]);
    frame();
    // Mass and best path are those of the selection; of cancellation only that of all is known.
    expect(marked()).toEqual([false, false, true, false]);
    expect(totals()[0]).toMatch(/^±/);
    const notice = () => root.querySelector(".notice")?.textContent;
    expect(notice()).toContain(
      "Only paths through the value of layer 2: 61 % of all mass, contribution +0.75",
    );
    // Effects are of parts by themselves, whatever is selected.
    expect(notice()).toContain("colours show each part by itself");
    choose(root, "mass");
    expect(notice()).not.toContain("colours");
    choose(root, "reasons");
    click(root, '[data-action="clear"]');
    model.values.selection = header.selection;
    model.emit("change:selection");
    frame();
    const totalsOfNone = { ...(header.totals as object), log_mass: null, best_log_weight: null };
    const none = { ...header, id: asked()?.id, log_share: null, totals: totalsOfNone };
    model.emit("msg:custom", none, [fromBase64(buffer)]);
    frame();
    expect(notice()).toContain("There are no paths through the value of layer 2.");
    expect(marked()).toEqual([false, false, false, false]);
  });

  it("asks for the map of the selected paths, and says of which paths a map is", () => {
    const { root, model } = mounted("explanation");
    click(root, '[data-pane="tokens"] [data-token="1"]');
    const head = element(root, '[data-pane="heads"] [data-layer="1"][data-head="0"]');
    head?.dispatchEvent(new MouseEvent("click", { bubbles: true, shiftKey: true }));
    const asked = model.sent.filter((message) => message.type === "head_map").at(-1);
    const selection = [{ token: 1 }, { layer: 1, head: 0 }];
    expect(asked).toMatchObject({ layer: 1, head: 0, selection });
    const pressed = () => [...root.querySelectorAll('[aria-pressed="true"], .mark.selected')];
    expect(pressed()).toEqual([]);
    frame();
    // In the words, the heads, the points, and wherever the answer names them.
    const panes = pressed().map((element) => element.closest<HTMLElement>("[data-pane]")?.dataset.pane);
    expect(new Set(panes)).toEqual(new Set(["answer", "tokens", "heads", "scatter"]));
    const { header, buffer } = fixtures.head_map as { header: Record<string, unknown>; buffer: string };
    const said = () => root.querySelector('[data-pane="head"] .hint')?.textContent;
    model.emit("msg:custom", { ...header, id: asked?.id }, [fromBase64(buffer)]);
    frame();
    expect(said()).toBe("Head 1·0: shares of the mass of all paths.");
    click(root, '[data-action="clear"]');
    head?.dispatchEvent(new MouseEvent("click", { bubbles: true }));
    const again = model.sent.filter((message) => message.type === "head_map").at(-1);
    model.emit("msg:custom", { ...header, selection: again?.selection, id: again?.id }, [fromBase64(buffer)]);
    frame();
    expect(said()).toBe("Head 1·0: shares of the mass of the selected paths.");
  });

  it("asks again for what could not be told while the computation ran", () => {
    const { root, model } = mounted("partial");
    click(root, '[data-pane="tokens"] [data-token="1"]');
    const asked = () => model.sent.filter((message) => message.type === "condition");
    model.emit("msg:custom", { type: "error", id: asked()[0]?.id, message: "Ask again later." }, []);
    frame();
    expect(root.querySelector(".notice")?.textContent).toContain("Ask again later.");
    const old = model.values.summary as ExplanationHeader;
    model.values.summary = { ...old, revision: old.revision + 1, status: { ...old.status, state: "done" } };
    model.emit("change:revision");
    expect(asked().length).toBe(2);
    expect(root.dataset.conditioned).toBe("pending");
  });

  it("says so when no kernel answers", () => {
    const { root } = mounted("explanation");
    click(root, '[data-pane="flow"] [data-layer="0"]');
    click(root, '[data-pane="heads"] [data-layer="1"][data-head="0"]');
    vi.advanceTimersByTime(200_000);
    expect(root.dataset.conditioned).toBe("unavailable");
    // True also where a kernel runs that was started again.
    const sentence = "No kernel has answered. Unless it is busy, run the cell again.";
    for (const place of [".notice", '[data-pane="head"] .hint', '[data-pane="routes"]'])
      expect(root.querySelector(place)?.textContent).toContain(sentence);
    expect(root.querySelector("[data-error]")).toBeNull();
  });

  it("says in the place of each answer that the recording was given up, and keeps its picture", () => {
    const { root, model } = mounted("explanation");
    const entries = root.querySelectorAll(".entry").length;
    const ask = (token: number) => {
      model.values.selection = [{ layer: 1, head: 0 }, { token }];
      model.emit("change:selection");
      return ["condition", "head_map", "routes"].map((type) =>
        model.sent.filter((message) => message.type === type).at(-1),
      );
    };
    const [, first] = ask(1);
    const { header, buffer } = fixtures.head_map as { header: Record<string, unknown>; buffer: string };
    const map = { ...header, selection: first?.selection, id: first?.id };
    model.emit("msg:custom", map, [fromBase64(buffer)]);
    const message = "The recording was given up: run the cell again.";
    for (const request of ask(2)) model.emit("msg:custom", { type: "error", id: request?.id, message }, []);
    frame();
    const said = (place: string) => root.querySelector(place)?.textContent;
    expect(said(".notice")).toContain(`The numbers are those of all paths. ${message}`);
    expect(said('[data-pane="head"] .hint')).toBe(
      `Head 1·0: shares of the mass of the paths selected before. ${message}`,
    );
    expect(said('[data-pane="routes"]')).toContain(`${message} Below are the routes of all paths.`);
    expect(root.querySelectorAll(".entry")).toHaveLength(entries);
    expect(root.querySelectorAll('[data-pane="head"] figure')).toHaveLength(3);
    expect(root.querySelector("[data-error]")).toBeNull();
  });

  it("takes the end of the computation for the answer to Cancel", () => {
    const { root, model } = mounted("partial");
    click(root, '[data-action="cancel"]');
    const old = model.values.summary as ExplanationHeader;
    const status = { ...old.status, state: "cancelled" };
    model.values.summary = { ...old, revision: old.revision + 1, status };
    model.emit("change:revision");
    vi.advanceTimersByTime(200_000);
    expect(root.querySelector("[data-error]")).toBeNull();
  });

  it("says what to do when the kernel speaks another version, and draws nothing of it", () => {
    const { root, model } = mounted("explanation");
    const old = model.values.summary as ExplanationHeader;
    const status = { ...old.status, state: "running" } as const;
    const other = (version: number) => {
      model.values.summary = { ...old, revision: old.revision + 1, version, status };
      model.emit("change:revision");
      frame();
    };
    other(VERSION - 1);
    expect(root.querySelector("[data-error]")?.textContent).toContain("restart the kernel");
    expect(root.dataset.state).toBe("done");
    const { header } = fixtures.explanation as { header: ExplanationHeader };
    fixtures.foreign = { header: { ...header, version: VERSION + 1 }, buffer: "" };
    const foreign = mounted("foreign").root;
    expect(foreign.querySelector("[data-error]")?.textContent).toContain("reload the page");
    expect(foreign.querySelectorAll("[data-pane]")).toHaveLength(0);
    Reflect.deleteProperty(fixtures, "foreign");
  });

  it("shows a token that looks like HTML as text", () => {
    const { root, model } = mounted("explanation");
    const summary = structuredClone(model.values.summary) as ExplanationHeader;
    const token = summary.streams[0]?.tokens[0];
    if (token) token.text = "<script>window.harmed = 1</script>";
    model.values.summary = { ...summary, revision: summary.revision + 1 };
    model.emit("change:revision");
    frame();
    expect(root.querySelector('[data-token="0"]')?.textContent).toContain("<script>");
    expect(root.querySelector("script")).toBeNull();
  });

  it("says whose tokens are named below rows of two inputs", () => {
    const { root, model } = mounted("explanation");
    const legend = () => root.querySelector(".legend")?.textContent;
    expect(legend()).not.toContain("names =");
    const { streams, layers, revision, ...rest } = model.values.summary as ExplanationHeader;
    const tokens = streams[0]?.tokens ?? [];
    model.values.summary = {
      ...rest,
      revision: revision + 1,
      streams: ["encoder", "decoder"].map((name) => ({ name, tokens })),
      layers: layers.map((layer) => ({ ...layer, stream: layer.index > 0 ? 1 : 0 })),
    };
    model.emit("change:revision");
    frame();
    expect(legend()).toContain("tokens of the encoder; rows from layer 1 on have those of the decoder");
  });

  it("leaves nothing behind when it is removed", () => {
    const { model, el, stop } = mounted("explanation");
    stop.abort();
    expect(model.listeners()).toBe(0);
    expect(el.childNodes.length).toBe(0);
    const views = model.sent.filter(({ type }) => type === "shown" || type === "gone");
    expect(views).toEqual([
      { type: "shown", view: views[0]?.view, version: VERSION },
      { type: "gone", view: views[0]?.view, version: VERSION },
    ]);
  });
});
