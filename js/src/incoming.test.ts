import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { type Summary, VERSION } from "./contract";
import { FIELDS } from "./contract-fields";
import { anotherVersion, isAnswer, isSummary } from "./incoming";

const path = `${process.cwd()}/../tests/fixtures/messages.json`;
const fixtures = JSON.parse(readFileSync(path, "utf-8")) as Record<string, { header: Summary }>;

describe("a message", () => {
  it.each(Object.entries(fixtures))("that Python sends, %s, has the fields of its type", (_, { header }) => {
    expect(Object.keys(header).sort()).toEqual(FIELDS[header.type].split(" ").sort());
    expect(isSummary(header)).toBe("version" in header);
    expect(isAnswer(header)).toBe("id" in header);
  });

  it.each([null, undefined, 3, "pull", {}, { type: "update" }, { type: null }])("is not %j", (message) => {
    expect(isSummary(message) || isAnswer(message)).toBe(false);
  });

  it.each([
    [VERSION + 1, "reload the page, and if that does not help install semiring_widgets again"],
    [VERSION - 1, "restart the kernel, and run the cell again"],
  ])("of version %d is told apart, with what to do", (version, ways) => {
    const { header } = fixtures.explanation ?? expect.fail();
    expect(anotherVersion(header)).toBeNull();
    expect(anotherVersion({ ...header, version })).toContain(ways);
  });
});
