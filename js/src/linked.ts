/**
 * Widgets of one page about one text: a word that is chosen in a comparison is chosen in the explanation, too,
 * and the other way round.
 *
 * They know nothing of each other but an event of the document. Hosts that put every output into a frame of
 * its own keep them apart.
 */

import type { Part, Selection } from "./contract";
import type { Questions } from "./questions";
import { same } from "./selection";
import type { Store } from "./store";

const CHOSEN = "semiring-widgets-words";

interface Chosen {
  from: HTMLElement;
  kind: string;
  text: string;
  words: Selection;
}

/** A word itself, not what is at it in a layer. */
const isWord = ({ layer, token }: Part): boolean => layer === null && token !== null;

export function linkWidgets(
  root: HTMLElement,
  store: Store,
  questions: Questions,
  signal: AbortSignal,
): void {
  let told: Selection = store.state.selection.filter(isWord);
  const tell = () => {
    const { summary, selection } = store.state;
    const words = selection.filter(isWord);
    if (summary === null || summary.type === "beside" || same(words, told)) return;
    told = words;
    const detail: Chosen = { from: root, kind: summary.type, text: summary.text, words };
    document.dispatchEvent(new CustomEvent(CHOSEN, { detail }));
  };
  store.listen(tell, signal);
  document.addEventListener(
    CHOSEN,
    (event) => {
      const { from, kind, text, words } = (event as CustomEvent<Chosen>).detail;
      const { summary, selection } = store.state;
      // Two explanations of one text are there to be asked different things.
      if (from === root || summary === null || summary.type === "beside" || summary.type === kind) return;
      if (summary.text !== text || same(words, told)) return;
      // What else was selected than words stays, until words are.
      if (words.length === 0 && !selection.every(isWord)) return;
      told = words;
      questions.select(words);
    },
    { signal },
  );
}
