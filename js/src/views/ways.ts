/** The ways through what was selected: back, and forward again. */

import { html } from "lit-html";
import type { Drawing } from "../pane";
import type { Questions } from "../questions";
import type { State } from "../store";

export function ways({ back, forward }: State["history"], questions: Questions): Drawing {
  return html`<span class="ways-back">${way("back", "←", back, () => questions.back())}${way("forward", "→", forward, () => questions.forward())}</span>`;
}

function way(name: "back" | "forward", sign: string, can: boolean, go: () => void): Drawing {
  const tip = name === "back" ? "The selection before: [" : "Forward again: ]";
  return html`<button type="button" data-action=${name} aria-label="${name} to another selection"
    aria-disabled=${!can} tabindex=${can ? 0 : -1} data-tip=${tip} @click=${() => can && go()}>${sign}</button>`;
}
