// @vitest-environment happy-dom
import { beforeEach, describe, expect, it, vi } from "vitest";
import type { ExplanationHeader, Reference, Test } from "./contract";
import { part, STEPS } from "./fake-answer";
import { choose, click, element, frame, mounted, unfold } from "./fake-model";
import { fieldOf } from "./fields/field";

/** The widget with another summary. */
function shown(change: (summary: ExplanationHeader) => Partial<ExplanationHeader> = () => ({})) {
  const view = mounted("answered");
  const summary = view.model.values.summary as ExplanationHeader;
  view.model.values.summary = { ...summary, ...change(summary), revision: summary.revision + 1 };
  view.model.emit("change:revision");
  frame();
  return view;
}

const texts = (root: Element, selector: string) =>
  [...root.querySelectorAll(selector)].map((element) => element.textContent?.replace(/\s+/g, " ").trim());

beforeEach(() => vi.useFakeTimers());

describe("the answer", () => {
  it("comes first, with the score and what it is compared with below", () => {
    const { root } = shown();
    expect(texts(root, "h2")).toEqual(["The model says are rather than is, mostly because of keys."]);
    expect(texts(root, ".tells")).toEqual(["Head 1·1 reads to at the blank."]);
    expect(texts(root, ".headline")[0]).toContain(
      "logit(are) - logit(is) at [MASK] = 3.25 compared with [MASK] in the place of every token (score −0.50)",
    );
  });

  it("is the score where there is no other", () => {
    const { root } = shown(() => ({ answer: [] }));
    expect(texts(root, "h2")).toEqual(["logit(are) - logit(is) at [MASK] = 3.25"]);
    expect(root.querySelector("[data-score]")).toBeNull();
  });

  it("names parts that light up in the pictures, and are chosen by a click", () => {
    const { root, model } = shown();
    const named = root.querySelector('.named[data-layer="1"]');
    named?.dispatchEvent(new MouseEvent("pointerover", { bubbles: true }));
    frame();
    const marks = (pane: string) => root.querySelectorAll(`[data-pane="${pane}"] .mark.pointed`).length;
    expect(marks("heads")).toBe(1);
    // A sentence is about all of its parts.
    root.querySelector(".tells")?.dispatchEvent(new MouseEvent("pointerover", { bubbles: true }));
    frame();
    const lit = [...root.querySelectorAll(".token.preview")].map((e) => e.getAttribute("aria-label"));
    expect(lit.map((label) => label?.split(":")[0])).toEqual(["to"]);
    expect(marks("heads")).toBe(1);
    root.dispatchEvent(new MouseEvent("pointerleave"));
    frame();
    expect(root.querySelectorAll(".mark, .preview")).toHaveLength(0);
    click(root, ".named");
    expect(model.get("selection")).toEqual([part({ token: 1 })]);
  });
});

