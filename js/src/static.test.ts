// @vitest-environment happy-dom
import { readFileSync } from "node:fs";
import { beforeEach, describe, expect, it, vi } from "vitest";
import { mountApp } from "./app";
import type { Answer } from "./contract";
import { staticModel } from "./static";

const path = `${process.cwd()}/../tests/fixtures/messages.json`;
type Message = { header: Record<string, unknown>; buffer: string };
const fixtures = JSON.parse(readFileSync(path, "utf-8")) as Record<string, Message>;

/** A page with the given answers. */
function pageWith(answers: Record<string, unknown>): HTMLElement {
  const { header, buffer } = fixtures.explanation as Message;
  const root = document.createElement("div");
  const script = document.createElement("script");
  script.type = "application/json";
  script.dataset.semiringWidgets = "payload";
  script.textContent = JSON.stringify({ version: 1, summary: header, buffer, ...answers });
  root.append(script);
  document.body.replaceChildren(root);
  return root;
}

const chosen = { layer: null, branch: null, head: null, token: 1, stream: 0 };
const conditioned = fixtures.conditioned as Message;
const answers = { conditions: [{ ...conditioned, header: { ...conditioned.header, selection: chosen } }] };

beforeEach(() => vi.stubGlobal("requestAnimationFrame", (act: () => void) => setTimeout(act)));

describe("a page without a kernel", () => {
  it("shows before a click what has no answer, and does not take that click", async () => {
    const root = pageWith(answers);
    const stop = new AbortController();
    const shown = mountApp(staticModel(root), root, stop.signal);
    const token = (index: number) =>
      shown.querySelector<HTMLElement>(`[data-pane="tokens"] [data-token="${index}"]`);
    expect(token(1)?.getAttribute("aria-disabled")).toBeNull();
    expect(token(2)?.getAttribute("aria-disabled")).toBe("true");
    expect(shown.textContent).toContain("What is grey cannot be selected in this page");
    token(2)?.click();
    expect(shown.dataset.conditioned).toBe("none");
    token(1)?.click();
    await vi.waitFor(() => expect(shown.dataset.conditioned).toBe("ready"));
    await vi.waitFor(() => expect(shown.textContent).toMatch(/of the first \d+ routes of this ranking pass/));
    stop.abort();
  });

  it("answers for the routes of several parts too, and says of what it does not know the numbers", async () => {
    const model = staticModel(pageWith(answers));
    const heard: Answer[] = [];
    model.on("msg:custom", ((content: Answer) => heard.push(content)) as never);
    const selection = [chosen, { ...chosen, token: null, layer: 0, head: 0 }];
    model.send({ type: "routes", id: 1, by: "best", selection });
    model.send({ type: "condition", id: 2, selection });
    await vi.waitFor(() => expect(heard).toHaveLength(2));
    expect(heard.find(({ id }) => id === 1)?.type).toBe("routes");
    expect(heard.find(({ id }) => id === 2)).toMatchObject({
      type: "error",
      message: expect.stringContaining("one part at a time"),
    });
  });
});
