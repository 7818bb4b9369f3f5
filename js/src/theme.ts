/** Light or dark: as asked, else as the notebook around it, else as the system. */

import type { Model } from "./transport";

export function followTheme(root: HTMLElement, model: Model, signal: AbortSignal): void {
  const draw = () => {
    root.dataset.theme = themeOf(model.get("theme"), root);
  };
  draw();
  model.on("change:theme", draw);
  signal.addEventListener("abort", () => model.off("change:theme", draw));
  window
    .matchMedia?.("(prefers-color-scheme: dark)")
    ?.addEventListener?.("change", draw, { signal } as AddEventListenerOptions);
}

function themeOf(asked: unknown, root: HTMLElement): "light" | "dark" {
  if (asked === "light" || asked === "dark") return asked;
  const host = root.closest("[data-jp-theme-light]") ?? document.querySelector("[data-jp-theme-light]");
  if (host !== null) return host.getAttribute("data-jp-theme-light") === "false" ? "dark" : "light";
  return window.matchMedia?.("(prefers-color-scheme: dark)").matches ? "dark" : "light";
}
