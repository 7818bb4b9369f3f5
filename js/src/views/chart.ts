/** The Bokeh chart, loaded on demand: BokehJS comes from the installed Python package, never from a network. */

import { type Bytes, toBytes } from "../columns";
import type { ChartAnswer, Selection } from "../contract";
import { h } from "../dom";
import type { Questions } from "../questions";
import { EMPTY, isEmpty, normalise, same } from "../selection";
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
  const attributes = { type: "button", "data-action": "chart", "data-lm-suppress-shortcuts": "true" };
  const button = h("button", attributes);
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
    const selection = chartable(state);
    root.hidden = state.charts === "none";
    const drawn = chart === null ? null : normalise(chart.selection ?? []);
    button.textContent = isEmpty(selection) ? "Draw the chart" : "Draw the chart of the selected paths";
    button.hidden = drawn !== null && same(drawn, selection);
    hint.textContent =
      drawn === null
        ? ""
        : isEmpty(drawn)
          ? "This chart shows all paths."
          : "This chart shows selected paths.";
    if (drawn !== null && !isEmpty(drawn) && !same(drawn, selection))
      hint.textContent = "This chart shows an earlier selection.";
  };
  const load = (_: unknown, buffer: Bytes) => {
    loadBokeh(buffer)
      .then(() => draw(store.state))
      .catch((error: unknown) => refused(String(error)));
  };
  const answered = (answer: ChartAnswer) => {
    chart = answer;
    say(store.state);
    if (window.Bokeh === undefined) questions.ask({ type: "bokehjs" }, { answered: load, refused });
    else draw(store.state);
  };
  button.addEventListener("click", () =>
    questions.ask({ type: "chart", selection: chartable(store.state) }, { answered, refused }),
  );
  store.effect(draw, signal);
  store.effect(say, signal);
}

/** The selection of which a chart can be drawn now. */
const chartable = ({ charts, selection }: State): Selection => (charts === "selection" ? selection : EMPTY);

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
