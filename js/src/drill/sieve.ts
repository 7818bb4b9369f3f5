/** What of the numbers is shown: two sliders, and a legend that turns kinds of parts on and off; folded at first. */

import { html, nothing } from "lit-html";
import { explanationPane } from "../pane";
import { EVERYTHING, isOpen, KINDS, turned } from "../sieve";
import type { Store } from "../store";

// Beyond that many, a picture is read as a whole.
const MOST = 50;

export function mountSieve(root: HTMLElement, store: Store, signal: AbortSignal): void {
  const numberOf = (event: Event) => Number((event.currentTarget as HTMLInputElement).value);
  const most = (event: Event) => {
    const value = numberOf(event);
    store.update({ sieve: { ...store.state.sieve, most: value > MOST ? null : value } });
  };
  const least = (event: Event) =>
    store.update({ sieve: { ...store.state.sieve, least: numberOf(event) / 100 } });
  explanationPane(root, store, signal, ({ sieve }) => {
    const count = sieve.most === null ? "all" : `the ${sieve.most} strongest`;
    const share =
      sieve.least === 0 ? "however small" : `at least ${Math.round(100 * sieve.least)} % of the strongest`;
    return html`<details><summary>Filter</summary><span class="kinds" role="group" aria-label="kinds of parts that are shown">${KINDS.map(
      (kind) =>
        html`<button type="button" data-kind=${kind} role="switch" aria-checked=${!sieve.without.includes(kind)}
          @click=${() => store.update({ sieve: turned(store.state.sieve, kind) })}><i class="swatch" data-kind=${kind}></i>${kind}</button>`,
    )}</span>
      <label>how many <input type="range" data-sieve="most" min="1" max=${MOST + 1} .value=${`${sieve.most ?? MOST + 1}`} aria-valuetext=${count}
        @input=${most}> <output>${count}</output></label>
      <label>how strong <input type="range" data-sieve="least" min="0" max="100" .value=${`${Math.round(100 * sieve.least)}`} aria-valuetext=${share}
        @input=${least}> <output>${share}</output></label></details>
      ${isOpen(sieve) ? nothing : html`<button type="button" data-action="everything" @click=${() => store.update({ sieve: EVERYTHING })}>Show everything</button>`}`;
  });
}
