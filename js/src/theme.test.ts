// @vitest-environment happy-dom
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { Store } from "./store";
import { followTheme, themeOf } from "./theme";

let root: HTMLElement;

function system(dark: boolean) {
  vi.stubGlobal("matchMedia", () => ({ matches: dark, addEventListener: () => {} }));
}

beforeEach(() => {
  root = document.createElement("div");
  document.body.replaceChildren(root);
  system(true);
});

afterEach(() => {
  for (const element of [document.documentElement, document.body]) {
    for (const { name } of [...element.attributes]) element.removeAttribute(name);
  }
  vi.unstubAllGlobals();
});

describe("the theme", () => {
  const hosts: [string, "body" | "html", string, string, string][] = [
    ["JupyterLab", "body", "data-jp-theme-light", "true", "false"],
    ["VS Code", "body", "data-vscode-theme-kind", "vscode-light", "vscode-dark"],
    [
      "VS Code, contrast",
      "body",
      "data-vscode-theme-kind",
      "vscode-high-contrast-light",
      "vscode-high-contrast",
    ],
    ["Colab", "html", "theme", "light", "dark"],
    ["marimo", "body", "class", "light light-theme", "dark dark-theme"],
    ["a documentation page", "html", "data-theme", "light", "dark"],
    [
      "a colour",
      "body",
      "style",
      "background-color: rgb(250, 250, 250)",
      "background-color: rgb(20, 20, 24)",
    ],
  ];
  it.each(hosts)("is that of %s, whatever the system prefers", (_, where, name, light, dark) => {
    const element = where === "body" ? document.body : document.documentElement;
    element.setAttribute(name, light);
    expect(themeOf("auto", root)).toBe("light");
    system(false);
    element.setAttribute(name, dark);
    expect(themeOf("auto", root)).toBe("dark");
  });

  it("is the one asked for before the host's, and the system's where no host says one", () => {
    expect(themeOf("auto", root)).toBe("dark");
    document.body.setAttribute("data-jp-theme-light", "true");
    expect(themeOf("dark", root)).toBe("dark");
    expect(themeOf("light", root)).toBe("light");
  });

  it("is found outside of a shadow root, and the nearest counts", () => {
    document.body.className = "dark";
    const host = document.createElement("div");
    host.className = "light";
    document.body.append(host);
    host.attachShadow({ mode: "open" }).append(root);
    expect(themeOf("auto", root)).toBe("light");
  });

  it("is the document's for a widget that is not placed yet", () => {
    document.body.setAttribute("data-jp-theme-light", "false");
    system(false);
    expect(themeOf("auto", document.createElement("div"))).toBe("dark");
  });

  it("changes when the host is switched, until the widget goes", async () => {
    const stop = new AbortController();
    const store = new Store();
    const model = { get: () => "auto", on: () => {}, off: () => {} };
    document.body.setAttribute("data-jp-theme-light", "true");
    followTheme(root, model as never, store, stop.signal);
    expect(root.dataset.theme).toBe("light");
    document.body.setAttribute("data-jp-theme-light", "false");
    await vi.waitFor(() => expect(root.dataset.theme).toBe("dark"));
    expect(store.state.theme).toBe("dark");
    stop.abort();
    document.body.setAttribute("data-jp-theme-light", "true");
    await new Promise((resolve) => setTimeout(resolve, 5));
    expect(root.dataset.theme).toBe("dark");
  });
});
