// @vitest-environment happy-dom
import { beforeEach, describe, expect, it, vi } from "vitest";
import { COMMANDS, commandOf, modeOf } from "./commands";
import { click, frame, mounted } from "./fake-model";

beforeEach(() => vi.useFakeTimers());

const held = { shiftKey: false, altKey: false, ctrlKey: false, metaKey: false };

describe("the registry of commands", () => {
  it("has no key twice, and every command by keyboard", () => {
    const keys = COMMANDS.flatMap(({ presses }) =>
      presses.map(({ key, shift, alt, control }) => [key, shift, alt, control].join()),
    );
    expect(new Set(keys).size).toBe(keys.length);
    for (const { keys: named } of COMMANDS) expect(named).not.toBe("");
  });

  it.each([
    [{ key: "Enter" }, "choose"],
    [{ key: " " }, "choose"],
    [{ key: "Enter", shiftKey: true }, "add"],
    [{ key: " ", metaKey: true }, "add"],
    [{ key: "Enter", altKey: true }, "exclude"],
    [{ key: "Enter", altKey: true, shiftKey: true }, null],
    [{ key: "Escape" }, "clear"],
    [{ key: "[" }, "back"],
    // On a German keyboard.
    [{ key: "]", altKey: true, ctrlKey: true }, "forward"],
    [{ key: "T" }, "test"],
    [{ key: "t", ctrlKey: true }, null],
    [{ key: "?", shiftKey: true }, "help"],
    [{ key: "ArrowUp" }, "move"],
    [{ key: "ArrowUp", shiftKey: true }, "move"],
    [{ key: "ArrowLeft", altKey: true }, null],
    [{ key: "a" }, null],
  ])("reads %j", (event, name) => {
    expect(commandOf({ ...held, ...event })).toBe(name);
  });

  it("reads clicks as it reads Enter", () => {
    for (const [how, mode] of [
      [{}, "alone"],
      [{ shiftKey: true }, "add"],
      [{ ctrlKey: true }, "add"],
      [{ altKey: true }, "exclude"],
    ] as const)
      expect(modeOf({ ...held, ...how })).toBe(mode);
  });

  it("is the list behind the question mark", () => {
    const { root } = mounted("answered");
    const press = (key: string) => {
      root.dispatchEvent(new KeyboardEvent("keydown", { key, bubbles: true }));
      frame();
    };
    expect(root.querySelector(".gestures")).toBeNull();
    press("?");
    const rows = [...root.querySelectorAll(".gestures tbody tr")].map((row) => row.textContent);
    expect(rows).toHaveLength(COMMANDS.length);
    for (const { does, keys } of COMMANDS)
      expect(rows.some((row) => row?.includes(does) && row.includes(keys))).toBe(true);
    // The first Escape is for the list.
    click(root, '[data-pane="tokens"] [data-token="1"]');
    press("Escape");
    expect(root.querySelector(".gestures")).toBeNull();
    expect(root.dataset.selection).not.toBe("[]");
    press("Escape");
    expect(root.dataset.selection).toBe("[]");
  });
});

describe("the selection", () => {
  const key = (element: Element | null | undefined, name: string, how: object = {}) =>
    element?.dispatchEvent(new KeyboardEvent("keydown", { key: name, bubbles: true, ...how }));

  it("goes back and forward, by keys and by buttons, and Python hears of it", () => {
    const { root, model } = mounted("answered");
    click(root, '[data-pane="tokens"] [data-token="1"]');
    click(root, '[data-pane="tokens"] [data-token="2"]');
    key(root, "[");
    expect(model.get("selection")).toMatchObject([{ token: 1 }]);
    frame();
    click(root, '[data-action="forward"]');
    expect(model.get("selection")).toMatchObject([{ token: 2 }]);
    key(root, "[");
    key(root, "[");
    key(root, "[");
    expect(model.get("selection")).toEqual([]);
    frame();
    expect(root.querySelector('[data-action="back"]')?.getAttribute("aria-disabled")).toBe("true");
    expect(root.querySelector('[data-action="forward"]')?.getAttribute("aria-disabled")).toBe("false");
  });

  it("leaves parts out: asks for the paths that do not pass them, and says so", () => {
    const { root, model } = mounted("answered");
    const token = root.querySelector('[data-pane="tokens"] [data-token="1"]');
    key(token, "Enter", { altKey: true });
    const asked = (type: string) => model.sent.filter((message) => message.type === type).at(-1);
    for (const type of ["condition", "routes"])
      expect(asked(type)).toMatchObject({ selection: [], avoiding: [{ token: 1 }] });
    frame();
    expect(root.querySelector(".notice")?.textContent).toContain("Asking for paths not from keys");
    expect(root.querySelector(".chip")?.textContent?.replace(/\s+/g, " ")).toContain("not from keys");
    click(root, '[data-pane="heads"] [data-layer="1"][data-head="0"]');
    // A plain click is about that part alone.
    expect(asked("head_map")).toMatchObject({ layer: 1, head: 0, avoiding: [] });
  });
});
