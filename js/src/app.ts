/** One widget, from the first message to the abort signal: its elements are made here, once. */

import { Asking } from "./asking";
import { h, put } from "./dom";
import { listenToGestures } from "./gestures";
import { markMissing } from "./holding";
import { Store } from "./store";
import styles from "./styles/widget.css";
import { followTheme } from "./theme";
import type { Model } from "./transport";
import { mountChart } from "./views/chart";
import { mountComparison } from "./views/comparison";
import { mountFlow } from "./views/flow";
import { mountHeadMap, mountHeads } from "./views/heads";
import { mountRibbon } from "./views/ribbon";
import { mountRoutes } from "./views/routes";
import { mountHeadline, mountNotice, mountTotals } from "./views/summary";

export type Mount = (root: HTMLElement, store: Store, signal: AbortSignal) => void;

/** Show a model's result inside `el` until the signal aborts; gives the widget's root. */
export function mountApp(model: Model, el: HTMLElement, signal: AbortSignal): HTMLElement {
  const store = new Store();
  const body = h("div", { class: "body" });
  const root = h("div", { class: "semiring-widgets" }, h("style", {}, styles), body);
  el.append(root);
  followTheme(root, model, store, signal);
  measure(root, store, signal);
  const asking = new Asking(model, store, signal);
  store.listen(() => describe(root, store), signal);
  describe(root, store);
  listenToGestures(root, store, asking, signal);
  let mounted = false;
  store.effect(({ summary }) => {
    if (mounted || summary === null) return;
    mounted = true;
    mountPanes(body, summary.type === "comparison", store, signal);
    const missing = summary.type === "comparison" ? null : markMissing(body, model);
    if (missing !== null)
      body.querySelector('[data-pane="tokens"]')?.before(h("p", { class: "hint" }, missing));
  }, signal);
  signal.addEventListener("abort", () => root.remove());
  return root;
}

function mountPanes(body: HTMLElement, compares: boolean, store: Store, signal: AbortSignal): void {
  const placed = (parent: HTMLElement, mount: Mount, element: HTMLElement) => {
    parent.append(element);
    mount(element, store, signal);
  };
  const section = (name: string, label: string) => h("section", { "data-pane": name, "aria-label": label });
  placed(body, mountHeadline, h("header"));
  if (compares) {
    placed(body, mountComparison, section("comparison", "attribution methods by tokens"));
    return;
  }
  const columns = h("div", { class: "columns" });
  placed(body, mountTotals, h("dl", { class: "totals" }));
  placed(body, mountNotice, h("div", { class: "notice", role: "status" }));
  placed(body, mountRibbon, section("tokens", "sentence"));
  placed(body, mountFlow, section("flow", "route grid: tokens by layers"));
  body.append(columns);
  placed(columns, mountHeads, section("heads", "heads: layers by heads"));
  placed(columns, mountHeadMap, section("head", "one head: query by key tokens"));
  placed(columns, mountRoutes, section("routes", "routes"));
  placed(columns, mountChart, section("chart", "flow by route and layer"));
}

/** The widget's state where the page around it can read it, at once. */
function describe(root: HTMLElement, { state }: Store): void {
  put(root, {
    "data-selection": JSON.stringify(state.selection),
    "data-conditioned": state.answered,
    "data-view": state.summary?.type ?? "explanation",
    "data-state": state.summary?.status.state ?? "running",
    "data-revision": state.summary?.revision ?? 0,
  });
}

function measure(root: HTMLElement, store: Store, signal: AbortSignal): void {
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
