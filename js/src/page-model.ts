/** A page without a kernel: the summary and prepared answers are in the page, and this answers requests. */

import { fromBase64, toBytes } from "./columns";
import type { ExplanationHeader, RankedBy, Request, RoutesAnswer, Selection } from "./contract";
import { through } from "./routes-through";
import { headOf, isEmpty, normalise, same } from "./selection";
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
  /** Of all paths, and longer than those of the summary. */
  routes?: Prepared[];
  chart?: { item: unknown; dark: unknown; version: string } | null;
}

type Callback = (...args: unknown[]) => void;
type Answered = [Record<string, unknown>, ArrayBuffer | Uint8Array | null];

export function staticModel(root: HTMLElement): Model {
  const script = root.querySelector('[data-semiring-widgets="payload"]');
  const payload = JSON.parse(script?.textContent ?? "{}") as Payload;
  const values: Record<string, unknown> = {
    summary: payload.summary,
    summary_buffer: fromBase64(payload.buffer),
    selection: payload.selection ?? null,
    theme: payload.theme ?? "auto",
    revision: 1,
  };
  const listeners = new Set<Callback>();
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
      const request = content as Request & { id: number };
      if (["pull", "cancel", "shown", "gone"].includes(request.type)) return;
      void answer(root, payload, request).then(([header, buffer]) => {
        for (const listener of listeners)
          listener({ ...header, id: request.id }, buffer === null ? [] : [buffer]);
      });
    },
    charts: payload.chart ? "all" : "none",
    holds: (selection) => isEmpty(selection) || holds(payload, selection),
  };
}

async function answer(root: HTMLElement, payload: Payload, request: Request): Promise<Answered> {
  if (request.type === "bokehjs") return bokehjs(root);
  if (request.type === "chart" && payload.chart) return [{ type: "chart", ...payload.chart }, null];
  if (request.type === "routes") {
    const found = routes(payload, request.by, request.selection);
    if (found !== undefined) return [{ ...found }, null];
  }
  let found: Prepared | undefined;
  if (request.type === "condition") found = condition(payload, request.selection);
  if (request.type === "head_map") found = headMap(payload, request.layer, request.head);
  if (found !== undefined) return [found.header, fromBase64(found.buffer)];
  return [{ type: "error", message: refusal(request) }, null];
}

/** Whether all that a click asks for is there: the flow, and the map of a head. */
function holds(payload: Payload, selection: Selection): boolean {
  const head = headOf(selection);
  return (
    condition(payload, selection) !== undefined &&
    (head === null || headMap(payload, head.layer, head.head) !== undefined)
  );
}

function headMap(payload: Payload, layer: number, head: number): Prepared | undefined {
  return payload.head_maps?.find(({ header }) => header.layer === layer && header.head === head);
}

function condition(payload: Payload, selection: Selection): Prepared | undefined {
  return payload.conditions?.find(({ header }) => same(normalise(header.selection), selection));
}

function routes(payload: Payload, by: RankedBy, selection: Selection): RoutesAnswer | undefined {
  const summary = payload.summary as ExplanationHeader;
  const prepared = payload.routes?.find(({ header }) => header.by === by)?.header as RoutesAnswer | undefined;
  const ranking = prepared?.ranking ?? summary.rankings.find((one) => one.by === by);
  if (ranking === undefined) return undefined;
  const shown = isEmpty(selection) ? ranking : through(ranking, selection, summary.layers);
  return { type: "routes", id: 0, by, selection, ranking: shown };
}

/** BokehJS is packed in the page: 0.4 MB for 1.3. */
async function bokehjs(root: HTMLElement): Promise<Answered> {
  const element = root.querySelector<HTMLElement>('[data-semiring-widgets="bokehjs"]');
  if (element === null) return [{ type: "error", message: "This page was written without its chart." }, null];
  const packed = new Blob([toBytes(fromBase64(element.textContent ?? "")) as BlobPart]);
  const stream = packed.stream().pipeThrough(new DecompressionStream("gzip"));
  const bytes = await new Response(stream).arrayBuffer();
  return [{ type: "bokehjs", version: element.dataset.version }, bytes];
}

function refusal(request: Request): string {
  if (request.type === "condition" && request.selection.length > 1) {
    return "This page knows the numbers of one part at a time; a notebook knows those of several.";
  }
  return "This page does not hold that: it needs a notebook.";
}