describe("the switch", () => {
  it("drives words, cells, heads and MLPs together", () => {
    const { root } = shown();
    const label = (selector: string) => element(root, selector)?.getAttribute("aria-label");
    const all = () => [
      label('[data-pane="tokens"] [data-token="1"]'),
      label('[data-pane="flow"] [data-layer="1"][data-token="1"]'),
      label('[data-pane="heads"] [data-layer="1"][data-head="1"]'),
      label('[data-pane="heads"] [data-layer="1"][data-branch="mlp"]'),
    ];
    expect(all()).toEqual([
      "keys: effect +4 (tested, predicted +2.5)",
      "keys at layer 1: contribution +2 (estimated, not tested)",
      "head 1·1: effect +3.5 (tested, predicted +3)",
      "MLP of layer 1: effect +0.5 (tested, predicted +0.4)",
    ]);
    choose(root, "mass");
    for (const said of all()) expect(said).toContain("share of mass");
    choose(root, "best");
    for (const said of all()) expect(said).toContain("best path");
    choose(root, "entropy");
    expect(all()[0]).toContain("entropy");
    expect(all()[2]).toContain("share of mass");
    expect(texts(root, '[data-pane="routes"] .caption')).toEqual(["by mass: there is no ranking by entropy"]);
  });

  it("has one signed scale in the reasons, with its ends", () => {
    const { root } = shown();
    expect(texts(root, ".scale-of-all")[0]).toBe("for is −8.0+8.0 for are one scale for all pictures");
    const token = root.querySelector('[data-pane="tokens"] [data-token="1"]');
    expect(token?.getAttribute("style")).toBe(`--tint:${Math.sqrt(4 / 8).toFixed(3)}`);
    expect(token?.getAttribute("data-value")).toBe("+4.0");
    choose(root, "entropy");
    // Entropies are all far from zero, which means nothing: from the lowest to the highest.
    expect(texts(root, ".scale-of-all")[0]).toBe("the lowestthe highest in each picture");
    const tints = [...root.querySelectorAll<HTMLElement>('[data-pane="tokens"] .token')].map(
      (element) => element.getAttribute("style") ?? "",
    );
    expect(tints).toContain("--tint:0.000");
    expect(tints).toContain("--tint:1.000");
  });

  it("says what each pane has, tested or estimated", () => {
    const { root } = shown();
    expect(texts(root, ":is([data-pane=tokens], [data-pane=flow], [data-pane=heads]) .caption")).toEqual([
      "effect, tested",
      "effect where tested, else contribution",
      "effect, tested",
    ]);
  });

  it("offers no reasons where nothing was tested, and says so", () => {
    const { root } = mounted("untested");
    expect(root.querySelector<HTMLInputElement>('[value="reasons"]')?.disabled).toBe(true);
    expect(root.querySelector<HTMLInputElement>('[value="mass"]')?.checked).toBe(true);
    expect(root.querySelector(".choices")?.textContent).toContain("No effects were tested");
  });
});

describe("the routes", () => {
  it("are families with one number in words, which unfold", () => {
    const { root } = shown();
    expect(texts(root, ".entry .way")[0]).toBe("to → table");
    expect(texts(root, ".entry .how")[0]).toBe("head 1·1 reads to at table");
    expect(texts(root, ".entry .fact")[0]).toBe("+2.3");
    expect(root.querySelector('[data-pane="routes"]')?.textContent).not.toContain("->");
    expect(root.querySelector(".entry")?.getAttribute("data-tip")).toContain("V·L1·H1");
    click(root, ".unfold");
    frame();
    expect(texts(root, ".variant .way")).toEqual(["past all MLPs", "through the MLP of layer 0"]);
    expect(texts(root, ".else .fact")).toHaveLength(1);
  });

  it("are lines: the first one shown, another when it is chosen, ending in the score", () => {
    const { root } = shown();
    const lead = () => root.querySelector<SVGElement>(".route.lead")?.dataset.family;
    expect(lead()).toBe("0");
    expect(texts(root, ".route.lead .hop")).toEqual(["head 1·1"]);
    expect(texts(root, ".pill")).toEqual(["are, not is +3.3"]);
    click(root, '[data-pane="routes"] [data-family="1"]');
    frame();
    expect(lead()).toBe("1");
    const dashed = [...root.querySelectorAll<SVGElement>(".route.negative")].map((e) => e.dataset.family);
    expect(dashed).toEqual(["2", "1"]);
    expect(texts(root, ".pill")).toEqual(["are, not is +3.3, in spite of this"]);
  });

  it("say what the model says where the score is negative", () => {
    const { root } = shown(({ score }) => ({ score: { ...score, value: -3.25 } }));
    expect(texts(root, ".pill")).toEqual(["is, not are (−3.3 for are), in spite of this"]);
  });
});

