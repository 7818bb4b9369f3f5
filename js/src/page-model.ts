/** A page without a kernel: the summary and prepared answers are in the page, and this answers requests. */

import { fromBase64 } from "./columns";
import type { Answer, ExplanationHeader, Page, Ranking, Request, RoutesRequest, Selection } from "./contract";
import { written } from "./fragment";
import { type Answers, gunzipped, type Held, unpacked } from "./packed-answers";
import { through } from "./routes-through";
import { EMPTY, headOf, isEmpty, normalise, partOf, same } from "./selection";
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
  const [conditions, maps] = (["condition", "head_map"] as const).map((type) => new Set(page.held[type]));
  let known: Promise<Answers> | null = null;
  const answers = () => {
    known ??= unpacked(root);
    return known;
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
      const request = content as Request & { id: number };
      if (["pull", "cancel", "shown", "gone", "left"].includes(request.type)) return;
      const found = answers().then((held) => answer(root, page, held, request));
      void found.catch(unreadable).then(([header, buffer]) => {
        for (const listener of listeners)
          listener({ ...header, id: request.id }, buffer === null ? [] : [buffer]);
      });
    },
    tested: (question) => page.tests.find((test) => test.by === "reference" && asks(question, test)) ?? null,
    addressed: true,
    charts: page.held.chart === undefined ? "none" : "all",
    holds: (selection) => {
      if (isEmpty(selection)) return true;
      if (conditions?.has(keyOf(selection)) !== true) return false;
      const head = headOf(selection);
      // The map of all paths stands in for that of the selection.
      return head === null || maps?.has(written(partOf(head))) === true;
    },
  };
}

/** A selection in one word, in whatever order its parts are. */
const keyOf = (selection: Selection): string => selection.map(written).sort().join(",");

async function answer(root: HTMLElement, page: Page, answers: Answers, request: Request): Promise<Answered> {
  if (request.type === "bokehjs") return bokehjs(root);
  if (request.type === "routes") {
    const ranking = rankingOf(page, answers, request);
    const asked = { by: request.by, selection: request.selection, among: request.among };
    if (ranking !== undefined) return [{ ...asked, type: "routes", id: 0, ranking }, null];
  }
  const found = isEmpty(aroundOf(request)) ? prepared(answers, request) : undefined;
  if (found !== undefined) return [found.header, found.buffer];
  return refused(refusal(request));
}

/** What a request leaves out; it need not say so. */
const aroundOf = (request: Request): Selection =>
  (Reflect.get(request, "avoiding") as Selection | undefined) ?? EMPTY;

/** The prepared answer to a request: about its selection, or else about all paths. */
function prepared(answers: Answers, request: Request): Held | undefined {
  const asked = Object.entries(request).filter(
    ([key]) => !["type", "id", "version", "selection", "avoiding", "among"].includes(key),
  );
  const amongOf = (one: object) => normalise(Reflect.get(one, "among") ?? EMPTY);
  const fitting = answers[request.type]?.filter(
    ({ header }) =>
      asked.every(([key, value]) => Reflect.get(header, key) === value) &&
      same(amongOf(header), amongOf(request)),
  );
  const about = (selection: unknown) =>
    fitting?.find(({ header }) => same(normalise(Reflect.get(header, "selection")), normalise(selection)));
  const whole = request.type === "units" ? undefined : about(EMPTY);
  return about(Reflect.get(request, "selection")) ?? whole;
}

function rankingOf(page: Page, answers: Answers, request: RoutesRequest): Ranking | undefined {
  const { by, selection } = request;
  const avoiding = aroundOf(request);
  const among = normalise(request.among);
  const summary = page.summary as ExplanationHeader;
  const long = prepared(answers, { ...request, selection: EMPTY, among: EMPTY })?.header;
  const ranking =
    long?.type === "routes" ? long.ranking : summary.rankings.find((ranking) => ranking.by === by);
  if (ranking === undefined || (isEmpty(selection) && isEmpty(avoiding) && isEmpty(among))) return ranking;
  return through(ranking, selection, summary.layers, avoiding, among);
}

/** BokehJS is packed in the page: 0.4 MB for 1.3. */
async function bokehjs(root: HTMLElement): Promise<Answered> {
  const element = root.querySelector<HTMLElement>('[data-semiring-widgets="bokehjs"]');
  if (element === null) return refused("This page was written without its chart.");
  const bytes = await gunzipped(fromBase64(element.textContent ?? ""));
  return [{ type: "bokehjs", id: 0, version: element.dataset.version ?? "" }, bytes];
}

const unreadable = (error: unknown): Answered =>
  refused(`The answers in this page could not be read: ${String(error)}.`);

const refused = (message: string): Answered => [{ type: "error", id: 0, message }, null];

function refusal(request: Request): string {
  if (request.type === "condition" && request.selection.length + aroundOf(request).length > 1) {
    return "This page knows the numbers of single parts and of the likeliest pairs; a notebook knows all others.";
  }
  return "This page does not hold that: it needs a notebook.";
}
