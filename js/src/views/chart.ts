/** The Bokeh chart, loaded on demand: BokehJS comes from the installed Python package, never from a network. */

import { type Bytes, toBytes } from "../columns";

interface Bokeh {
  version: string;
  embed: { embed_item(item: unknown, target: HTMLElement): Promise<unknown> };
}

declare global {
  interface Window {
    Bokeh?: Bokeh;
  }
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

export async function drawChart(target: HTMLElement, item: unknown): Promise<void> {
  target.replaceChildren();
  await window.Bokeh?.embed.embed_item(item, target);
}
