// @vitest-environment happy-dom
import { beforeEach, describe, expect, it, vi } from "vitest";
import { fromBase64 } from "./columns";
import { click, fixtures, frame, mounted } from "./fake-model";

beforeEach(() => {
  vi.useFakeTimers();
});

const UNANSWERED = "No kernel has answered";
// Milliseconds after which a kernel that was never heard counts as silent.
const LONG = 5_000;

describe("what was said to be unanswered, after the answer has come", () => {
  const HEAD = '[data-pane="heads"] [data-layer="1"][data-head="0"]';

  it.each([
    ["u", "units", ".inside ~ [role=status]"],
    ["p", "path", ".inside ~ [role=status]"],
    ["g", "group", ".groups"],
  ])("is no longer said: %s", (key, type, place) => {
    const { model, root } = mounted("answered");
    click(root, HEAD);
    frame();
    click(root, '[data-pane="tokens"] [data-token="1"]');
    frame();
    root.querySelector<HTMLElement>('[data-action="back"]')?.click();
    frame();
    if (type === "group") {
      const more = { bubbles: true, shiftKey: true };
      root
        .querySelector('[data-pane="tokens"] [data-token="1"]')
        ?.dispatchEvent(new MouseEvent("click", more));
      frame();
    }
    root.dispatchEvent(new KeyboardEvent("keydown", { key, bubbles: true }));
    frame();
    root
      .querySelector(".groups form")
      ?.dispatchEvent(new Event("submit", { bubbles: true, cancelable: true }));
    vi.advanceTimersByTime(LONG);
    expect(root.querySelector(place)?.textContent).toContain(UNANSWERED);
    const { id } = model.sent.find((one) => one.type === type) ?? expect.fail(`no ${type}`);
    const { header, buffer } = fixtures[type] ?? expect.fail("no fixture");
    model.emit("msg:custom", { ...(header as object), id }, [fromBase64(buffer)]);
    frame();
    expect(root.querySelector(place)?.textContent).not.toContain(UNANSWERED);
  });
});
