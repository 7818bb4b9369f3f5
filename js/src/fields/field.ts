/**
 * A picture of many places on a canvas: what is in sight is drawn, a point meets a place by arithmetic, and one
 * element, which goes from place to place, has the focus, the name and the state for keyboard and screen reader.
 */

import { html, render } from "lit-html";
import { h, put } from "../dom";
import { includes } from "../selection";
import type { State, Store } from "../store";
import type { Box, Face, Strip } from "./face";
import { type Palette, paletteOf } from "./palette";
import { tileFor } from "./tile";

const fields = new WeakMap<Element, Field>();

/** The field that an element lies in. */
export function fieldOf(element: Element | null): Field | null {
  return fields.get(element?.closest(".field") ?? document.body) ?? null;
}

/** Sent by the element that has the focus when it has gone to another place. */
export const WENT = "semiring-widgets-went";

// Pixels of a scroll bar.
const BAR = 16;
// Sharper screens than that show no difference in cells.
const SHARPEST = 3;

export class Field {
  readonly element: HTMLElement;
  face: Face | null = null;
  private readonly whole: HTMLElement;
  private readonly canvas = h("canvas", { "aria-hidden": "true" });
  private readonly marks = h("div", { class: "marks", "aria-hidden": "true" });
  // Names of rows stay in sight, and so do their marks.
  private readonly pinned = h("div", { class: "marks pinned", "aria-hidden": "true" });
  private readonly rover = h("div", { class: "rover", tabindex: -1 });
  private readonly told = h("span", { class: "told", "aria-live": "polite" });
  private strips: HTMLCanvasElement[] = [];
  private palette: Palette | null = null;
  private tile: Box | null = null;
  private stale = true;
  private sharp: number | null = null;
  private place: number | null = null;
  private readonly request: () => void;

  /** @param over lies over the cells, in their coordinates, such as lines. */
  constructor(
    private readonly root: HTMLElement,
    private readonly store: Store,
    signal: AbortSignal,
    label: string,
    over: readonly Element[] = [],
  ) {
    this.whole = h("div", { class: "whole" }, this.canvas, this.marks, this.pinned, ...over, this.rover);
    this.element = h("div", { class: "field", role: "group", "aria-label": label }, this.whole, this.told);
    fields.set(this.element, this);
    root.append(this.element);
    const draw = () => this.draw();
    this.request = () => store.frames.request(draw);
    this.element.addEventListener("scroll", this.request, { signal, passive: true });
    window.addEventListener("resize", this.request, { signal });
    const afresh = () => {
      this.forget();
      draw();
    };
    // On paper all is light; it is drawn at once, since the printer does not wait.
    matchMedia?.("print").addEventListener?.("change", afresh, { signal });
    matchMedia?.("(forced-colors: active)").addEventListener?.("change", afresh, { signal });
    if (typeof IntersectionObserver !== "undefined") {
      // Some notebooks draw a view before they place it, and drop the pixels of one that is out of sight.
      const observer = new IntersectionObserver((seen) => {
        if (seen.some(({ isIntersecting }) => isIntersecting)) this.request();
      });
      observer.observe(this.element);
      signal.addEventListener("abort", () => observer.disconnect());
    }
    store.effect(({ theme }) => theme && this.forget(), signal);
    store.effect((state) => this.mark(state), signal);
  }

  /** Show a picture, in at most as many pixels; null shows nothing. */
  show(face: Face | null, most: { width: number; height: number }): void {
    this.face = face;
    show(this.element, face !== null);
    if (face === null) return;
    const [width, height] = [Math.min(face.width, most.width), Math.min(face.height, most.height)];
    // A scroll bar takes its room beside the picture.
    const [below, beside] = [face.width > most.width + 1, face.height > most.height + 1].map((is) =>
      is ? BAR : 0,
    );
    const padding = (edge: Strip["edge"]) => face.strips.find((strip) => strip.edge === edge)?.size ?? 0;
    put(this.element, {
      style:
        `width:${width + (beside ?? 0)}px;height:${height + (below ?? 0)}px;` +
        `scroll-padding:${padding("top")}px 0 ${padding("bottom")}px ${padding("left")}px`,
    });
    put(this.whole, { style: `width:${face.width}px;height:${face.height}px` });
    while (this.strips.length < face.strips.length) {
      const strip = h("canvas", { class: "strip", "aria-hidden": "true" });
      this.strips.push(strip);
      this.whole.append(strip);
    }
    if (this.place === null || !face.has(this.place)) this.place = face.first;
    this.stale = true;
    this.request();
    this.rove();
    this.mark(this.store.state);
  }