describe("a rule", () => {
  it("is told where it is not the gradient", () => {
    expect(texts(shown().root, "[data-rules]")).toEqual([]);
    const { root } = shown(() => ({ rules: "secant" }));
    const words = "an edge carries the finite difference to the reference";
    expect(texts(root, "[data-rules]")).toEqual([`${words} (rules secant)`]);
    unfold(root);
    expect(root.querySelector(".totals")?.textContent).toContain("finite difference to the reference");
    expect(texts(shown(() => ({ rules: "own" })).root, "[data-rules]").join()).toContain("rule “own”");
  });
});

describe("a second text", () => {
  it("stands below the first, what differs is marked, and each word can be chosen", () => {
    const { root, model } = shown(({ streams }) => {
      const tokens = (streams[0]?.tokens ?? []).map((token) => ({
        ...token,
        text: token.index === 1 ? "key" : token.text,
      }));
      const extra = { ...(tokens[0] ?? expect.fail("no token")), index: 9, text: "there" };
      const reference: Reference = {
        ...{ kind: "text", label: "the other text", score: -3 },
        streams: [{ name: "input", tokens: [...tokens, extra], segments: [] }],
        aligned: [[0, 1, 2, 3, -1, 5, 6, 7, 8]],
      };
      return { reference };
    });
    expect(texts(root, ".reference.different")).toEqual(["key", "cabinet", "there"]);
    expect(root.querySelectorAll(".gap")).toHaveLength(3);
    click(root, '.reference[data-token="1"]');
    expect(model.get("selection")).toEqual([part({ token: 1 })]);
    frame();
    expect(root.querySelectorAll('[data-pane="tokens"] [aria-pressed="true"]')).toHaveLength(2);
  });
});

describe("the scatter", () => {
  it("has a point for each tested part, which chooses it", () => {
    const { root, model } = shown();
    const { face } = fieldOf(root.querySelector('[data-pane="scatter"] .field')) ?? expect.fail("no field");
    // The keyboard goes from left to right.
    expect(face?.ends(0)).toEqual([0, 17]);
    expect(face?.spoken(17).label).toBe("head 1·1: predicted +3.0, actual +3.5");
    const { left = 0, top = 0 } = face?.box(17) ?? {};
    expect(face?.at(left + 7, top + 7)).toBe(17);
    expect(face?.at(left - 30, top + 7)).not.toBe(17);
    expect(texts(root, "[data-correlations]")).toEqual(["Rank correlation: heads 0.93."]);
    click(root, '[data-pane="scatter"] [data-layer="1"][data-head="1"]');
    expect(model.get("selection")).toEqual([part({ layer: 1, head: 1 })]);
  });

  it("is hidden where nothing was tested", () => {
    expect(mounted("untested").root.querySelector<HTMLElement>('[data-pane="scatter"]')?.hidden).toBe(true);
  });
});

describe("a selection", () => {
  it("is a chip for each part, which takes it back, with what was measured", () => {
    const { root, model } = shown();
    expect(texts(root, ".notice")[0]).toContain("Shift-click adds another");
    click(root, '[data-pane="tokens"] [data-token="1"]');
    frame();
    expect(texts(root, ".facts")).toEqual([
      "Tested: without it +3.3 → −0.75, says is (effect +4.0, predicted +2.5)",
    ]);
    const head = element(root, '[data-pane="heads"] [data-layer="1"][data-head="1"]');
    head?.dispatchEvent(new MouseEvent("click", { bubbles: true, shiftKey: true }));
    frame();
    expect(texts(root, ".chip")).toEqual(["from keys ×", "through head 1·1 ×"]);
    expect(texts(root, ".facts")).toEqual([""]);
    click(root, ".chip button");
    expect(model.get("selection")).toEqual([part({ layer: 1, head: 1 })]);
  });

  it("says what is estimated where it was not tested", () => {
    const { root } = shown();
    click(root, '[data-pane="flow"] [data-layer="1"][data-token="1"]');
    frame();
    expect(texts(root, ".facts")).toEqual(["Contribution +2.0, not tested"]);
  });
});

