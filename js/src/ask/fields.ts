/** The fields of a question: what each means stands below it, and choices are one click away. */

import { html, nothing } from "lit-html";
import type { Argument, ExplanationHeader } from "../contract";
import { percent } from "../layout/numbers";
import type { Drawing } from "../pane";
import { isOwn, NAMES, type Name, settingOf, type Values, wordsOf } from "./values";

/** What is wrong with a field, in a sentence. */
export interface Wrong {
  name: string;
  sentence: string;
}

const CHOSEN = ["target", "contrast"] as const;

/** All fields, text first. */
export function fieldsOf(
  summary: ExplanationHeader,
  id: string,
  fixed: boolean,
  wrong: Wrong | null,
): Drawing {
  const asked = summary.arguments.length > 0 ? summary.arguments : (summary.inquiry?.arguments ?? []);
  const texts = asked.length > 0 ? wordsOf(asked, "text") : [summary.text];
  return html`<div class="fields">
    ${texts.map((_, index) => textField(index, `${id}-text-${index}`, fixed || isOwn(asked, "text"), wrong?.name === "text" && index === 0 ? wrong : null))}
    ${NAMES.map((name) => field(summary, asked, name, `${id}-${name}`, fixed, wrong?.name === name ? wrong : null))}</div>`;
}

function textField(index: number, id: string, fixed: boolean, wrong: Wrong | null): Drawing {
  return html`<div class="field wide"><label for=${id}>${index === 0 ? "text" : "second text"}</label>
    <textarea id=${id} name="text" rows="1" ?readonly=${fixed} aria-invalid=${wrong === null ? nothing : "true"}
      aria-describedby=${`${id}-means`} spellcheck="false"></textarea>
    ${means(id, "what the model reads; Ctrl+Enter asks", wrong)}</div>`;
}

function field(
  summary: ExplanationHeader,
  asked: readonly Argument[],
  name: Name,
  id: string,
  fixed: boolean,
  wrong: Wrong | null,
): Drawing {
  const setting = settingOf(name);
  const own = isOwn(asked, name);
  const disabled = fixed || own;
  const invalid = wrong === null ? nothing : "true";
  const choices = Object.entries(setting.choices);
  const input = setting.open
    ? html`<input id=${id} name=${name} type="text" autocomplete="off" autocapitalize="off" spellcheck="false" ?readonly=${disabled}
        placeholder=${placeholder(summary, name)} aria-invalid=${invalid} aria-describedby=${`${id}-means`} list=${name === "position" ? `${id}-places` : nothing}>`
    : html`<select id=${id} name=${name} ?disabled=${disabled} aria-describedby=${`${id}-means`}
        @change=${explain}>${choices.map(([word]) => html`<option value=${word}>${word}</option>`)}</select>`;
  const picks = disabled || !setting.open ? nothing : picked(summary, name, choices);
  const said = own ? `an object of your own: ${wordsOf(asked, name)[0]}` : setting.means;
  return html`<div class="field" data-field=${name}><label for=${id}>${name}</label>${input}${picks}
    ${name === "position" ? places(summary, `${id}-places`) : nothing}${means(id, said, wrong, !setting.open)}</div>`;
}

/** What it means; of a choice, also what the chosen word means. */
function means(id: string, text: string, wrong: Wrong | null, choice = false): Drawing {
  return html`<span id=${`${id}-means`} class="means">${wrong === null ? nothing : html`<strong role="alert" data-wrong>${wrong.sentence}</strong> `}${text}${choice ? html`<span class="chosen"></span>` : nothing}</span>`;
}

/** Say what the word of a choice means. */
function explain(event: Event): void {
  say(event.currentTarget as HTMLSelectElement);
}

function say(select: HTMLSelectElement): void {
  const words = select.closest(".field")?.querySelector(".chosen");
  const known: Readonly<Record<string, string>> = settingOf(select.name as Name).choices;
  if (words) words.textContent = known[select.value] === undefined ? "" : `: ${known[select.value]}`;
}

function placeholder({ score, reference }: ExplanationHeader, name: Name): string {
  if (name === "target") return score.target ?? "";
  if (name === "position") return score.position === null ? "" : `${score.position}`;
  if (name === "reference") return reference?.kind ?? "";
  if (name === "piece") return "all";
  return "none";
}

/** One click fills the field: the model's first choices, or words that mean something here. */
function picked(
  summary: ExplanationHeader,
  name: Name,
  choices: [string, string][],
): Drawing | typeof nothing {
  const likely = (CHOSEN as readonly string[]).includes(name)
    ? summary.likeliest.map(({ text, words, probability }) => ({ words, text, aside: percent(probability) }))
    : name === "piece"
      ? piecesAsked(summary)
      : choices.map(([word]) => ({ words: word, text: word, aside: "" }));
  if (likely.length === 0) return nothing;
  return html`<span class="picks" role="group" aria-label=${`choices of ${name}`}>${likely.map(
    ({
      words,
      text,
      aside,
    }) => html`<button type="button" data-pick=${words} @click=${(event: Event) => pick(event, name, words)}>${text}
      ${aside === "" ? nothing : html`<span class="worth">${aside}</span>`}</button>`,
  )}</span>`;
}

/** The pieces of the target, of which one alone can be asked for. */
function piecesAsked({ score }: ExplanationHeader): { words: string; text: string; aside: string }[] {
  if (score.pieces.length < 2) return [];
  return score.pieces.map((text, number) => ({ words: `${number}`, text: `${number}`, aside: text }));
}

function pick(event: Event, name: Name, words: string): void {
  const form = (event.currentTarget as Element).closest("form");
  const input = form?.elements.namedItem(name);
  if (input instanceof HTMLInputElement) input.value = words;
}

/** Tokens by their number. */
function places({ streams }: ExplanationHeader, id: string): Drawing {
  const tokens = streams.at(-1)?.tokens ?? [];
  return html`<datalist id=${id}>${tokens.map(({ index, text }) => html`<option value=${index}>${text}</option>`)}</datalist>`;
}

type Control = HTMLInputElement | HTMLSelectElement | HTMLTextAreaElement;

const controls = (form: HTMLFormElement): Control[] => [
  ...form.querySelectorAll<Control>("input[name], select[name], textarea[name]"),
];

/** What stands in the fields. */
export function valuesIn(form: HTMLFormElement): Values {
  const found: Record<string, string[]> = {};
  for (const { name, value } of controls(form)) found[name] = [...(found[name] ?? []), value];
  return found;
}

/** Write a question into the fields. */
export function fill(form: HTMLFormElement, asked: readonly Argument[]): void {
  const seen = new Map<string, number>();
  for (const control of controls(form)) {
    const index = seen.get(control.name) ?? 0;
    seen.set(control.name, index + 1);
    const words = wordsOf(asked, control.name)[index] ?? "";
    control.value = isOwn(asked, control.name) && control.name !== "text" ? "" : words;
    if (control instanceof HTMLSelectElement) say(control);
  }
}
