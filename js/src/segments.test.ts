// @vitest-environment happy-dom
import { beforeEach, expect, it, vi } from "vitest";
import type { ExplanationHeader } from "./contract";
import { fixtures, mounted } from "./fake-model";

beforeEach(() => vi.useFakeTimers());

it("names each text of a pair, or who says a message, before its first token", () => {
  const { header, buffer } = fixtures.explanation ?? expect.fail("no fixture");
  const known = header as ExplanationHeader;
  const segments = [
    { name: "user", begins: 1 },
    { name: "assistant", begins: 4 },
  ];
  const streams = known.streams.map((stream) => ({ ...stream, segments }));
  fixtures.segmented = { header: { ...known, streams }, buffer };
  const { root } = mounted("segmented");
  const said = [...root.querySelectorAll('[data-pane="tokens"] .sentence > *')].map((one) =>
    one.matches(".segment") ? `${one.textContent}:` : one.getAttribute("data-token"),
  );
  expect(said.slice(0, 7)).toEqual(["0", "user:", "1", "2", "3", "assistant:", "4"]);
  expect(mounted("explanation").root.querySelector(".segment")).toBeNull();
});