describe("a test", () => {
  const log = (root: Element) => texts(root, ".tests li");

  it("of a single part is answered at once, and kept first", () => {
    const { root, model } = shown();
    expect(log(root)[0]).toContain("keys → [MASK]");
    click(root, '[data-pane="heads"] [data-layer="1"][data-head="1"]');
    frame();
    click(root, '.notice [data-action="test"]');
    frame();
    expect(log(root)[0]).toMatch(/^head 1·1 ?\+3.3 → −0.25 ?says is ?effect \+3.5 ?, predicted \+3.0$/);
    expect(model.sent.some(({ type }) => type === "test")).toBe(false);
  });

  it("of several parts or of a route is asked, one after the other", () => {
    const { root, model } = shown();
    const cell = '[data-pane="flow"] [data-layer="1"][data-token="1"]';
    click(root, cell);
    frame();
    click(root, '.notice [data-action="test"]');
    click(root, cell);
    frame();
    click(root, '[data-pane="routes"] [data-action="test"]');
    click(root, '[data-pane="routes"] [data-action="test"]');
    const asked = () => model.sent.filter(({ type }) => type === "test");
    expect(asked()).toMatchObject([
      { selection: [part({ layer: 1, token: 1 })], steps: [], by: "reference" },
    ]);
    frame();
    expect(texts(root, '[data-pane="tests"] [role="status"]')).toEqual([
      "Testing layer 1 at keys, a route …",
    ]);
    const test = {
      ...{ parts: [part({ layer: 1, token: 1 })], steps: [], by: "reference", label: "layer 1 at keys" },
      ...{ before: 3.25, after: 3.2, predicted: null },
    };
    model.emit("msg:custom", { type: "test", id: asked()[0]?.id, test }, []);
    frame();
    expect(log(root)[0]).toMatch(/^layer 1 at keys.*no change.*predicted –$/);
    expect(asked()[1]).toMatchObject({ selection: [], steps: STEPS });
    const message = "This route cannot be tested.";
    model.emit("msg:custom", { type: "error", id: asked()[1]?.id, message }, []);
    frame();
    expect(texts(root, '[data-pane="tests"] [role="status"]')).toEqual([message]);
  });

  it("shows the largest effects before there is any", () => {
    const { root } = shown(() => ({ tests: [] }));
    expect(log(root)[0]).toContain("keys");
    expect(log(root)).toHaveLength(5);
  });
});

describe("the numbers of a word", () => {
  const line = (root: Element) => texts(root, "[data-estimates]").join("");

  it("are told apart in one line, with the word that each puts first", () => {
    const { root } = shown();
    expect(line(root)).toMatch(
      /^The first word by effect \(measured: [^)]*\) keys; by contribution \([^)]*\) keys; by share of mass/,
    );
    expect(line(root)).toMatch(
      /by best path \([^)]*\) \S+\. Where they differ, only the effect was measured\.$/,
    );
  });

  it("do not claim to be measured where nothing was", () => {
    const { root } = mounted("untested");
    frame();
    expect(line(root)).toContain("by share of mass");
    expect(line(root)).not.toContain("measured");
  });
});

describe("routes and what they add up to", () => {
  const together = (root: Element) => texts(root, ".together").join("");
  const alone: Test = {
    parts: [],
    steps: [...STEPS],
    by: "reference",
    label: "a route",
    before: 3.25,
    after: -5,
    predicted: 2.25,
  };

  it("say why a measured route may be worth more than all together", () => {
    expect(together(shown().root)).toMatch(/^All routes together: \S+\.$/);
    const { root } = shown(() => ({ tests: [alone] }));
    expect(together(root)).toContain("a route that was tested alone was measured");
  });

  it("are named in the legend of the picture while one is drawn", () => {
    const legend = (root: Element) => texts(root, '[data-pane="flow"] .legend').join("");
    expect(legend(shown().root)).toContain("the first of the routes below");
    const { root } = shown(() => ({ rankings: [] }));
    expect(root.querySelector('[data-pane="flow"] .routes .line')).toBeNull();
    expect(legend(root)).toBe("");
  });
});
