/**
 * Which keys a notebook may have while the widget has the focus: its shortcuts with Ctrl, Cmd or Alt and the
 * function keys, but for those that the widget or the browser answers here.
 *
 * Letters would insert, cut and delete cells, so all other keys stay. Notebooks built on Lumino (JupyterLab,
 * Notebook 7) leave alone what is pressed on an element with an attribute for it; they look at the element that
 * has the focus, at the moment of the key.
 */

import { commandOf } from "./commands";

const KEPT = "data-lm-suppress-shortcuts";

// Copying a text, and editing one, is the browser's; notebooks do the same to cells.
const EDITING = new Set(["a", "c", "v", "x", "y", "z"]);

/** Whether a key is none of the widget's. */
export function isHosts(event: KeyboardEvent): boolean {
  const { key, shiftKey, altKey } = event;
  const control = event.ctrlKey || event.metaKey;
  if (commandOf(event) !== null) return false;
  if (/^F\d+$/.test(key)) return true;
  // Both together type a sign on some keyboards.
  if (control === altKey) return false;
  return altKey || (key !== "Enter" && (shiftKey || !EDITING.has(key)));
}

/** Keep the other keys that are pressed inside of `el` from the notebook, until the signal aborts. */
export function keepKeys(el: HTMLElement, signal: AbortSignal): void {
  const decide = (event: KeyboardEvent) => {
    // The innermost that the notebook sees too: it does not look into shadow trees.
    const target = event.composedPath().find((one) => one instanceof Element && el.contains(one));
    if (!(target instanceof Element)) return;
    const kept = !isHosts(event);
    target.toggleAttribute(KEPT, kept);
    // What an earlier key has left above it.
    for (let one = target; one !== el && one.parentElement !== null; ) {
      one = one.parentElement;
      one.removeAttribute(KEPT);
    }
  };
  // Before any listener of the notebook, which may capture on the document.
  window.addEventListener("keydown", decide, { capture: true, signal });
}