  /** The place under a point of the screen. */
  at(x: number, y: number): number | null {
    const { face } = this;
    if (face === null) return null;
    const frame = this.element.getBoundingClientRect();
    let [left, top] = [x - frame.left, y - frame.top];
    for (const { edge, size } of face.strips) {
      if (edge === "top" && top < size) return null;
      if (edge === "bottom" && top >= this.element.clientHeight - size) return null;
    }
    const names = face.strips.find(({ edge }) => edge === "left")?.size ?? 0;
    if (left >= names) left += this.element.scrollLeft;
    top += this.element.scrollTop;
    return face.at(left, top);
  }

  /** What choosing the place that has the focus does, where it stands for no part. */
  get acts(): (() => void) | undefined {
    return this.place === null ? undefined : this.face?.spoken(this.place).acts;
  }

  /** Where a place is on the screen. */
  boxOf(place: number): Box {
    const [frame, box] = [this.whole.getBoundingClientRect(), this.face?.box(place)];
    if (box === undefined) return { left: 0, top: 0, width: 0, height: 0 };
    return { ...box, left: box.left + frame.left, top: box.top + frame.top };
  }

  /** Draw with so many pixels for each of the screen's, at once; null goes back to as many as it shows. */
  sharpen(scale: number | null): void {
    this.sharp = scale;
    this.draw();
  }

  /** Take the focus to a place, and bring it in sight unless somebody points at it. */
  go(place: number, reveal = true): void {
    this.place = place;
    this.rove();
    this.rover.focus({ preventScroll: true });
    if (reveal) this.rover.scrollIntoView?.({ block: "nearest", inline: "nearest" });
  }

  /** The focus goes on to a neighbour, or to the end of its row. */
  step(right: number, up: number): void {
    this.move(this.place === null ? null : (this.face?.step(this.place, right, up) ?? null));
  }

  end(last: boolean): void {
    const ends = this.place === null ? undefined : this.face?.ends(this.place);
    this.move(ends?.[last ? 1 : 0] ?? null);
  }

  private move(place: number | null): void {
    if (place === null || place === this.place) return;
    this.go(place);
    this.told.textContent = this.rover.getAttribute("aria-label");
    this.rover.dispatchEvent(new CustomEvent(WENT, { bubbles: true }));
  }

  /** The one element that is focused stands for its place. */
  private rove(): void {
    const { face, place, rover } = this;
    show(rover, face !== null && place !== null);
    if (face === null || place === null) return;
    const { label, target, disabled, acts } = face.spoken(place);
    const { left, top, width, height } = face.box(place);
    const style = `left:${left}px;top:${top}px;width:${width}px;height:${height}px`;
    put(rover, {
      style,
      "aria-label": label,
      role: target === null && acts === undefined ? "img" : "button",
    });
    for (const name of ["layer", "branch", "head", "token", "stream"] as const) {
      const facet = target?.[name] ?? null;
      if (facet === null) delete rover.dataset[name];
      else put(rover, { [`data-${name}`]: facet });
    }
    // A place to be read has nothing to choose.
    if (target === null) for (const name of ["data-item", "aria-pressed"]) rover.removeAttribute(name);
    else put(rover, { "data-item": "", "aria-pressed": `${includes(this.store.state.selection, target)}` });
    if (acts !== undefined) put(rover, { "data-item": "" });
    if (disabled) put(rover, { "aria-disabled": "true", "aria-description": UNAVAILABLE });
    else for (const name of ["aria-disabled", "aria-description"]) rover.removeAttribute(name);
    put(rover, { tabindex: 0 });
  }

