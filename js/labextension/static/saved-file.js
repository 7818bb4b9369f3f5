// A double click on a saved result opens it as the interactive page, which semiring_widgets/lab makes in the server.
//
// The page stands in a frame of its own without the rights of this one: whatever a file holds, it cannot reach
// notebooks, cookies or kernels.

const TYPE = "semiring-widgets-result";
const FACTORY = "Explanation";
// `save` takes any; these are those of the documentation.
const ENDINGS = [".nc", ".npz"];
const NOT_THERE =
  "The server has no part of semiring_widgets that could open it: install semiring-widgets where the server runs, and start it again.";

/** @param share gives a module that the application shares. */
export async function savedFilePlugin(share) {
  const names = ["application", "apputils", "coreutils", "docregistry", "services"];
  const [{ ILayoutRestorer }, { WidgetTracker }, { URLExt }, registry, { ServerConnection }] =
    await Promise.all(names.map((name) => share(`@jupyterlab/${name}`)));
  const { Widget } = await share("@lumino/widgets");

  /** Knows that there is a file and never reads it: files of others that end alike have gigabytes. */
  class Unread extends registry.Base64ModelFactory {
    get name() {
      return TYPE;
    }
    get fileFormat() {
      return null;
    }
  }

  /** The page of a file, or a sentence. */
  class Panel extends Widget {
    constructor(context, services) {
      super();
      this.context = context;
      this.services = services;
      this.page = null;
      this.asked = 0;
      this.addClass("semiring-widgets-saved-file");
      this.node.style.overflow = "auto";
      this.ask = () => void this.load();
      this.say(`Opening ${context.path} …`);
      context.ready.then(this.ask, () => {});
      // Saved anew while it is open.
      context.fileChanged.connect(this.ask);
      this.themes = new MutationObserver(() => this.page !== null && this.show(this.page));
      this.themes.observe(document.body, { attributes: true, attributeFilter: ["data-jp-theme-light"] });
    }

    dispose() {
      this.themes.disconnect();
      if (!this.isDisposed) this.context.fileChanged.disconnect(this.ask);
      super.dispose();
    }

    async load() {
      this.asked += 1;
      const [turn, { serverSettings, contents }] = [this.asked, this.services];
      try {
        const path = contents.localPath(this.context.path);
        const url = URLExt.join(serverSettings.baseUrl, "semiring-widgets/saved", URLExt.encodeParts(path));
        const response = await ServerConnection.makeRequest(url, {}, serverSettings);
        const json = response.headers.get("content-type")?.includes("json") === true;
        const answer = json ? await response.json() : { message: NOT_THERE };
        if (this.isDisposed || turn !== this.asked) return;
        if (typeof answer.page === "string") this.show(answer.page);
        else this.say(`${answer.message} Other programs are under “Open With” in the list of files.`);
      } catch (error) {
        if (!this.isDisposed && turn === this.asked) this.say(`The server did not answer: ${error.message}`);
      }
    }

    show(page) {
      this.page = page;
      const frame = document.createElement("iframe");
      frame.title = this.context.path;
      frame.setAttribute("sandbox", "allow-scripts allow-downloads");
      frame.setAttribute("allow", "clipboard-write");
      frame.style.cssText = "display: block; width: 100%; height: 100%; border: 0";
      // The page cannot see what is around it.
      const theme = document.body.dataset.jpThemeLight === "false" ? "dark" : "light";
      frame.srcdoc = page.replace(
        "<html ",
        `<html data-theme="${theme}" style="color-scheme: ${theme}; background: Canvas" `,
      );
      this.node.replaceChildren(frame);
    }

    say(sentence) {
      this.page = null;
      const words = document.createElement("p");
      words.setAttribute("role", "status");
      words.style.cssText =
        "margin: 16px; color: var(--jp-ui-font-color1); font-size: var(--jp-ui-font-size1)";
      words.textContent = sentence;
      this.node.replaceChildren(words);
    }
  }

  class Factory extends registry.ABCWidgetFactory {
    constructor(options, services) {
      super(options);
      this.services = services;
    }
    createNewWidget(context) {
      return new registry.DocumentWidget({ content: new Panel(context, this.services), context });
    }
  }

  return {
    id: "semiring-widgets:saved-file",
    description: "Opens saved results of semiring_widgets as interactive pages.",
    autoStart: true,
    optional: [ILayoutRestorer],
    activate: (app, restorer) => {
      const { docRegistry, serviceManager, restored } = app;
      const tracker = new WidgetTracker({ namespace: TYPE });
      // A type for each ending, as others may open one of them alone.
      const typeOf = (ending) => TYPE + ending;
      for (const ending of ENDINGS) {
        docRegistry.addFileType({
          name: typeOf(ending),
          displayName: "Explanation of semiring_widgets",
          extensions: [ending],
          contentType: "file",
          fileFormat: "base64",
        });
      }
      docRegistry.addModelFactory(new Unread());
      const register = (free) => {
        const options = {
          name: FACTORY,
          label: "Explanation",
          modelName: TYPE,
          fileTypes: ENDINGS.map(typeOf),
          defaultFor: free.map(typeOf),
          readOnly: true,
        };
        const factory = new Factory(options, serviceManager);
        factory.widgetCreated.connect((_, widget) => {
          widget.context.pathChanged.connect(() => void tracker.save(widget));
          void tracker.add(widget);
        });
        return docRegistry.addWidgetFactory(factory);
      };
      // Many programs write such files, most of them no results of ours: whoever else opens them comes first.
      const unclaimed = () =>
        ENDINGS.filter((ending) => {
          const types = docRegistry.getFileTypesForPath(`a${ending}`).map(({ name }) => name);
          return ![...docRegistry.widgetFactories()].some(
            ({ name, defaultFor }) => name !== FACTORY && defaultFor?.some((type) => types.includes(type)),
          );
        });
      const first = unclaimed();
      const added = register(first);
      void restored.then(() => {
        const left = unclaimed();
        if (left.length === first.length) return;
        added.dispose();
        register(left);
      });
      if (restorer)
        void restorer.restore(tracker, {
          command: "docmanager:open",
          args: ({ context }) => ({ path: context.path, factory: FACTORY }),
          name: ({ context }) => context.path,
        });
    },
  };
}
