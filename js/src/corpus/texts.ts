/** The table of texts: only the lines in sight are there, whoever holds the others. */

import { html, render } from "lit-html";
import { h } from "../dom";
import { number, signed } from "../layout/numbers";
import type { CorpusHeader, Line } from "./contract";

export interface Query {
  words: string;
  sort: string;
  descending: boolean;
}

export interface Found {
  total: number;
  start: number;
  lines: readonly Line[];
}

/** Gives lines from a place on. */
export type Search = (query: Query, start: number, count: number) => Promise<Found>;

// Pixels of a line, and lines asked for at once.
const PITCH = 26;
const AT_ONCE = 100;
const SORTED = [
  ["row", "row"],
  ["text", "text"],
  ["group", "group"],
  ["score", "score"],
  ["entropy", "entropy"],
  ["log_mass", "log mass"],
  ["top_token_effect", "top word"],
] as const;

export class Texts {
  private query: Query = { words: "", sort: "row", descending: false };
  private found: Found = { total: 0, start: 0, lines: [] };
  private asked = 0;
  private wanted = 0;
  private readonly body = h("div");
  private readonly window: HTMLElement;

  constructor(
    root: HTMLElement,
    private readonly header: CorpusHeader,
    private readonly search: Search,
    private readonly open: (row: number) => void,
    private readonly failed: (sentence: string) => void,
    signal: AbortSignal,
  ) {
    const field = h("input", { type: "search", "aria-label": "words to find in the texts" });
    field.addEventListener(
      "input",
      () => {
        this.query = { ...this.query, words: field.value.trim() };
        this.refresh();
      },
      { signal },
    );
    this.window = h(
      "div",
      { class: "texts", role: "region", tabindex: "0", "aria-label": "texts, scrolled" },
      this.body,
    );
    this.window.addEventListener("scroll", () => this.scrolled(), { signal });
    root.append(h("label", { class: "find" }, "Find ", field), this.window);
  }

  /** Show the texts of what is chosen, from the first on. */
  refresh(): void {
    this.window.scrollTop = 0;
    void this.fetch(0);
  }

  private async fetch(start: number): Promise<void> {
    const number = ++this.asked;
    this.wanted = start;
    try {
      const found = await this.search(this.query, start, AT_ONCE);
      if (number !== this.asked) return;
      this.found = found;
      this.draw();
    } catch (error) {
      this.failed((error as Error).message);
    }
  }

  private scrolled(): void {
    const first = Math.floor(this.window.scrollTop / PITCH);
    const shown = Math.ceil(this.window.clientHeight / PITCH);
    const { start, lines, total } = this.found;
    const held = first >= start && Math.min(first + shown, total) <= start + lines.length;
    const next = Math.max(0, Math.min(first - AT_ONCE / 4, total - AT_ONCE));
    if (!held && Math.floor(next) !== this.wanted) void this.fetch(Math.floor(next));
  }

  private sorted(by: string): void {
    const { sort, descending } = this.query;
    this.query = { ...this.query, sort: by, descending: sort === by && !descending };
    this.refresh();
  }

  private draw(): void {
    const { total, start, lines } = this.found;
    const { sort, descending } = this.query;
    const gap = (count: number) =>
      count <= 0
        ? ""
        : html`<tr aria-hidden="true"><td colspan=${SORTED.length} style="height:${count * PITCH}px"></td></tr>`;
    const title = ([by, label]: readonly [string, string]) => html`
      <th scope="col" aria-sort=${sort !== by ? "none" : descending ? "descending" : "ascending"}>
        <button type="button" data-sort=${by} @click=${() => this.sorted(by)}>${label}${sort !== by ? "" : descending ? " ↓" : " ↑"}</button></th>`;
    render(
      html`<table aria-rowcount=${total + 1}><thead><tr>${SORTED.map(title)}</tr></thead><tbody>
        ${gap(start)}${lines.map((line, place) => this.line(line, start + place + 2))}
        ${gap(total - start - lines.length)}</tbody></table>`,
      this.body,
    );
  }

  private line(line: Line, place: number) {
    const { row, id, group, text, right, score, entropy, log_mass, top_token_text, top_token_effect } = line;
    const mark = right === null ? "" : right ? "✓ " : "✗ ";
    const said = right === null ? "" : right ? "target preferred" : "target not preferred";
    return html`<tr aria-rowindex=${place} data-row=${row}>
      <td><button type="button" title=${`row ${id}`} aria-label=${`open row ${row}`} @click=${() => this.open(row)}>${row}</button></td>
      <td class="text" title=${text}>${text}</td>
      <td>${this.header.groups[group]?.name}</td>
      <td><span aria-hidden="true">${mark}</span>${number(score, 3)}<span class="unseen"> ${said}</span></td>
      <td>${number(entropy, 3)}</td><td>${number(log_mass, 3)}</td>
      <td>${top_token_text} ${signed(top_token_effect)}</td></tr>`;
  }
}

/** The same as `overview/listing.py` does, among lines that the page holds. */
export function searched(lines: readonly Line[], { words, sort, descending }: Query): Line[] {
  const wanted = words.toLowerCase();
  const kept = lines.filter(({ text, id, target }) =>
    [text, id, target ?? ""].some((one) => one.toLowerCase().includes(wanted)),
  );
  const key = (line: Line): number | string | null => Reflect.get(line, sort) as number | string | null;
  const sign = descending ? -1 : 1;
  return kept.sort((one, other) => {
    const [a, b] = [key(one), key(other)];
    if (a === b) return 0;
    // What is not known stands last.
    if (a === null) return 1;
    if (b === null) return -1;
    return a < b ? -sign : sign;
  });
}
