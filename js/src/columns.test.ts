import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { Columns, fromBase64 } from "./columns";
import type { Summary } from "./contract";

interface Fixture {
  header: { type: string } & Summary;
  buffer: string;
}
const fixtures = JSON.parse(
  readFileSync(new URL("../../tests/fixtures/messages.json", import.meta.url), "utf-8"),
) as Record<string, Fixture>;

describe("columns", () => {
  it.each(Object.keys(fixtures))("decodes the message %s that Python sends", (name) => {
    const { header, buffer } = fixtures[name] as Fixture;
    const columns = new Columns(header.columns ?? [], fromBase64(buffer));
    for (const column of header.columns ?? []) {
      expect(columns.get(column.name)?.data.length).toBe(column.shape.reduce((a, b) => a * b, 1));
    }
  });

  it("addresses by index and reads NaN outside", () => {
    const buffer = new Float32Array([1, 2, 3, 4, 5, 6]).buffer;
    const columns = new Columns(
      [{ name: "a", shape: [2, 3], dtype: "float32", offset: 0, nbytes: 24 }],
      buffer,
    );
    expect(columns.at("a", 1, 0)).toBe(4);
    expect(columns.at("a", 2, 0)).toBeNaN();
    expect(columns.at("missing", 0)).toBeNaN();
  });

  it("refuses a buffer that belongs to another header", () => {
    const column = { name: "a", shape: [4], dtype: "float32", offset: 0, nbytes: 16 } as const;
    expect(() => new Columns([{ ...column, shape: [4] }], new ArrayBuffer(8))).toThrow(RangeError);
  });
});
