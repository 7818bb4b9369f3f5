/** A page without a kernel: the summary and prepared answers are in the page, and this answers requests. */

import { fromBase64, toBytes } from "./columns";
import type {
  Answer,
  ExplanationHeader,
  Page,
  Prepared,
  Ranking,
  Request,
  RoutesRequest,
  Selection,
} from "./contract";
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
  // Asked of every cell.
  const [conditions, maps] = (["condition", "head_map"] as const).map(
    (type) =>
      new Set(
        // Of two explanations side by side, a page has one answer for both.
        (page.answers[type] ?? (type === "condition" ? page.answers.both : undefined))?.map(({ header }) =>
          keyOf(normalise(Reflect.get(header, "selection")), header),
        ),
      ),
  );
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
    addressed: true,
    charts: page.answers.chart === undefined ? "none" : "all",
    holds: (selection) => {
      if (isEmpty(selection)) return true;
      if (conditions?.has(keyOf(selection)) !== true) return false;
      const head = headOf(selection);
      // The map of all paths stands in for that of the selection.
      return (
        head === null || maps?.has(keyOf(selection, head)) === true || maps?.has(keyOf(EMPTY, head)) === true
      );
    },
  };
}

/** A selection, and the head of a map, in one word: the order of parts does not matter. */
function keyOf(selection: Selection, place: object = {}): string {
  const parts = selection.map(({ layer, branch, head, token, stream }) =>
    [layer, branch, head, token, stream].join(":"),
  );
  return [...parts.sort(), Reflect.get(place, "layer"), Reflect.get(place, "head")].join(" ");
}

async function answer(root: HTMLElement, page: Page, request: Request): Promise<Answered> {
  if (request.type === "bokehjs") return bokehjs(root);
  if (request.type === "routes") {
    const ranking = rankingOf(page, request);
    if (ranking !== undefined)
      return [{ type: "routes", by: request.by, selection: request.selection, id: 0, ranking }, null];
  }
  const found = isEmpty(aroundOf(request)) ? prepared(page, request) : undefined;
  if (found !== undefined) return [found.header, fromBase64(found.buffer)];
  return refused(refusal(request));
}

/** What a request leaves out; it need not say so. */
const aroundOf = (request: Request): Selection =>
  (Reflect.get(request, "avoiding") as Selection | undefined) ?? EMPTY;

/** The prepared answer to a request: about its selection, or else about all paths. */
function prepared(page: Page, request: Request): Prepared | undefined {
  const asked = Object.entries(request).filter(
    ([key]) => !["type", "id", "version", "selection", "avoiding", "among"].includes(key),
  );
  const amongOf = (one: object) => normalise(Reflect.get(one, "among") ?? EMPTY);
  const fitting = page.answers[request.type]?.filter(
    ({ header }) =>
      asked.every(([key, value]) => Reflect.get(header, key) === value) &&
      same(amongOf(header), amongOf(request)),
  );
  const about = (selection: unknown) =>
    fitting?.find(({ header }) => same(normalise(Reflect.get(header, "selection")), normalise(selection)));
  const whole = request.type === "units" ? undefined : about(EMPTY);
  return about(Reflect.get(request, "selection")) ?? whole;
}

function rankingOf(page: Page, request: RoutesRequest): Ranking | undefined {
  const { by, selection } = request;
  const avoiding = aroundOf(request);
  const summary = page.summary as ExplanationHeader;
  const long = prepared(page, { ...request, selection: EMPTY })?.header;
  const ranking =
    long?.type === "routes" ? long.ranking : summary.rankings.find((ranking) => ranking.by === by);
  if (ranking === undefined || (isEmpty(selection) && isEmpty(avoiding))) return ranking;
  return through(ranking, selection, summary.layers, avoiding);
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
  if (request.type === "condition" && request.selection.length + aroundOf(request).length > 1) {
    return "This page knows the numbers of one part at a time; a notebook knows those of several.";
  }
  return "This page does not hold that: it needs a notebook.";
}
