/** The list of gestures, made of the registry of commands; `?` opens and closes it. */

import { html, nothing } from "lit-html";
import { COMMANDS } from "../commands";
import { pane } from "../pane";
import type { Store } from "../store";

export function mountHelp(root: HTMLElement, store: Store, signal: AbortSignal): void {
  const turn = () => store.update({ helping: !store.state.helping });
  pane(root, store, signal, ({ helping }) => {
    const list = html`<table class="gestures"><thead><tr><th scope="col">by pointer</th><th scope="col">by keyboard</th><th scope="col">what it does</th></tr></thead>
      <tbody>${COMMANDS.map(
        ({ keys, pointer, does }) =>
          html`<tr><td>${pointer ?? ""}</td><td><kbd>${keys}</kbd></td><td>${does}.</td></tr>`,
      )}</tbody></table>`;
    return html`<button type="button" data-action="help" aria-expanded=${helping}
        @click=${turn}>? <span>Gestures</span></button>${helping ? list : nothing}`;
  });
}
