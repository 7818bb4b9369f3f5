// @vitest-environment happy-dom
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { fromBase64 } from "./columns";
import type { Answer, ExplanationHeader } from "./contract";
import { click, fixtures, frame, mounted, placed } from "./fake-model";
import { familiesShown } from "./families-shown";
import { spread } from "./layout/numbers";
import { partOf } from "./selection";
import { EVERYTHING, passesSieve, sifted, sizeNeeded, turned } from "./sieve";

const HEAD = '[data-pane="heads"] [data-layer="1"][data-head="0"]';
const OTHER = { layer: 0, head: 1 };

beforeEach(() => {
  vi.useFakeTimers();
});
afterEach(() => {
  vi.useRealTimers();
});

/** The answer of a fixture to the last request of its kind. */
function reply(model: ReturnType<typeof mounted>["model"], type: string, change: object = {}) {
  const kind = { condition: "conditioned" }[type] ?? type;
  const { id } = [...model.sent].reverse().find((one) => one.type === type) as { id: number };
  const { header, buffer } = fixtures[kind] ?? expect.fail(`no ${kind}`);
  model.emit("msg:custom", { ...(header as Answer), id, ...change }, [fromBase64(buffer)]);
  frame();
}

const asked = (model: ReturnType<typeof mounted>["model"], type: string) =>
  [...model.sent].reverse().find((one) => one.type === type);

describe("what is selected", () => {
  it("is said with share, contribution and the number of paths of exactly these", () => {
    const { model, root } = mounted("answered");
    click(root, HEAD);
    frame();
    reply(model, "condition", { selection: [partOf({ layer: 1, head: 0 })] });
    const text = root.querySelector(".meaning")?.textContent ?? "";
    expect(text).toContain("Only paths through head 1·0: 61 % of all mass");
    expect(text).toContain("contribution +0.75, spread over about 10⁵ equally strong paths");
  });

  it.each([
    [0, "effectively one path"],
    [Math.log(37.4), "about 37 equally strong paths"],
    [150.9, "about 10⁶⁶ equally strong paths"],
  ])("has a spread of %d nats in words", (entropy, words) => expect(spread(entropy)).toBe(words));
});

describe("groups", () => {
  const grouped = () => {
    const { model, root } = mounted("answered");
    click(root, HEAD);
    frame();
    placed(root, "heads", OTHER).dispatchEvent(new MouseEvent("click", { bubbles: true, shiftKey: true }));
    frame();
    root.dispatchEvent(new KeyboardEvent("keydown", { key: "g", bubbles: true }));
    frame();
    const input = root.querySelector<HTMLInputElement>(".groups input") ?? expect.fail("no name asked for");
    return { model, root, input };
  };

  it("are made of the selected parts, under a name that is typed", () => {
    const { model, root, input } = grouped();
    expect(input.value).toBe("group 1");
    input.value = "movers";
    const before = model.sent.length;
    // A letter of a name is no command.
    input.dispatchEvent(new KeyboardEvent("keydown", { key: "t", bubbles: true }));
    expect(model.sent.length).toBe(before);
    root.querySelector("form")?.dispatchEvent(new Event("submit", { bubbles: true, cancelable: true }));
    const parts = [partOf({ layer: 1, head: 0 }), partOf(OTHER)];
    expect(asked(model, "group")).toMatchObject({ name: "movers", selection: parts });
    reply(model, "group");
    const chip = root.querySelector(".chip.group") ?? expect.fail("no chip");
    expect(chip.textContent).toContain("2 parts, 25 % of mass, contribution +1.5");
    expect(asked(model, "condition")).toMatchObject({ selection: [], avoiding: [] });
    expect(asked(model, "condition")?.among).toHaveLength(2);
    expect(chip.querySelector('[aria-pressed="true"]')?.textContent).toBe("movers");
    root.dispatchEvent(new KeyboardEvent("keydown", { key: "t", bubbles: true }));
    expect(asked(model, "test")).toMatchObject({ by: "reference", steps: [] });
    expect(asked(model, "test")?.selection).toHaveLength(2);
    chip.querySelector<HTMLElement>('[data-action="ungroup"]')?.click();
    expect(asked(model, "group")).toMatchObject({ name: "movers", selection: [] });
    reply(model, "group", { groups: [] });
    expect(root.querySelector(".chip.group")).toBeNull();
    expect(root.dataset.among).toBe("[]");
  });

  it("get no name with Escape, and the selection stays", () => {
    const { root, input } = grouped();
    input.dispatchEvent(new KeyboardEvent("keydown", { key: "Escape", bubbles: true }));
    frame();
    expect(root.querySelector(".groups input")).toBeNull();
    expect(JSON.parse(root.dataset.selection ?? "")).toHaveLength(2);
  });
});

