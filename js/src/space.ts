/** How wide a widget is, as its pictures are told. */

import type { Store } from "./store";

/** Tell the pictures of a widget how wide they may be, until the signal aborts. */
export function followSpace(root: HTMLElement, store: Store, signal: AbortSignal): void {
  const widen = () => {
    const space = Math.max(200, (root.clientWidth || 900) - 24);
    if (Math.abs(space - store.state.space) >= 2) store.update({ space });
  };
  widen();
  if (typeof ResizeObserver === "undefined") return;
  const observer = new ResizeObserver(widen);
  observer.observe(root);
  signal.addEventListener("abort", () => observer.disconnect());
}
