import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import type { ExplanationHeader } from "./contract";
import { fragmentOf, shownBy } from "./fragment";
import { EMPTY, normalise } from "./selection";

const path = `${process.cwd()}/../tests/fixtures/messages.json`;
const summary = JSON.parse(readFileSync(path, "utf-8")).explanation.header as ExplanationHeader;

const NOTHING = { selection: EMPTY, avoiding: EMPTY, among: EMPTY, measure: null };

describe("the address of a page", () => {
  it.each([
    [[{ token: 2 }], [], null, "paths=t2"],
    [[{ token: 2 }, { layer: 1, head: 1 }], [], "mass", "paths=t2,l1h1&show=mass"],
    [[], [{ layer: 0, branch: "mlp" }], null, "not=l0m"],
    [[{ layer: 1, branch: "value", head: 0, token: 3 }], [{ token: 1 }], null, "paths=l1vh0t3&not=t1"],
    [[], [], null, ""],
  ])("says %j without %j, and is read back", (parts, around, measure, fragment) => {
    const shown = { selection: normalise(parts), avoiding: normalise(around), among: EMPTY, measure };
    expect(fragmentOf(shown)).toBe(fragment);
    expect(shownBy(fragment, summary)).toEqual(shown);
    expect(shownBy(`#${fragment}`, summary)).toEqual(shown);
  });

  it.each([
    "",
    "#",
    "section-3",
    "paths=",
    "paths=,,,",
    "paths=t999999,l99,l0h99,x7,__proto__,t-1,t1.5",
    "not=%E0%A4%A",
    "show=<script>&paths=%00",
    "paths=s,q,h1,i1",
    `paths=${"t1e9,".repeat(5000)}`,
    "show=constructor",
  ])("means nothing where it is rubbish: %s", (fragment) => {
    expect(shownBy(fragment, summary)).toEqual(NOTHING);
  });

  it("keeps of two that contradict each other what is left out, and of rubbish what is right", () => {
    expect(shownBy("paths=t1,t2&not=t1", summary)).toEqual({
      selection: normalise([{ token: 2 }]),
      avoiding: normalise([{ token: 1 }]),
      among: EMPTY,
      measure: null,
    });
    expect(shownBy("paths=zzz,t2,t2&show=nonsense", summary).selection).toEqual(normalise([{ token: 2 }]));
  });
});
