/** One widget, from the first message to the abort signal: its elements are made here, once. */

import { followAddress } from "./address";
import { mountAsk } from "./ask/bar";
import { placeBeside } from "./beside/place";
import { h, put } from "./dom";
import { mountSieve } from "./drill/sieve";
import { mountInside } from "./drill/units";
import { listenToGestures } from "./gestures";
import { linkWidgets } from "./linked";
import { mountPicture } from "./picture/menu";
import { mountPieces } from "./pieces/view";
import { Questions } from "./questions";
import { followSpace } from "./space";
import { Store } from "./store";
import styles from "./styles/widget.css";
import { followTheme } from "./theme";
import type { Model } from "./transport";
import { markUnavailable } from "./unavailable";
import { mountAnswer } from "./views/answer";
import { mountChart } from "./views/chart";
import { mountComparisonTable } from "./views/comparison-table";
import { mountGrid } from "./views/grid";
import { mountGroups } from "./views/groups";
import { mountHeadMap } from "./views/head-map";
import { mountHeadline } from "./views/headline";
import { mountHeads } from "./views/heads";
import { mountHelp } from "./views/help";
import { mountLegend } from "./views/legend";
import { mountNumberTable } from "./views/number-table";
import { mountRibbon } from "./views/ribbon";
import { mountRoutes } from "./views/routes";
import { mountScatter } from "./views/scatter";
import { mountSelectionBar } from "./views/selection-bar";
import { mountSwitch } from "./views/switch";
import { mountTests } from "./views/tests";
import { mountTooltip } from "./views/tooltip";
import { mountTotals } from "./views/totals";

/** A view fills its element until the signal aborts; what it needs of Python it asks for. */
type Mount = (root: HTMLElement, store: Store, signal: AbortSignal, questions: Questions) => void;

/** Show a model's result inside `el` until the signal aborts; gives the widget's root. */
export function mountApp(model: Model, el: HTMLElement, signal: AbortSignal): HTMLElement {
  const store = new Store({
    charts: model.charts ?? "selection",
    kernel: model.tested === undefined,
    holds: (selection) =>
      model.holds?.(selection) !== false || (model.tested?.({ selection, steps: [] }) ?? null) !== null,
  });
  const body = h("div", { class: "body" });
  const root = h("div", { class: "semiring-widgets" }, h("style", {}, styles), body);
  el.append(root);
  followTheme(root, model, store, signal);
  followSpace(root, store, signal);
  const questions = new Questions(model, store, signal);
  store.listen(() => describe(root, store), signal);
  describe(root, store);
  listenToGestures(root, store, questions, signal);
  linkWidgets(root, store, questions, signal);
  mountTooltip(root, signal);
  const placed = (parent: HTMLElement, mount: Mount, element: HTMLElement) => {
    parent.append(element);
    mount(element, store, signal, questions);
  };
  const answer = h("div", { class: "answer" });
  placed(body, mountAnswer, answer);
  placed(body, mountHeadline, h("div", { class: "headline" }));
  let mounted = false;
  store.effect(({ summary }) => {
    if (mounted || summary === null) return;
    mounted = true;
    if (summary.type === "comparison") {
      placed(body, mountComparisonTable, section("comparison", "attribution methods by tokens"));
      placed(body, mountPicture, h("div", { class: "choices picture" }));
    } else if (summary.type === "beside") {
      put(answer, { "data-pane": "answer", "data-order": "line" });
      placeBeside(body, placed);
    } else {
      // What sentences name is reached by the keyboard like any part of a pane.
      put(answer, { "data-pane": "answer", "data-order": "line" });
      placeExplanation(body, store, placed, signal);
      if (model.addressed === true) followAddress(store, questions, signal);
    }
  }, signal);
  signal.addEventListener("abort", () => root.remove());
  return root;
}

/** The panes of an explanation, in the order of reading. */
function placeExplanation(
  body: HTMLElement,
  store: Store,
  placed: (parent: HTMLElement, mount: Mount, element: HTMLElement) => void,
  signal: AbortSignal,
): void {
  const large = isLarge(store);
  store.update({ complete: !large });
  const hint = h("p", { class: "hint" });
  const choices = h("div", { class: "choices" });
  const columns = h("div", { class: "columns" });
  const more = h("details", { class: "numbers" }, h("summary", {}, "Numbers of all paths"));
  placed(body, mountAsk, h("div", { class: "ask" }));
  body.append(choices);
  placed(choices, mountSwitch, h("div"));
  placed(choices, mountLegend, h("p", { class: "scale-of-all" }));
  placed(choices, mountSieve, h("div", { class: "sieve" }));
  placed(choices, mountPicture, h("div", { class: "picture" }));
  placed(choices, mountHelp, h("div", { class: "help" }));
  placed(body, mountSelectionBar, h("div", { class: "notice" }));
  placed(body, mountGroups, h("div", { class: "groups" }));
  body.append(hint);
  placed(body, mountRibbon, section("tokens", "words"));
  placed(body, mountPieces, section("pieces", "words by the pieces of the answer"));
  placed(body, mountGrid, section("flow", "route grid: words by layers"));
  body.append(columns);
  const others = () => {
    placed(columns, mountRoutes, section("routes", "routes", "line"));
    placed(columns, mountTests, section("tests", "tests"));
    placed(columns, mountHeads, section("heads", "heads and MLPs: layers by heads"));
    placed(columns, mountScatter, section("scatter", "predicted against actual", "line"));
    placed(columns, mountHeadMap, section("head", "one head: query by key tokens"));
    placed(columns, mountInside, section("inside", "inside: units and single paths"));
    placed(columns, mountChart, section("chart", "flow by route and layer"));
    placed(body, mountNumberTable, h("div", { class: "number-table" }));
    body.append(more);
    placed(more, mountTotals, h("div"));
    store.update({ complete: true });
    if (store.state.kernel) hint.remove();
    else if (large) store.frames.request(() => markUnavailable(body, hint, store, signal));
    else markUnavailable(body, hint, store, signal);
  };
  // Of a large model, what is read first is on screen before the rest is made.
  if (large) store.frames.afterwards(others);
  else others();
}

// Cells of the route grid.
const LARGE = 1_000;

function isLarge({ state: { summary } }: Store): boolean {
  if (summary?.type !== "explanation") return false;
  return summary.layers.length * (summary.streams[0]?.tokens.length ?? 0) > LARGE;
}

/** A pane; in one of the order of a line, arrows go from one item to the next. */
const section = (name: string, label: string, order = "plane"): HTMLElement =>
  h("section", { "data-pane": name, "aria-label": label, "data-order": order });

/** The widget's state where the page around it can read it, at once. */
function describe(root: HTMLElement, { state }: Store): void {
  put(root, {
    "data-selection": JSON.stringify(state.selection),
    "data-avoiding": JSON.stringify(state.avoiding),
    "data-among": JSON.stringify(state.among),
    "data-conditioned": state.answered,
    "data-view": state.summary?.type ?? "explanation",
    "data-state": state.summary?.status.state ?? "running",
    "data-revision": state.summary?.revision ?? 0,
  });
}
