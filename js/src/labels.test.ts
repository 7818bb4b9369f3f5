import { afterEach, expect, test, vi } from "vitest";
import { shortened } from "./labels";

afterEach(() => vi.unstubAllGlobals());

test.each([
  ["keys", 4, "keys"],
  ["straightforward", 6, "strai…"],
  ["世界世界", 5, "世界…"],
  ["🙂🙂🙂", 4, "🙂…"],
  ["👩‍👧👩‍👧👩‍👧", 5, "👩‍👧👩‍👧…"],
  ["🇫🇷🇩🇪🇮🇹", 4, "🇫🇷…"],
  ["e\u0301e\u0301e\u0301", 2, "e\u0301…"],
  ["كتابكتاب", 4, "كتا…"],
])("%s in %i columns is %s", (text, columns, short) => {
  expect(shortened(text, columns)).toBe(short);
});

test("without a segmenter no character is cut in half", () => {
  vi.stubGlobal("Intl", {});
  expect(shortened("🙂🙂🙂", 4)).toBe("🙂…");
});
