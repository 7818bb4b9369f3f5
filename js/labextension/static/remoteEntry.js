// An extension of JupyterLab and Notebook 7, as a webpack container written by hand: it needs nothing of
// webpack's, and so no build. saved-file.js opens saved results; this file is for saved notebooks.
//
// Without it a widget whose kernel is gone reads "Error displaying widget: model not found", although the same
// output holds a picture: the renderer of ipywidgets comes first and falls back on nothing. Here that renderer
// is let draw; where it fails for an output of ours (semiring_widgets/widgets/mime.py marks them), the
// picture takes the place of the error.
(() => {
  const WIDGET = "application/vnd.jupyter.widget-view+json";
  const MARK = "semiring_widgets";

  /** What an output has saved, and what to do for more. */
  function showSaved(node, { data }) {
    const saved = document.createElement(data["image/png"] ? "img" : "pre");
    const text = [data["text/plain"] ?? ""].flat().join("");
    if (data["image/png"]) {
      saved.src = `data:image/png;base64,${[data["image/png"]].flat().join("").replace(/\s/g, "")}`;
      saved.alt = text;
      saved.style.cssText = "max-width: 100%; height: auto";
    } else saved.textContent = text;
    const hint = document.createElement("p");
    hint.textContent = "Saved with the notebook. Run the cell to click through it.";
    hint.style.cssText =
      "margin: 0 12px; color: var(--jp-ui-font-color2); font-size: var(--jp-ui-font-size1)";
    node.classList.remove("jupyter-widgets");
    node.replaceChildren(saved, hint);
  }

  function withFallback(renderer) {
    const renderWidget = renderer.renderModel.bind(renderer);
    renderer.renderModel = async (model) => {
      await renderWidget(model);
      const failed = renderer.node.textContent.startsWith("Error displaying widget");
      if (failed && model.data[WIDGET]?.[MARK]) showSaved(renderer.node, model);
    };
    return renderer;
  }

  const plugin = {
    id: "semiring-widgets:saved",
    description: "Shows the saved picture where a widget has no live computation behind it.",
    autoStart: true,
    activate: (app) => {
      app.docRegistry.addWidgetExtension("Notebook", {
        createNew: ({ content: { rendermime } }) => {
          // Not a factory: ipywidgets puts its own there, before or after this is called.
          const createRenderer = rendermime.createRenderer.bind(rendermime);
          rendermime.createRenderer = (kind, ...rest) => {
            const renderer = createRenderer(kind, ...rest);
            return kind === WIDGET ? withFallback(renderer) : renderer;
          };
        },
      });
    },
  };

  const beside = (name) => new URL(name, document.currentScript?.src ?? location.href).href;
  const savedFile = beside("saved-file.js");
  let shared = {};

  /** A module that the application shares, the one that is in use where there are several. */
  const share = async (name) => {
    const versions = Object.values(shared[name] ?? {});
    const found = versions.find(({ loaded }) => loaded) ?? versions[0];
    if (found === undefined) throw new Error(`This application shares no ${name}.`);
    return (await found.get())();
  };

  window._JUPYTERLAB = window._JUPYTERLAB ?? {};
  window._JUPYTERLAB["semiring-widgets"] = {
    init: async (scope) => {
      shared = scope;
    },
    get: async () => {
      const plugins = [plugin];
      try {
        plugins.push(await (await import(savedFile)).savedFilePlugin(share));
      } catch (error) {
        console.warn("semiring_widgets: saved files do not open by double click here.", error);
      }
      return () => ({ __esModule: true, default: plugins });
    },
  };
})();
