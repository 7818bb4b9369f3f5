/**
 * The question: folded, one line that says it; unfolded, fields to change it in, to be asked again.
 *
 * Fields are the reader's once they are drawn; they are filled anew only when another question is shown.
 */

import { html, nothing } from "lit-html";
import type { Change, ExplanationHeader, PastQuestion } from "../contract";
import { nameOf as groupName, groupsOf } from "../groups";
import { isHosts } from "../host-keys";
import { type Drawing, explanationPane } from "../pane";
import type { Questions } from "../questions";
import type { State, Store } from "../store";
import { callOfShown } from "./call";
import { copied } from "./clipboard";
import { fieldsOf, fill, valuesIn } from "./fields";
import { SETTINGS } from "./settings";
import { changesOf, nameOf, quoted, said, scoreOf, wordsOf } from "./values";

let bars = 0;

export function mountAsk(root: HTMLElement, store: Store, signal: AbortSignal, questions: Questions): void {
  bars += 1;
  const id = `semiring-widgets-question-${bars}-${Math.floor(Math.random() * 1e9)}`;
  let filled = "";
  const turn = () => store.update({ asking: { ...store.state.asking, open: !store.state.asking.open } });
  const form = () => root.querySelector("form");
  const send = (changes: Change[]) => questions.inquire({ type: "ask", changes });
  const submit = (event: Event) => {
    event.preventDefault();
    const { summary, asking } = store.state;
    if (summary?.type !== "explanation" || unasked(store.state, summary) !== "" || !asking.open) return;
    send(changesOf(valuesIn(event.currentTarget as HTMLFormElement), asked(summary)));
  };
  const copy = async () => {
    const { summary, asking } = store.state;
    if (summary?.type !== "explanation") return;
    const call = callIn(store.state, summary);
    const note = (await copied(call, root.querySelector("code")))
      ? "The Python call is in the clipboard."
      : "This page may not copy: the call is selected, copy it with Ctrl+C.";
    store.update({ asking: { ...asking, note } });
  };
  root.addEventListener("semiring-widgets-copy", () => void copy(), { signal });
  root.addEventListener(
    "keydown",
    (event) => {
      const within = (event.target as Element).closest("form");
      if (within === null) return;
      // What is typed here is no command of the widget; a notebook's shortcut is none either.
      if (!isHosts(event)) event.stopPropagation();
      if (event.key === "Escape") {
        turn();
        root.querySelector<HTMLElement>(".question")?.focus();
      } else if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) within.requestSubmit();
    },
    { signal },
  );
  explanationPane(root, store, signal, (state, summary) => {
    const { open } = state.asking;
    return html`<button type="button" class="question" data-action="question"
        aria-expanded=${open} aria-controls=${id} @click=${turn}><span class="asked"><b>${quoted(wordsOf(asked(summary), "text"))}</b>
          ${said(summary).map((words) => html` <span class="setting">${words}</span>`)}</span>
        <span class="again">${unasked(state, summary) === "" ? "Ask again" : "Question"}</span></button>
      <div id=${id} ?hidden=${!open}>${open ? panel(state, summary) : nothing}</div>
      ${past(summary, questions)}
      ${progress(summary, questions)}
      ${sentence(state, summary)}`;
  });
  function panel(state: State, summary: ExplanationHeader): Drawing {
    const why = unasked(state, summary);
    return html`<form aria-label="the question" novalidate @submit=${submit}>
        ${why === "" ? nothing : html`<p class="hint" data-unasked>${why}</p>`}
        ${fieldsOf(summary, id, why !== "", wrongIn(summary))}
        <p class="acts">${why === "" ? html`<button type="submit" class="main" data-action="ask">Ask again</button>` : nothing}
          <button type="button" data-action="copy" ?disabled=${summary.arguments.length === 0} @click=${copy}>Copy the Python call</button>
          <span role="status" data-copied>${state.asking.note}</span></p>
      </form>
      ${summary.arguments.length === 0 ? nothing : html`<pre class="call" tabindex="0" role="group" aria-label="the Python call"><code>${callIn(state, summary)}</code></pre>`}`;
  }
  // After the fields are drawn.
  explanationEffect(store, signal, (summary, open) => {
    const found = form();
    if (!open || found === null) {
      filled = "";
      return;
    }
    const now = JSON.stringify([summary.inquiry?.number, asked(summary)]);
    if (now === filled) return;
    filled = now;
    fill(found, asked(summary));
  });
}