describe("groups and another question", () => {
  const OTHERS = { layer: 0, branch: null, head: 1, token: null, stream: 0 };
  const named = (name: string) => ({ name, parts: [OTHERS], share: 0.25, entropy: 1, contribution: 1.5 });
  const inquiry = (number: number) => ({
    number,
    attempts: number,
    arguments: [],
    status: null,
    wrong: "",
    past: [],
  });

  /** The widget with two groups, the second selected, and the answer to another question. */
  function askedAgain(groups: readonly object[], state = "done") {
    const view = mounted("answered");
    const arrives = (change: object) => {
      const summary = view.model.values.summary as ExplanationHeader;
      view.model.values.summary = { ...summary, ...change, revision: summary.revision + 1 };
      view.model.emit("change:revision");
      frame();
    };
    arrives({
      groups: [named("kept"), { ...named("gone"), parts: [partOf({ token: 1 })] }],
      inquiry: inquiry(1),
    });
    view.root.querySelectorAll<HTMLElement>('[data-action="group"]')[1]?.click();
    frame();
    const { status } = view.model.values.summary as ExplanationHeader;
    arrives({ groups, inquiry: inquiry(2), status: { ...status, state } });
    return {
      ...view,
      arrives,
      chips: () => [...view.root.querySelectorAll(".chip.group .name")].map((e) => e.textContent),
    };
  }

  it("stay where they came with the answer; of the others a sentence tells", () => {
    const { root, chips } = askedAgain([{ ...named("kept"), share: 0.5 }]);
    expect(chips()).toEqual(["kept"]);
    expect(root.querySelector(".chip.group")?.textContent).toContain("50 % of mass");
    expect(root.querySelector(".groups")?.textContent).toContain("This answer is without the group “gone”");
    expect(root.dataset.among).toBe("[]");
  });

  it("are waited for until the answer is complete", () => {
    const { root, chips, arrives, model } = askedAgain([], "running");
    expect(root.querySelector(".groups")?.textContent).not.toContain("without");
    const { status } = model.values.summary as ExplanationHeader;
    arrives({ groups: [named("kept"), named("gone")], status: { ...status, state: "done" } });
    expect(chips()).toEqual(["kept", "gone"]);
    expect(root.querySelector(".groups")?.textContent).not.toContain("without");
  });

  it("have their routes ranked", () => {
    const { model, root } = askedAgain([named("kept"), named("gone")]);
    root.querySelector<HTMLElement>('[data-action="group"]')?.click();
    frame();
    expect(asked(model, "routes")).toMatchObject({ selection: [], avoiding: [], among: [OTHERS] });
    expect(root.textContent).toContain("looking for routes");
    reply(model, "routes", { by: "contribution", selection: [], among: [OTHERS] });
    expect(root.textContent).toContain("Routes through the selection");
    expect(root.textContent).not.toContain("looking for routes");
  });
});

