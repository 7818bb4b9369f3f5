// @vitest-environment happy-dom
import { beforeEach, describe, expect, it, vi } from "vitest";
import { VERSION } from "../contract";
import { FakeModel, fixtures, frame } from "../fake-model";
import { sent } from "./fixtures";
import { mountOverlay } from "./view";

beforeEach(() => {
  vi.useFakeTimers({ toFake: ["requestAnimationFrame", "setTimeout"] });
  Object.assign(fixtures, sent);
});

function mounted(kind: keyof typeof sent, change: (model: FakeModel) => void = () => {}) {
  const model = new FakeModel(kind);
  change(model);
  document.body.replaceChildren();
  const stop = new AbortController();
  const root = mountOverlay(model as never, document.body, stop.signal);
  frame();
  const rover = (pane: string) =>
    root.querySelector<HTMLElement>(`[data-pane="${pane}"] .rover`) ?? expect.fail(pane);
  const press = (pane: string, ...keys: string[]) => {
    for (const key of keys) rover(pane).dispatchEvent(new KeyboardEvent("keydown", { key, bubbles: true }));
    frame();
  };
  const text = (selector: string) => root.querySelector(selector)?.textContent?.replace(/\s+/g, " ").trim();
  return { model, root, stop, rover, press, text };
}

describe("the view of a picture", () => {
  it("says the answer as text, whatever stands in it", () => {
    const { root, text } = mounted("image");
    expect(text("h2")).toBe("The score of <i>ring</i> is +2.5 (logit).");
    expect(root.querySelector("h2 em")?.textContent).toBe("<i>ring</i>");
    expect(root.querySelector("h2 i")).toBeNull();
  });

  it("goes from cell to cell, chooses one, and says which heads read it", () => {
    const { root, model, press, rover, text } = mounted("image");
    expect(rover("picture").getAttribute("aria-label")).toContain("row 1, column 1: effect −1");
    press("picture", "ArrowRight", "ArrowDown", "ArrowLeft", "ArrowLeft", "ArrowRight", "Enter");
    expect(rover("picture").getAttribute("aria-label")).toContain("row 2, column 2");
    expect(rover("picture").getAttribute("aria-pressed")).toBe("true");
    expect(text(".notice")).toContain("effect +2 logit (tested)");
    expect(text(".notice")).toContain("Most paths from there enter head 0·1 (1.7 %)");
    expect(JSON.parse(root.dataset.selection ?? "")).toHaveLength(1);
    expect(model.values.selection).toMatchObject([{ token: 5, layer: null }]);
    expect(text('[data-pane="layers"] .caption')).toBe("share of all paths at the chosen patch");
    press("picture", "Escape");
    expect(model.values.selection).toEqual([]);
  });

  it("shows the map of a head that is chosen, and a measure again", () => {
    const { root, press, rover, text } = mounted("image");
    press("layers", "ArrowDown", "ArrowDown", "ArrowRight", "Enter");
    expect(text('[data-pane="picture"] h3')).toMatch(/^head 0·0 share of all paths/);
    expect(rover("picture").getAttribute("aria-label")).toBe("row 1, column 1: head 0·0, 0.83 %");
    const select = root.querySelector("select") ?? expect.fail("no choice");
    select.value = "entropy";
    select.dispatchEvent(new Event("change"));
    frame();
    expect(text('[data-pane="picture"] h3')).toBe("spread of its paths entropy");
    expect(text(".notice")).toMatch(/^Choose a patch/);
  });

  it("follows what Python selects", () => {
    const { model, press, text } = mounted("image", (model) => {
      model.values.selection = [{ token: 2 }];
    });
    expect(text(".notice")).toContain("row 1, column 3");
    model.values.selection = [{ layer: 0, head: 1 }];
    model.emit("change:selection");
    frame();
    expect(text(".notice")).toContain("head 0·1: 40 % of all paths pass it");
    press("layers", "Escape");
    expect(model.values.selection).toEqual([]);
  });

  it("has the same numbers as tables, once they are unfolded", () => {
    const { root } = mounted("image");
    expect(root.querySelectorAll("details tbody tr")).toHaveLength(0);
    const details = root.querySelector("details") ?? expect.fail("no tables");
    details.open = true;
    details.dispatchEvent(new Event("toggle"));
    frame();
    expect(root.querySelectorAll("details tbody tr")).toHaveLength(12 + 3);
    expect(root.querySelector("details tbody td")?.textContent).toBe("+2 logit");
    root.querySelector<HTMLElement>('details [data-token="0"]')?.click();
    frame();
    expect(root.querySelector('details [data-token="0"]')?.getAttribute("aria-pressed")).toBe("true");
  });

  it("draws a chosen route and takes it back", () => {
    const { root } = mounted("image");
    const route = () => root.querySelector<HTMLElement>("[data-route]") ?? expect.fail("no route");
    for (const pressed of ["true", "false"]) {
      route().click();
      frame();
      expect(route().getAttribute("aria-pressed")).toBe(pressed);
    }
  });

  it("shows frames of a sound, and methods without layers", () => {
    const sound = mounted("sound");
    expect(sound.rover("sound").getAttribute("aria-label")).toContain("frame 1, 0 to 0.0416 s");
    const methods = mounted("methods");
    expect(methods.root.querySelector('[data-pane="layers"]')).toBeNull();
    expect(methods.root.querySelector("b")).toBeNull();
    expect(methods.text(".scrolled")).toContain("mine failed: <b>no maps</b>.");
  });

  it("refuses the numbers of another version", () => {
    const { text } = mounted("image", (model) => {
      (model.values.summary as { version: number }).version = VERSION + 1;
    });
    expect(text('[role="alert"]')).toContain("different versions");
  });

  it("leaves nothing behind", () => {
    const { model, root, stop } = mounted("image");
    stop.abort();
    expect(root.isConnected).toBe(false);
    expect(model.listeners()).toBe(0);
  });
});
