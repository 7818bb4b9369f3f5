/** One text: its numbers in the tables, the call that explains it, and its explanation where there is a model. */

import { html, render, type TemplateResult } from "lit-html";
import { mountApp } from "../app";
import { copied } from "../ask/clipboard";
import type { Columns } from "../columns";
import { h } from "../dom";
import { brief } from "../layout/numbers";
import type { Model } from "../transport";
import type { Asker } from "./ask";
import type { CorpusHeader, OneTextAnswer } from "./contract";

export class OneText {
  private readonly numbers = h("div");
  private readonly title = h("h3", { tabindex: "-1" });
  private stop = new AbortController();
  private current: number | null = null;

  constructor(
    private readonly root: HTMLElement,
    /** Where its explanation is shown: a widget of its own, with the looks of one. */
    private readonly explained: HTMLElement,
    private readonly header: CorpusHeader,
    private readonly asker: Asker,
    private readonly model: Model,
    signal: AbortSignal,
  ) {
    root.hidden = true;
    root.append(this.title, this.numbers);
    signal.addEventListener("abort", () => this.stop.abort());
  }

  open(row: number): void {
    this.stop.abort();
    this.stop = new AbortController();
    this.current = row;
    this.root.hidden = false;
    this.root.dataset.row = `${row}`;
    this.title.textContent = `Row ${row}`;
    this.explained.replaceChildren();
    this.title.focus({ preventScroll: true });
    this.root.scrollIntoView?.({ block: "nearest" });
    const mine = () => this.current === row;
    this.asker.ask({ type: "one_text", row }).then(
      ({ header, columns }) => {
        if (mine()) render(this.told(header, columns), this.numbers);
      },
      (error: Error) => {
        if (mine()) render(html`<p data-error role="alert">${error.message}</p>`, this.numbers);
      },
    );
    if (this.header.explains) this.explain(row, mine);
  }

  private explain(row: number, mine: () => boolean): void {
    const status = h("p", { class: "hint", role: "status" }, "The model is asked…");
    this.explained.append(status);
    this.asker.ask({ type: "explain_text", row }).then(
      ({ header, buffer }) => {
        if (!mine()) return;
        status.remove();
        mountApp(forwarded(this.model, header.summary, buffer), this.explained, this.stop.signal);
      },
      (error: Error) => {
        if (mine()) status.replaceWith(h("p", { "data-error": "", role: "alert" }, error.message));
      },
    );
  }

  private told({ label, text, reference, best_path, call, words }: OneTextAnswer, columns: Columns) {
    const effect = columns.get("effect")?.data ?? new Float32Array(0);
    const peak = Math.max(
      0,
      ...words.map((word) => Math.abs(word.effect ?? 0)),
      ...Array.from(effect, (value) => Math.abs(value) || 0),
    );
    return html`<p>${label}, compared with ${reference}${best_path === "" ? "" : html`; best path: ${best_path}`}</p>
      ${words.length === 0 ? html`<p>${text}</p>` : html`<p class="words">${words.map((word) => tinted(word.text, word.effect, peak))}</p>`}
      ${this.grid(effect, peak)}
      <div class="call"><pre tabindex="0" aria-label="the call in Python">${call}</pre>
      <button type="button" @click=${(event: Event) => void copy(event.currentTarget as HTMLElement, call)}>Copy</button>
      <span role="status" class="hint"></span></div>
      ${this.header.explains ? "" : html`<p class="hint">With a model, <code>corpus.view(model, tokenizer)</code> explains here what is clicked.</p>`}`;
  }

  /** Heads and MLPs of this text, layers from bottom to top. */
  private grid(effect: ArrayLike<number>, peak: number): TemplateResult | string {
    const { parts, of } = this.header;
    const at = (kind: string, layer: number, head: number | null) =>
      parts.findIndex((part) => part.kind === kind && part.layer === layer && part.head === head);
    const layers = [...new Set(parts.map(({ layer }) => layer))].sort((one, other) => other - one);
    const heads = [...new Set(parts.flatMap(({ head }) => (head === null ? [] : [head])))];
    if (layers.length === 0) return "";
    const cell = (place: number) => {
      const value = effect[place] ?? Number.NaN;
      return Number.isNaN(value)
        ? html`<td></td>`
        : html`<td class="tinted" style=${tint(value, peak)}>${brief(value, peak)}</td>`;
    };
    return html`<div class="scrolled" role="region" tabindex="0" aria-label="heads and MLPs of this text"><table>
      <caption>${of} of heads and MLPs</caption>
      <thead><tr><th scope="col">layer</th>${heads.map((head) => html`<th scope="col">head ${head}</th>`)}<th scope="col">MLP</th></tr></thead>
      <tbody>${layers.map(
        (layer) =>
          html`<tr><th scope="row">${layer}</th>${heads.map((head) => cell(at("head", layer, head)))}${cell(at("mlp", layer, null))}</tr>`,
      )}</tbody></table></div>`;
  }
}

const tint = (value: number, peak: number): string =>
  `--hue:var(--${value < 0 ? "minus" : "mass"});--tint:${peak === 0 ? 0 : Math.sqrt(Math.abs(value) / peak)}`;

const tinted = (text: string, value: number | null, peak: number) =>
  html`<span class="tinted" style=${tint(value ?? 0, peak)}>${text}${value === null ? "" : html` <small>${brief(value, peak)}</small>`}</span> `;

/** The model of an explanation inside of the widget of a corpus: its questions go the same way. */
function forwarded(outer: Model, summary: unknown, buffer: unknown): Model {
  const values: Record<string, unknown> = {
    summary,
    summary_buffer: buffer,
    revision: 1,
    selection: [],
    theme: outer.get("theme"),
  };
  return {
    get: (name) => values[name],
    set: (name, value) => {
      values[name] = value;
    },
    save_changes: () => {},
    on: (name, act) => {
      if (name === "msg:custom") outer.on(name, act);
    },
    off: (name, act) => {
      if (name === "msg:custom") outer.off(name, act);
    },
    send: (content) => outer.send({ ...(content as object), of: "text" }),
  };
}

/** Copy the call beside a button, and say behind it what became of that. */
async function copy(button: HTMLElement, call: string): Promise<void> {
  const done = await copied(call, button.parentElement?.querySelector("pre") ?? null);
  const status = button.parentElement?.querySelector("[role=status]");
  if (status) status.textContent = done ? "Copied." : "This page may not copy: press Ctrl+C.";
}
