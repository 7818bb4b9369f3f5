/** A page without a kernel: the summary and prepared answers are in the page, and this answers requests. */

import { fromBase64, toBytes } from "./columns";
import type { Answer, ExplanationHeader, Page, Prepared, Ranking, Request, RoutesRequest } from "./contract";
import { through } from "./routes-through";
import { EMPTY, headOf, isEmpty, normalise, same } from "./selection";
import { asks } from "./tested";
import type { Model } from "./transport";

type Callback = (...args: unknown[]) => void;
type Answered = [Answer, ArrayBuffer | Uint8Array | null];

/** The model of the page that an element of it holds. */
export function pageModel(root: HTMLElement): Model {
  const script = root.querySelector('[data-semiring-widgets="payload"]');
  const page = JSON.parse(script?.textContent ?? "{}") as Page;
  const values: Record<string, unknown> = {
    summary: page.summary,
    summary_buffer: fromBase64(page.buffer),
    selection: EMPTY,
    theme: "auto",
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
      void answer(root, page, request).then(([header, buffer]) => {
        for (const listener of listeners)
          listener({ ...header, id: request.id }, buffer === null ? [] : [buffer]);
      });
    },
    tested: (question) => {
      const held = page.answers.test?.map(({ header }) => (header.type === "test" ? header.test : null));
      return held?.find((test) => test !== null && test.by === "reference" && asks(question, test)) ?? null;
    },
    charts: page.answers.chart === undefined ? "none" : "all",
    holds: (selection) => {
      const head = headOf(selection);
      return (
        isEmpty(selection) ||
        (prepared(page, { type: "condition", selection }) !== undefined &&
          (head === null || prepared(page, { type: "head_map", ...head, selection }) !== undefined))
      );
    },
  };
}

async function answer(root: HTMLElement, page: Page, request: Request): Promise<Answered> {
  if (request.type === "bokehjs") return bokehjs(root);
  if (request.type === "routes") {
    const ranking = rankingOf(page, request);
    if (ranking !== undefined) return [{ ...request, id: 0, ranking }, null];
  }
  const found = prepared(page, request);
  if (found !== undefined) return [found.header, fromBase64(found.buffer)];
  return refused(refusal(request));
}

/** The prepared answer to a request: about its selection, or else about all paths. */
function prepared(page: Page, request: Request): Prepared | undefined {
  const asked = Object.entries(request).filter(
    ([key]) => !["type", "id", "version", "selection"].includes(key),
  );
  const fitting = page.answers[request.type]?.filter(({ header }) =>
    asked.every(([key, value]) => Reflect.get(header, key) === value),
  );
  const about = (selection: unknown) =>
    fitting?.find(({ header }) => same(normalise(Reflect.get(header, "selection")), normalise(selection)));
  return about(Reflect.get(request, "selection")) ?? about(EMPTY);
}

function rankingOf(page: Page, request: RoutesRequest): Ranking | undefined {
  const { by, selection } = request;
  const summary = page.summary as ExplanationHeader;
  const long = prepared(page, { ...request, selection: EMPTY })?.header;
  const ranking =
    long?.type === "routes" ? long.ranking : summary.rankings.find((ranking) => ranking.by === by);
  return ranking && !isEmpty(selection) ? through(ranking, selection, summary.layers) : ranking;
}

/** BokehJS is packed in the page: 0.4 MB for 1.3. */
async function bokehjs(root: HTMLElement): Promise<Answered> {
  const element = root.querySelector<HTMLElement>('[data-semiring-widgets="bokehjs"]');
  if (element === null) return refused("This page was written without its chart.");
  const packed = new Blob([toBytes(fromBase64(element.textContent ?? "")) as BlobPart]);
  const stream = packed.stream().pipeThrough(new DecompressionStream("gzip"));
  const bytes = await new Response(stream).arrayBuffer();
  return [{ type: "bokehjs", id: 0, version: element.dataset.version ?? "" }, bytes];
}

const refused = (message: string): Answered => [{ type: "error", id: 0, message }, null];

function refusal(request: Request): string {
  if (request.type === "condition" && request.selection.length > 1) {
    return "This page knows the numbers of one part at a time; a notebook knows those of several.";
  }
  return "This page does not hold that: it needs a notebook.";
}
