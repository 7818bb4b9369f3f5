/** The Bokeh chart, loaded on demand: BokehJS comes from the installed Python package, never from a network. */

import { type Bytes, toBytes } from "../columns";
import type { ChartAnswer } from "../contract";
import { h } from "../dom";
import type { Questions } from "../questions";
import { EMPTY } from "../selection";
import { isAll, sameShown } from "../shown";
import type { State, Store } from "../store";

export interface Bokeh {
  version: string;
  embed: { embed_item(item: unknown, target: HTMLElement): Promise<Iterable<unknown> & { clear(): void }> };
}

declare global {
  interface Window {
    Bokeh?: Bokeh;
  }
}

export function mountChart(root: HTMLElement, store: Store, signal: AbortSignal, questions: Questions): void {
  let chart: ChartAnswer | null = null;
  let drawn: Paths | null = null;
  const button = h("button", { type: "button", "data-action": "chart" });
  const hint = h("span", { class: "hint" });
  const figure = h("div", { class: "figure" });
  root.append(h("h3", {}, "Flow by route and layer"), button, " ", hint, figure);
  const refused = (error: string) => store.update({ error });
  let views: Promise<{ clear(): void }> | undefined;
  // BokehJS keeps all that it was not told to drop.
  const clear = () => {
    void views?.then((drawn) => drawn.clear());
    figure.replaceChildren();
  };
  const draw = ({ theme }: State) => {
    if (chart === null || window.Bokeh === undefined) return;
    clear();
    views = window.Bokeh.embed.embed_item(theme === "dark" ? chart.dark : chart.item, figure);
  };
  signal.addEventListener("abort", clear);
  const say = (state: State) => {
    const wanted = chartable(state);
    root.hidden = state.charts === "none";
    write(button, isAll(wanted) ? "Draw the chart" : "Draw the chart of the selected paths");
    button.hidden = drawn !== null && samePaths(drawn, wanted);
    write(hint, drawn === null ? "" : said(drawn, wanted));
  };
  const load = (_: unknown, buffer: Bytes) => {
    loadBokeh(buffer)
      .then(() => draw(store.state))
      .catch((error: unknown) => refused(String(error)));
  };
  const answered = (answer: ChartAnswer, asked: Paths) => {
    [chart, drawn] = [answer, asked];
    say(store.state);
    if (window.Bokeh === undefined) questions.ask({ type: "bokehjs" }, { answered: load, refused });
    else draw(store.state);
  };
  button.addEventListener("click", () => {
    const asked = chartable(store.state);
    const { selection, avoiding, among } = asked;
    questions.ask(
      { type: "chart", selection, avoiding, among },
      { answered: (chart) => answered(chart, asked), refused },
    );
  });
  store.effect(draw, signal);
  store.effect(say, signal);
}

/** Which paths a chart shows: it is of exactly those that are selected, of one answer. */
interface Paths extends Pick<State, "selection" | "avoiding" | "among"> {
  /** The question that was answered; null where there is only one. */
  number: number | null;
}

const samePaths = (one: Paths, other: Paths): boolean => one.number === other.number && sameShown(one, other);

/** What a drawn chart shows, where others could be drawn now. */
function said(drawn: Paths, wanted: Paths): string {
  if (drawn.number !== wanted.number) return "This chart shows the answer to another question.";
  if (isAll(drawn)) return "This chart shows all paths.";
  return samePaths(drawn, wanted)
    ? "This chart shows selected paths."
    : "This chart shows an earlier selection.";
}

function write(element: HTMLElement, words: string): void {
  if (element.textContent !== words) element.textContent = words;
}

/** The paths of which a chart can be drawn now. */
const chartable = ({ charts, selection, avoiding, among, summary }: State): Paths => ({
  ...(charts === "selection"
    ? { selection, avoiding, among }
    : { selection: EMPTY, avoiding: EMPTY, among: EMPTY }),
  number: summary?.type === "explanation" ? (summary.inquiry?.number ?? null) : null,
});

/** Run BokehJS from its bytes, once per page. */
export async function loadBokeh(bytes: Bytes): Promise<void> {
  if (window.Bokeh !== undefined) return;
  const address = URL.createObjectURL(new Blob([toBytes(bytes) as BlobPart], { type: "text/javascript" }));
  await new Promise<void>((resolve, reject) => {
    const script = document.createElement("script");
    script.src = address;
    script.onload = () => resolve();
    script.onerror = () => reject(new Error("BokehJS could not be started"));
    document.head.append(script);
  });
  URL.revokeObjectURL(address);
}
