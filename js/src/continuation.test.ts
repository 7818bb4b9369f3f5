// @vitest-environment happy-dom
import { beforeEach, describe, expect, it, vi } from "vitest";
import type { ExplanationHeader } from "./contract";
import { frame, mounted } from "./fake-model";

describe("a target of several pieces", () => {
  beforeEach(() => vi.useFakeTimers());

  it("stands apart from the text that it goes on with", () => {
    const { root, model } = mounted("explanation");
    const old = model.values.summary as ExplanationHeader;
    const apart = () =>
      [...root.querySelectorAll<HTMLElement>('[data-pane="tokens"] .token.said')].map(
        ({ dataset }) => dataset.token,
      );
    expect(apart()).toEqual([]);
    const last = (old.streams[0]?.tokens.length ?? 0) - 2;
    model.values.summary = {
      ...old,
      revision: old.revision + 1,
      score: { ...old.score, continuation: last },
    };
    model.emit("change:revision");
    frame();
    expect(apart()).toEqual([String(last), String(last + 1)]);
    expect(root.querySelector(".token.said")?.getAttribute("aria-label")).toMatch(/^asked for, /);
  });
});