/** The Python call of what is shown. */
const callIn = (state: State, { arguments: asked }: ExplanationHeader): string =>
  callOfShown(asked, state, groupName(state.among, groupsOf(state)));

/** Open the question and go to its text, or close it. */
export function openQuestion(root: HTMLElement, store: Store): void {
  const { asking } = store.state;
  store.update({ asking: { ...asking, open: !asking.open } });
  if (!asking.open) store.frames.afterwards(() => root.querySelector<HTMLElement>(".ask textarea")?.focus());
}

function explanationEffect(
  store: Store,
  signal: AbortSignal,
  act: (summary: ExplanationHeader, open: boolean) => void,
): void {
  store.effect(({ summary, asking }) => {
    if (summary?.type === "explanation") act(summary, asking.open);
  }, signal);
}

/** The arguments of what is shown; where nothing is known yet, of what was asked. */
function asked(summary: ExplanationHeader): ExplanationHeader["arguments"] {
  if (summary.arguments.length > 0) return summary.arguments;
  if (summary.inquiry !== null) return summary.inquiry.arguments;
  return [{ name: "text", code: "", words: [summary.text], parts: [], own: false }];
}

/** Why nothing can be asked here; empty where it can. */
function unasked({ kernel }: State, { inquiry }: ExplanationHeader): string {
  if (!kernel)
    return "This page was written without the model, so the question stays as it is. In a notebook, the Python call below asks it again.";
  if (inquiry === null)
    return "This result came without its model, as from a file, so the question stays as it is. The Python call below asks it again.";
  return "";
}

/** The field that a failure is about, and its sentence. */
function wrongIn({ inquiry }: ExplanationHeader): { name: string; sentence: string } | null {
  if (inquiry === null || inquiry.status?.state !== "failed" || inquiry.wrong === "") return null;
  return { name: inquiry.wrong, sentence: inquiry.status.message };
}

/** What is said below the line: what went wrong, unless it stands beside its field. */
function sentence({ asking }: State, summary: ExplanationHeader): Drawing | typeof nothing {
  const status = summary.inquiry?.status ?? null;
  const field = wrongIn(summary);
  const beside = asking.open && field !== null && (field.name === "text" || field.name in SETTINGS);
  const failed = status?.state === "failed" && !beside ? status.message : "";
  const cancelled = status?.state === "cancelled" ? "Cancelled: the answer before is shown." : "";
  const words = asking.refused ?? (failed || cancelled);
  return words === "" ? nothing : html`<p class="unanswered" role="alert" data-unanswered>${words}</p>`;
}

function progress({ inquiry, status }: ExplanationHeader, questions: Questions): Drawing | typeof nothing {
  const asked = inquiry?.status ?? null;
  if (asked?.state !== "running" || status.state === "running") return nothing;
  return html`<p class="asked-now"><progress max=${Math.max(1, asked.total)} .value=${asked.done} aria-label="progress of the question"></progress>
    <span role="status">Asking: ${asked.message}</span>
    <button type="button" data-action="cancel-question" @click=${() => questions.cancel()}>Cancel</button></p>`;
}

/** Earlier questions, each a click away. */
function past({ inquiry }: ExplanationHeader, questions: Questions): Drawing | typeof nothing {
  if (inquiry === null || inquiry.past.length < 2) return nothing;
  const chip = (one: PastQuestion) => {
    const shown = one.number === inquiry.number;
    const tip = one.held ? "Shows this answer again" : "Asks this again: its answer was let go";
    return html`<button type="button" data-question=${one.number} aria-current=${shown ? "true" : nothing}
      class=${one.held ? "" : "let-go"} data-tip=${tip} @click=${() => shown || questions.inquire({ type: "recall", number: one.number })}>${nameOf(one, inquiry.past)}
      <span class="worth">${scoreOf(one)}</span></button>`;
  };
  return html`<div class="past" role="group" aria-label="earlier questions">${inquiry.past.map(chip)}</div>`;
}
