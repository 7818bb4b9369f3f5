/** The Bokeh chart, loaded on demand: BokehJS comes from the installed Python package, never from a network. */

import { type Bytes, toBytes } from "../columns";
import type { ChartAnswer } from "../contract";
import { h } from "../dom";
import type { Questions } from "../questions";
import { EMPTY, isEmpty, same } from "../selection";
import type { State, Store } from "../store";

export interface Bokeh {
  version: string;
  embed: { embed_item(item: unknown, target: HTMLElement): Promise<unknown> };
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
  const draw = ({ theme }: State) => {
    if (chart === null || window.Bokeh === undefined) return;
    figure.replaceChildren();
    void window.Bokeh.embed.embed_item(theme === "dark" ? chart.dark : chart.item, figure);
  };
  const say = (state: State) => {
    const wanted = chartable(state);
    root.hidden = state.charts === "none";
    button.textContent = isAll(wanted) ? "Draw the chart" : "Draw the chart of the selected paths";
    button.hidden = drawn !== null && samePaths(drawn, wanted);
    hint.textContent =
      drawn === null ? "" : isAll(drawn) ? "This chart shows all paths." : "This chart shows selected paths.";
    if (drawn !== null && !isAll(drawn) && !samePaths(drawn, wanted))
      hint.textContent = "This chart shows an earlier selection.";
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
    questions.ask({ type: "chart", ...asked }, { answered: (chart) => answered(chart, asked), refused });
  });
  store.effect(draw, signal);
  store.effect(say, signal);
}

/** Which paths a chart shows: it is of exactly those that are selected. */
type Paths = Pick<State, "selection" | "avoiding" | "among">;

const isAll = ({ selection, avoiding, among }: Paths): boolean =>
  isEmpty(selection) && isEmpty(avoiding) && isEmpty(among);

const samePaths = (one: Paths, other: Paths): boolean =>
  same(one.selection, other.selection) && same(one.avoiding, other.avoiding) && same(one.among, other.among);

/** The paths of which a chart can be drawn now. */
const chartable = ({ charts, selection, avoiding, among }: State): Paths =>
  charts === "selection"
    ? { selection, avoiding, among }
    : { selection: EMPTY, avoiding: EMPTY, among: EMPTY };

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