  /** Edges around what is selected, and around what stands for the same as what is pointed at. */
  private mark({ selection, avoiding, pointed }: State): void {
    const { face } = this;
    if (face === null) return;
    const found = [
      ...selection.flatMap((part) =>
        face.lying(part).map(({ box, own }) => ({ box, looks: own ? "selected" : "linked" })),
      ),
      ...avoiding.flatMap((part) => face.lying(part).map(({ box }) => ({ box, looks: "avoided" }))),
      ...pointed.flatMap((part) =>
        face.lying(part).map(({ box, own }) => ({ box, looks: own ? "pointed" : "nearby" })),
      ),
    ];
    const names = face.strips.find(({ edge }) => edge === "left")?.size ?? 0;
    const isName = ({ box }: { box: Box }) => box.left + box.width <= names;
    render(found.filter((one) => !isName(one)).map(edge), this.marks);
    render(found.filter(isName).map(edge), this.pinned);
    const target = this.place === null ? null : face.spoken(this.place).target;
    if (target !== null) put(this.rover, { "aria-pressed": `${includes(selection, target)}` });
  }

  private forget(): void {
    this.palette = null;
    this.stale = true;
    if (this.face !== null) this.request();
  }

  private draw(): void {
    const { face, element } = this;
    if (face === null || !element.isConnected) return;
    const context = this.canvas.getContext?.("2d");
    if (!context) return;
    const [width, height] = [Math.min(face.width, element.clientWidth), element.clientHeight];
    // Where the picture begins, slanted names reach into the corner; elsewhere they would be those of other columns.
    this.whole.toggleAttribute("data-begins", element.scrollLeft === 0);
    const sight = { left: element.scrollLeft, top: element.scrollTop, width, height };
    const tile = tileFor(this.stale ? null : this.tile, sight, face);
    const scale = this.sharp ?? Math.min(SHARPEST, window.devicePixelRatio || 1);
    if (!this.stale && tile === this.tile && this.canvas.width === Math.round(tile.width * scale)) return;
    this.palette ??= paletteOf(this.root, context);
    const { palette } = this;
    drawOn(this.canvas, tile, tile, scale, (one) => face.paint(one, tile, palette));
    face.strips.forEach((strip, index) => {
      const canvas = this.strips[index];
      if (canvas === undefined) return;
      const shown = stripOf(strip, tile, face);
      canvas.dataset.edge = strip.edge;
      drawOn(
        canvas,
        shown,
        strip.edge === "left" ? { ...shown, left: 0 } : { ...shown, top: 0 },
        scale,
        (one) => strip.paint(one, shown, palette),
      );
    });
    this.tile = tile;
    this.stale = false;
  }
}

/** Only where it differs: whoever watches would see a change. */
function show(element: HTMLElement, shown: boolean): void {
  if (element.hidden === shown) element.hidden = !shown;
}

export const UNAVAILABLE = "not in this page: its numbers need a notebook";

const edge = ({ box, looks }: { box: Box; looks: string }) =>
  html`<div class="mark ${looks}" style="left:${box.left}px;top:${box.top}px;width:${box.width}px;height:${box.height}px"></div>`;

/** The part of a strip beside a tile. */
function stripOf({ edge, size }: Strip, tile: Box, face: Face): Box {
  if (edge === "left") return { ...tile, left: 0, width: size };
  return { ...tile, top: edge === "top" ? 0 : face.height - size, height: size };
}

/** Give a canvas the size and place of a part of the picture, and draw that. */
function drawOn(
  canvas: HTMLCanvasElement,
  shown: Box,
  place: Box,
  scale: number,
  paint: (context: CanvasRenderingContext2D) => void,
): void {
  const context = canvas.getContext("2d");
  if (context === null) return;
  const [width, height] = [Math.round(shown.width * scale), Math.round(shown.height * scale)];
  if (canvas.width !== width || canvas.height !== height) {
    canvas.width = width;
    canvas.height = height;
    canvas.style.width = `${shown.width}px`;
    canvas.style.height = `${shown.height}px`;
  }
  canvas.style.marginLeft = `${place.left}px`;
  canvas.style.marginTop = `${place.top}px`;
  context.setTransform(scale, 0, 0, scale, -shown.left * scale, -shown.top * scale);
  context.clearRect(shown.left, shown.top, shown.width, shown.height);
  paint(context);
}
