/** Tokens by the pieces of a continuation: what each word does to each piece that the model is asked to say. */

import { html, nothing } from "lit-html";
import type { ExplanationHeader } from "../contract";
import { h, put } from "../dom";
import { Field } from "../fields/field";
import { alike, brief, number, signed } from "../layout/numbers";
import { type Drawing, explanationPane } from "../pane";
import type { Questions } from "../questions";
import type { State, Store } from "../store";
import { swatchesOf } from "../views/legend";
import { alone, together } from "./alone";
import { columnName, piecesFace, type Shown, shownOf } from "./face";
import { known, type Matrix, matrixOf, piecesOf, strongest, valuesOf } from "./matrix";

// More rows are scrolled in the picture; more pieces are not told in the sentence.
const HIGHEST = 520;
const TOLD = 8;

const EFFECT =
  "How much the log-probability of the piece falls when this token alone is replaced by the reference.";
const ESTIMATE =
  "An estimate of that, from the slopes of the paths from this token to the piece; not measured.";

let groups = 0;

export function mountPieces(
  root: HTMLElement,
  store: Store,
  signal: AbortSignal,
  questions: Questions,
): void {
  groups += 1;
  const group = `semiring-widgets-pieces-${groups}-${Math.random()}`;
  const [title, about, below] = [h("h3"), h("div", { class: "choices" }), h("div")];
  const table = h("details", { class: "folded" });
  const unfolded = h("div", {
    class: "scroll",
    tabindex: 0,
    role: "region",
    "aria-label": "the numbers as a table",
  });
  table.append(h("summary", {}, "The same numbers as a table"), unfolded);
  root.append(title, about);
  const field = new Field(root, store, signal, "words before each piece");
  root.append(below, table);
  // All parts of the pane are about the same numbers.
  let latest: { of: unknown[]; shown: Shown } | null = null;
  const shownFor = (state: State, summary: ExplanationHeader): Shown => {
    const of = [summary, state.columns, state.estimates];
    if (latest?.of.every((one, index) => one === of[index])) return latest.shown;
    const matrix = matrixOf(summary, state.columns);
    latest = { of, shown: shownOf(matrix, valuesOf(matrix, state.estimates)) };
    return latest.shown;
  };
  const ask = (request: ReturnType<typeof together>) =>
    request === null ? null : () => questions.inquire(request);

  store.effect((state) => {
    const { summary } = state;
    if (summary?.type !== "explanation") return;
    const rows = piecesOf(summary).length;
    const hidden = rows === 0 || (rows < 2 && !summary.arguments.some(({ name }) => name === "piece"));
    if (root.hidden !== hidden) root.hidden = hidden;
    put(root, { "data-explained": state.estimates ? ESTIMATE : EFFECT });
    const shown = shownFor(state, summary);
    const row = (index: number) => {
      const piece = shown.matrix.pieces[index];
      // Of one piece alone there is nothing to be asked for.
      if (piece === undefined || shown.matrix.pieces.length < 2) return null;
      const changes = alone(state, summary, piece);
      return changes === null ? null : ask({ type: "ask", changes });
    };
    const face = hidden ? null : piecesFace(state, summary, shown, state.space, row);
    field.show(face, { width: state.space, height: HIGHEST });
  }, signal);
  explanationPane(
    title,
    store,
    signal,
    (state) =>
      html`Words × pieces of the answer <span class="caption">${state.estimates ? "contribution: estimated, not tested" : "effect, tested"}, in nats of each piece's log-probability</span>`,
  );
  explanationPane(about, store, signal, (state, summary) => {
    const shown = shownFor(state, summary);
    return html`${switchOf(state, shown.matrix, group, store)}${legend(shown.peak)}`;
  });
  explanationPane(below, store, signal, (state, summary) => {
    const whole = ask(together(state, summary));
    return html`<p class="hint" data-told>${sentence(shownFor(state, summary))}</p>
      ${whole === null ? nothing : html`<p><button type="button" data-action="all-pieces" @click=${whole}>Ask for all pieces again</button></p>`}
      <p class="hint" role="status" data-progress>${progress(summary, shownFor(state, summary).matrix)}</p>`;
  });
  table.addEventListener("toggle", () => store.update({ tabulated: table.open }), { signal });
  explanationPane(unfolded, store, signal, (state, summary) =>
    state.tabulated ? tableOf(summary, shownFor(state, summary)) : html``,
  );
}

function switchOf({ estimates }: State, matrix: Matrix, group: string, store: Store): Drawing {
  const choice = (value: boolean, words: string, meaning: string, numbers: Matrix["effect"]) => {
    const there = matrix.pieces.some((_, row) => known(matrix, numbers, row));
    return html`<label class="choice" data-tip=${meaning}><input type="radio" name=${group} value=${value ? "estimates" : "effects"}
      .checked=${estimates === value} ?disabled=${!there && estimates !== value}
      @change=${() => store.update({ estimates: value })}>${words}</label>`;
  };
  return html`<div class="switch" role="radiogroup" aria-label="what the pieces show">${choice(false, "Tested effects", EFFECT, matrix.effect)}
    ${choice(true, "Estimates", ESTIMATE, matrix.contribution)}</div>`;
}

function legend(peak: number): Drawing {
  const [low, high] = peak > 0 ? [` ${brief(-peak, peak)}`, `${brief(peak, peak)} `] : ["", ""];
  return html`<p class="scale-of-all"><span>less probable${low}</span>${swatchesOf(true)}<span>${high}more probable</span>
    <span class="unit">one scale for all pieces</span></p>`;
}

/** The picture in words: of each piece the token that does most to it. */
export function sentence({ matrix, values }: Shown): string {
  const told = matrix.pieces.slice(0, TOLD).flatMap(({ text, of }, row) => {
    const most = strongest(matrix, values, row);
    if (most === null) return [];
    const value = values[row * matrix.read.length + most] ?? Number.NaN;
    return [`${text}${of === "contrast" ? " (contrast)" : ""} by ${matrix.name(row, most)} ${signed(value)}`];
  });
  if (told.length === 0) return "";
  const more = matrix.pieces.length - TOLD;
  return `What does most to each piece: ${told.join("; ")}${more > 0 ? `; and ${more} more pieces` : ""}.`;
}

/** How far the rows are, while they come and where they ended early. */
export function progress({ status }: Pick<ExplanationHeader, "status">, matrix: Matrix): string {
  const count = matrix.pieces.length;
  const told = matrix.pieces.filter((_, row) => known(matrix, matrix.contribution, row)).length;
  if (told === count || status.state === "done") return "";
  const rows = `${told} of ${count} pieces`;
  return status.state === "running"
    ? `Estimates of ${rows} so far.`
    : `It ended early: ${rows} have estimates.`;
}

function tableOf(summary: ExplanationHeader, { matrix, values }: Shown): Drawing {
  const count = matrix.read.length;
  const written = alike([...values]);
  const cell = (row: number, column: number) =>
    matrix.is(row, column) ? written(values[row * count + column] ?? null) : "";
  return html`<table class="pieces"><thead><tr><th scope="col">piece</th><th scope="col">log p</th>
      ${matrix.read.map((_, column) => html`<th scope="col">${columnName(summary, matrix, column)}</th>`)}</tr></thead>
    <tbody>${matrix.pieces.map(
      ({ text, of }, row) => html`<tr><th scope="row">${text}${of === "contrast" ? " (contrast)" : ""}</th>
        <td class="number">${number(matrix.logProbability(row))}</td>
        ${matrix.read.map((_, column) => html`<td class="number">${cell(row, column)}</td>`)}</tr>`,
    )}</tbody></table>`;
}
