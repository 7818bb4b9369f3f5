/**
 * Light or dark, as the page around the widget is; what the operating system prefers is asked last.
 *
 * Notebooks say it in attributes of their own. Where none does, the colour that really lies behind the
 * widget decides.
 */

import type { Store, Theme } from "./store";
import type { Model } from "./transport";

/** What hosts say about themselves, asked of the elements around the widget from the inside out. */
const SIGNS: ((element: Element) => Theme | null)[] = [
  // JupyterLab and Notebook 7.
  (element) => oneOf(element.getAttribute("data-jp-theme-light"), ["true"], ["false"]),
  // VS Code: vscode-light, vscode-dark, vscode-high-contrast, vscode-high-contrast-light.
  (element) =>
    oneOf(
      element.getAttribute("data-vscode-theme-kind"),
      ["vscode-light", "vscode-high-contrast-light"],
      ["vscode-dark", "vscode-high-contrast"],
    ),
  // Colab says theme, documentation pages data-theme, Bootstrap's data-bs-theme, marimo, MyST and Tailwind a class.
  (element) => {
    for (const name of ["theme", "data-theme", "data-bs-theme", "data-color-mode"]) {
      const said = oneOf(element.getAttribute(name), ["light"], ["dark"]);
      if (said !== null) return said;
    }
    if (element.classList.contains("dark")) return "dark";
    return element.classList.contains("light") ? "light" : null;
  },
];

/** The theme of a widget: the one asked for, else the host's, else the operating system's. */
export function themeOf(asked: unknown, root: HTMLElement): Theme {
  if (asked === "light" || asked === "dark") return asked;
  const around = [...outwards(root)];
  for (const sign of SIGNS) {
    for (const element of around) {
      const said = sign(element);
      if (said !== null) return said;
    }
  }
  return behind(around) ?? (system()?.matches ? "dark" : "light");
}

/** Keep the widget's theme that of the host, also when the host is switched, until the signal aborts. */
export function followTheme(
  root: HTMLElement,
  model: Model,
  store: Pick<Store, "update">,
  signal: AbortSignal,
): void {
  const draw = () => {
    const theme = themeOf(model.get("theme"), root);
    if (root.dataset.theme === theme) return;
    root.dataset.theme = theme;
    store.update({ theme });
  };
  model.on("change:theme", draw);
  system()?.addEventListener?.("change", draw, { signal });
  const observer = new MutationObserver(draw);
  const watch = () => {
    for (const element of outwards(root)) observer.observe(element, { attributes: true });
    draw();
  };
  watch();
  // JupyterLab draws a view before it puts it into the page; only there it has a size.
  const placed = new ResizeObserver(() => {
    if (!root.isConnected) return;
    placed.disconnect();
    watch();
  });
  placed.observe(root);
  // A stylesheet that arrives changes the colour behind the widget, and no attribute.
  document.head.addEventListener("load", draw, { capture: true, signal });
  // Colours that fade are right only at the end.
  document.addEventListener("transitionend", draw, { signal });
  signal.addEventListener("abort", () => {
    model.off("change:theme", draw);
    observer.disconnect();
    placed.disconnect();
  });
}

/** The elements around a widget, through shadow roots, up to the document's, even before it is placed there. */
function* outwards(root: HTMLElement): Generator<HTMLElement> {
  let node: Node | null = root.isConnected ? root.parentNode : document.body;
  while (node !== null) {
    if (node instanceof HTMLElement) yield node;
    node = node instanceof ShadowRoot ? node.host : node.parentNode;
  }
}

/** By the first background that covers what is below it; null where nothing is painted. */
function behind(around: HTMLElement[]): Theme | null {
  for (const element of around) {
    const [red = 0, green = 0, blue = 0, alpha = 1] = channels(getComputedStyle(element).backgroundColor);
    if (alpha < 0.5) continue;
    return 0.299 * red + 0.587 * green + 0.114 * blue < 128 ? "dark" : "light";
  }
  return null;
}

/** Red, green and blue (0-255) and alpha of a computed colour; a form that is not known counts as see-through. */
export function channels(colour: string): number[] {
  const found = /^(rgba?|color)\((.*)\)$/.exec(colour);
  if (found === null) return [0, 0, 0, 0];
  const numbers = (found[2]?.match(/-?[\d.]+%?/g) ?? []).map((part) =>
    part.endsWith("%") ? Number.parseFloat(part) / 100 : Number(part),
  );
  // color(srgb r g b / a) counts from 0 to 1.
  return found[1] === "color" ? numbers.map((part, index) => (index < 3 ? part * 255 : part)) : numbers;
}

function oneOf(said: string | null, light: string[], dark: string[]): Theme | null {
  if (said === null) return null;
  if (light.includes(said)) return "light";
  return dark.includes(said) ? "dark" : null;
}

function system(): MediaQueryList | undefined {
  return window.matchMedia?.("(prefers-color-scheme: dark)");
}
