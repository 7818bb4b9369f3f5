/** What copies or saves a picture of the view: a button that unfolds to what of it, and in which form. */

import { html, nothing, render } from "lit-html";
import type { Store } from "../store";
import { citationOf, fileName } from "./citation";
import { pngOf } from "./png";
import { pictureOf } from "./svg";

/** Sent to the menu by the keys: open or close it, or copy at once. */
export const TURN = "semiring-widgets-picture";
export const COPY = "semiring-widgets-copy-picture";

let menus = 0;

/** What is pictured: the words that a file is called by, and the line that cites what was asked. */
interface About {
  text: string;
  citation: string;
}

export function mountPicture(root: HTMLElement, store: Store, signal: AbortSignal): void {
  const about = () => {
    const { summary } = store.state;
    return summary === null ? null : { text: summary.text, citation: citationOf(summary) };
  };
  mountPictureOf(root, about, signal);
}

export function mountPictureOf(root: HTMLElement, about: () => About | null, signal: AbortSignal): void {
  menus += 1;
  const id = `semiring-widgets-picture-${menus}-${Math.floor(Math.random() * 1e9)}`;
  let [open, note, chosen] = [false, "", ""];
  const widget = () => root.closest<HTMLElement>(".semiring-widgets");
  const say = (sentence: string) => {
    note = sentence;
    draw();
  };
  const make = () => {
    const [whole, told] = [widget(), about()];
    if (whole === null || told === null) return null;
    // A pane that has gone leaves the whole.
    const pane = panes(whole).find(({ name }) => name === chosen)?.pane ?? null;
    const { text, citation } = told;
    const picture = pictureOf(whole, pane, citation);
    const named = (ending: "png" | "svg") => fileName(text, pane === null ? "" : chosen, ending);
    return { picture, named, png: () => pngOf(picture, citation) };
  };
  const act = async (form: "copy" | "png" | "svg") => {
    try {
      const made = make();
      if (made === null) return;
      const { picture, named, png } = made;
      if (form === "copy") say(await copy(png(), named("png")));
      else if (form === "png") say(save(await png(), named("png")));
      else say(save(new Blob([picture.svg], { type: "image/svg+xml" }), named("svg")));
    } catch (error) {
      say(`There is no picture: ${error instanceof Error ? error.message : String(error)}`);
    }
  };
  const turn = () => {
    open = !open;
    say("");
  };
  const draw = () => {
    const whole = widget();
    const button = (form: "copy" | "png" | "svg", words: string) =>
      html`<button type="button" data-action="picture-${form}" @click=${() => void act(form)}>${words}</button>`;
    const choose = (event: Event) => {
      chosen = (event.currentTarget as HTMLSelectElement).value;
    };
    const list = html`<div class="picture-acts" id=${id}><label>Picture of
      <select @change=${choose}><option value="" .selected=${chosen === ""}>all that is shown</option>${(
        whole === null ? [] : panes(whole)
      ).map(
        ({ name, title }) => html`<option value=${name} .selected=${chosen === name}>${title}</option>`,
      )}</select></label>
      ${button("copy", "Copy as picture")} ${button("png", "Save as PNG")} ${button("svg", "Save as SVG")}</div>`;
    render(
      html`<button type="button" data-action="picture" aria-expanded=${open}
        aria-controls=${open ? id : nothing} data-tip="Copies the view or saves it, as PNG or SVG" @click=${turn}>Picture</button>${open ? list : nothing}<span
        role="status" class="hint" data-pictured>${note}</span>`,
      root,
    );
  };
  root.addEventListener(TURN, turn, { signal });
  root.addEventListener(COPY, () => void act("copy"), { signal });
  // What is typed in the list of panes is no command of the widget.
  root.addEventListener(
    "keydown",
    (event) => {
      if (event.target instanceof HTMLSelectElement) event.stopPropagation();
    },
    { signal },
  );
  draw();
}

/** The panes that are on screen and have a picture or words in them, by the names that readers hear. */
function panes(widget: HTMLElement): { name: string; title: string; pane: HTMLElement }[] {
  return [...widget.querySelectorAll<HTMLElement>("section[data-pane]")].flatMap((pane) => {
    const { width, height } = pane.getBoundingClientRect();
    const [name, title] = [pane.dataset.pane ?? "", pane.getAttribute("aria-label") ?? ""];
    return width * height === 0 ? [] : [{ name, title, pane }];
  });
}

/** Into the clipboard; where the page may not, into a file. Gives the sentence that says which. */
async function copy(png: Promise<Blob>, name: string): Promise<string> {
  try {
    // Some browsers take only what is promised while the key or button is pressed.
    await navigator.clipboard.write([new ClipboardItem({ "image/png": png })]);
    return "The picture is in the clipboard.";
  } catch {
    // An insecure page has no clipboard, and a frame may not use it.
    return `This page may not copy pictures. ${save(await png, name)}`;
  }
}

/** Into a file, as far as anybody can tell: a frame is not told whether it may. */
function save(file: Blob, name: string): string {
  const address = URL.createObjectURL(file);
  const link = document.createElement("a");
  link.href = address;
  link.download = name;
  link.hidden = true;
  // VS Code saves what is clicked inside the page.
  document.body.append(link);
  link.click();
  link.remove();
  // The browser reads it after this.
  setTimeout(() => URL.revokeObjectURL(address), 60_000);
  return self !== top && self.origin === "null"
    ? `Given to this notebook to be saved as ${name}; some let their outputs save no file.`
    : `Saved as ${name}.`;
}
