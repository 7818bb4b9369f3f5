/** For tests: the messages of the fixtures, as Python sends them. */

import { readFileSync } from "node:fs";
import { Columns, fromBase64 } from "../columns";
import type { OverlayHeader } from "./contract";

const path = `${process.cwd()}/../tests/fixtures/overlay.json`;
type Kind = "image" | "sound" | "methods";
export const sent = JSON.parse(readFileSync(path, "utf-8")) as Record<
  Kind,
  { header: OverlayHeader; buffer: string }
>;

export function given(kind: Kind): { header: OverlayHeader; columns: Columns } {
  const { header, buffer } = sent[kind];
  return { header, columns: new Columns(header.columns, fromBase64(buffer)) };
}
