/** A page without a kernel: the summary and prepared answers are in the page, and this answers requests. */

import { fromBase64 } from "./columns";
import { normalise, same } from "./selection";
import type { Model } from "./transport";

interface Prepared {
  header: Record<string, unknown>;
  buffer: string;
}

interface Payload {
  summary: unknown;
  buffer: string;
  theme?: string;
  selection?: unknown;
  head_maps?: Prepared[];
  conditions?: Prepared[];
  routes?: Prepared[];
  chart?: { item: unknown; dark: unknown; version: string } | null;
}

type Callback = (...args: unknown[]) => void;

export function staticModel(root: HTMLElement): Model {
  const script = root.querySelector('[data-semiring-widgets="payload"]');
  const payload = JSON.parse(script?.textContent ?? "{}") as Payload;
  const bokeh = root.querySelector<HTMLElement>('[data-semiring-widgets="bokehjs"]');
  const values: Record<string, unknown> = {
    summary: payload.summary,
    summary_buffer: fromBase64(payload.buffer),
    selection: payload.selection ?? null,
    theme: payload.theme ?? "auto",
    revision: 1,
  };
  const listeners = new Set<Callback>();
  const answer = (request: Record<string, unknown>): [Record<string, unknown>, Uint8Array | null] => {
    const found = prepared(payload, request);
    if (found !== undefined) return [found.header, fromBase64(found.buffer)];
    if (request.type === "chart" && payload.chart) return [{ type: "chart", ...payload.chart }, null];
    if (request.type === "bokehjs" && bokeh !== null) {
      return [{ type: "bokehjs", version: bokeh.dataset.version }, fromBase64(bokeh.textContent ?? "")];
    }
    return [
      { type: "error", message: "This page holds no answer to that: it needs a running kernel." },
      null,
    ];
  };
  return {
    get: (name) => values[name],
    set: (name, value) => {
      values[name] = value;
    },
    save_changes: () => {},
    on: (name, callback) => {
      if (name === "msg:custom") listeners.add(callback as Callback);
    },
    off: (_, callback) => {
      listeners.delete(callback as Callback);
    },
    send: (content) => {
      const request = content as Record<string, unknown>;
      if (["pull", "cancel", "shown", "gone"].includes(String(request.type))) return;
      const [header, buffer] = answer(request);
      queueMicrotask(() => {
        for (const listener of listeners)
          listener({ ...header, id: request.id }, buffer === null ? [] : [buffer]);
      });
    },
  };
}

function prepared(payload: Payload, request: Record<string, unknown>): Prepared | undefined {
  if (request.type === "head_map") {
    return payload.head_maps?.find(
      ({ header }) => header.layer === request.layer && header.head === request.head,
    );
  }
  const wanted = normalise(request.selection);
  const chosen = ({ header }: Prepared) => same(normalise(header.selection), wanted);
  if (request.type === "condition") return payload.conditions?.find(chosen);
  if (request.type === "routes")
    return payload.routes?.find((one) => one.header.by === request.by && chosen(one));
  return undefined;
}