describe("drilling down", () => {
  it("shows the units of the selected head, the strongest first", () => {
    const { model, root } = mounted("answered");
    click(root, HEAD);
    root.dispatchEvent(new KeyboardEvent("keydown", { key: "u", bubbles: true }));
    expect(asked(model, "units")).toMatchObject({ selection: [partOf({ layer: 1, head: 0 })] });
    reply(model, "units");
    const rows = [...root.querySelectorAll("[data-units] tbody tr")];
    expect(rows.map((row) => row.querySelector("th")?.textContent)).toEqual(["1", "0", "2"]);
    expect(rows[0]?.textContent).toContain("−2.00");
    const slider = root.querySelector<HTMLInputElement>("[data-units] input") ?? expect.fail("no slider");
    slider.value = "1";
    slider.dispatchEvent(new Event("input", { bubbles: true }));
    frame();
    expect(root.querySelectorAll("[data-units] tbody tr")).toHaveLength(1);
    expect(root.querySelector("[data-units] output")?.textContent).toBe("1 of 3");
  });

  it("follows the strongest path of the selection, with the product so far", () => {
    const { model, root } = mounted("answered");
    click(root, HEAD);
    root.dispatchEvent(new KeyboardEvent("keydown", { key: "p", bubbles: true }));
    expect(asked(model, "path")).toMatchObject({ steps: [], avoiding: [] });
    reply(model, "path");
    const rows = [...root.querySelectorAll("[data-walked] tbody tr")].map((row) => row.textContent);
    expect(rows[0]).toMatch(/mm.*head 2·1, value, at The.*−0.5.*−0.5/s);
    expect(rows).toHaveLength(2);
  });
});

describe("the sieve", () => {
  const strengths = Float32Array.from([1, 0.5, -0.8, Number.NaN, 0.1, 3]);

  it("keeps the strongest few, and what has a share of the strongest", () => {
    const few = sifted({ ...EVERYTHING, most: 2 }, strengths);
    expect([...few].map((value) => Math.round(10 * value) / 10)).toEqual([1, 0, -0.8, Number.NaN, 0, 3]);
    expect([...sifted({ ...EVERYTHING, least: 0.2 }, strengths)][1]).toBeCloseTo(0.5);
    expect([...sifted({ ...EVERYTHING, least: 0.3 }, strengths)][1]).toBe(0);
    expect(sifted(EVERYTHING, strengths)).toBe(strengths);
    expect(sizeNeeded({ ...EVERYTHING, most: 3 }, [])).toBe(0);
  });

  it("leaves out kinds, of places and of routes", () => {
    const without = turned(EVERYTHING, "MLP");
    expect(turned(without, "MLP")).toEqual(EVERYTHING);
    expect([...sifted(without, strengths, (place) => place !== 0)].slice(0, 2)).toEqual([0, 0.5]);
    const step = { layer: 0, head: null, source: 1, target: 1 };
    expect(passesSieve(without, [{ ...step, branch: "mlp" }])).toBe(false);
    expect(passesSieve(without, [{ ...step, branch: "skip" }])).toBe(true);
    expect(passesSieve(turned(EVERYTHING, "skip"), [{ ...step, branch: "skip" }])).toBe(false);
  });

  it("says its value, and hides routes that are too small", () => {
    const { root } = mounted("answered");
    const all = root.querySelectorAll("[data-family][role=button]").length;
    const slider = root.querySelector<HTMLInputElement>('[data-sieve="most"]') ?? expect.fail("no slider");
    slider.value = "1";
    slider.dispatchEvent(new Event("input", { bubbles: true }));
    frame();
    expect(root.querySelector(".sieve output")?.textContent).toBe("the 1 strongest");
    expect(slider.getAttribute("aria-valuetext")).toBe("the 1 strongest");
    expect(root.querySelectorAll("[data-family][role=button]")).toHaveLength(1);
    root.querySelector<HTMLElement>('[data-action="everything"]')?.click();
    frame();
    expect(root.querySelectorAll("[data-family][role=button]")).toHaveLength(all);
    const { header } = fixtures.answered ?? expect.fail("no fixture");
    const { rankings } = header as ExplanationHeader;
    const ranking = rankings.find(({ by }) => by === "contribution") ?? expect.fail("none");
    expect(familiesShown(EVERYTHING, ranking)).toHaveLength(all);
  });
});
