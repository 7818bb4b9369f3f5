/** The Bokeh chart, loaded on demand: BokehJS comes from the installed Python package, never from a network. */

import { type Bytes, toBytes } from "../columns";
import { h } from "../dom";
import { isEmpty, normalise, same } from "../selection";
import type { Store } from "../store";

interface Bokeh {
  version: string;
  embed: { embed_item(item: unknown, target: HTMLElement): Promise<unknown> };
}

declare global {
  interface Window {
    Bokeh?: Bokeh;
  }
}

export function mountChart(root: HTMLElement, store: Store, signal: AbortSignal): void {
  const attributes = { type: "button", "data-action": "chart", "data-lm-suppress-shortcuts": "true" };
  const button = h("button", attributes);
  const hint = h("span", { class: "hint" });
  const figure = h("div", { class: "figure" });
  root.append(h("h3", {}, "Flow by route and layer"), button, " ", hint, figure);
  store.effect(({ chart, bokeh, theme }) => {
    if (chart === null || !bokeh) return;
    figure.replaceChildren();
    void window.Bokeh?.embed.embed_item(theme === "dark" ? chart.dark : chart.item, figure);
  }, signal);
  store.effect(({ chart, selection }) => {
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
  }, signal);
}

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
