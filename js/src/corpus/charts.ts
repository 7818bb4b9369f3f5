/** The Bokeh charts: what Python drew without numbers is placed here, and filled whenever texts are chosen. */

import { h } from "../dom";
import { channels, mixed } from "../fields/palette";
import type { Bokeh } from "../views/chart";
import type { Box } from "./brush";

type Table = Record<string, unknown[]>;
type Item = Record<string, unknown>;

/** A model of BokehJS, of which nothing is known but that it has fields. */
interface BokehModel {
  [field: string]: unknown;
}

interface BokehDocument {
  get_model_by_name(name: string): BokehModel | null;
  on_event(name: string, act: (...args: unknown[]) => void): void;
}

interface View {
  model: { document: BokehDocument };
}

// Letters in `pictures/corpus_charts.py`, and what a dark page puts in their place.
const INK = "#1b1f24";
const DARK = { ink: "#e6e9ed", paper: "#15181c", plus: "#8fa6ff", minus: "#ff8a5c", strongest: 0.54 };
const STEPS = 50;
const IDS = new Set(["id", "root_id"]);
let placed = 0;

/** The tints of a dark page, from the most negative to the most positive. */
export const darkTints = (): string[] =>
  Array.from({ length: 2 * STEPS + 1 }, (_, place) => {
    const strength = place / STEPS - 1;
    const end = channels(strength < 0 ? DARK.minus : DARK.plus);
    return mixed(channels(DARK.paper), end, Math.abs(strength) * DARK.strongest);
  });

export class Chart {
  readonly element: HTMLElement;
  private document: BokehDocument | null = null;
  private filled: (() => void) | null = null;
  private current = 0;

  constructor(
    label: string,
    private readonly item: Item,
  ) {
    this.element = h("div", { class: "figure", role: "group", "aria-label": label });
  }

  /** Place it, in the colours of a theme; it is filled when it is there. */
  async draw(bokeh: Bokeh, dark: boolean): Promise<void> {
    const number = ++this.current;
    this.document = null;
    const text = JSON.stringify(this.item);
    // Bokeh finds models by their ids, which are those of the page, however often a chart is placed.
    const tag = `chart-${++placed}-`;
    const item: unknown = JSON.parse(dark ? text.replaceAll(INK, DARK.ink) : text, (key, value) =>
      IDS.has(key) && typeof value === "string" ? tag + value : value,
    );
    this.element.replaceChildren();
    const views = (await bokeh.embed.embed_item(item, this.element)) as Iterable<View>;
    if (number !== this.current) return;
    this.document = [...views][0]?.model.document ?? null;
    if (dark) this.put("scale", { palette: darkTints() });
    this.filled?.();
    this.filled = null;
  }

  /** Do something with its models, once they are there. */
  fill(act: () => void): void {
    if (this.document === null) this.filled = act;
    else act();
  }

  put(name: string, fields: Record<string, unknown>): void {
    const model = this.document?.get_model_by_name(name);
    if (model) Object.assign(model, fields);
  }

  data(name: string, table: Table): void {
    this.put(name, { data: table });
  }

  /** Tell of boxes that are drawn, and of places that are clicked. */
  listen(boxed: (box: Box) => void, clicked: (x: number, y: number) => void): void {
    this.document?.on_event("selectiongeometry", (...args) => {
      const event = args.at(-1) as { geometry: Record<string, number>; final: boolean };
      const { x0 = 0, x1 = 0, y0 = 0, y1 = 0 } = event.geometry;
      if (event.final) boxed([Math.min(x0, x1), Math.max(x0, x1), Math.min(y0, y1), Math.max(y0, y1)]);
    });
    this.document?.on_event("tap", (...args) => {
      const { x, y } = args.at(-1) as { x: number; y: number };
      clicked(x, y);
    });
  }
}
