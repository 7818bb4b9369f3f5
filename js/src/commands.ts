/**
 * Every gesture of the widget, in one place: what it is called, how it is made, and what it does.
 *
 * Keyboard and pointer look up here what to do, and the list behind `?` is made of it; what is not here does
 * not exist.
 */

import type { Mode } from "./selection";

/** A key as the browser names it, with what must be held. */
interface Press {
  key: string;
  shift?: boolean;
  alt?: boolean;
  /** Ctrl, or Cmd where that is usual. */
  control?: boolean;
}

export type CommandName =
  | "preview"
  | "choose"
  | "add"
  | "exclude"
  | "clear"
  | "back"
  | "forward"
  | "test"
  | "question"
  | "copy"
  | "picture"
  | "copyPicture"
  | "group"
  | "units"
  | "walk"
  | "move"
  | "ends"
  | "help";

export interface Command {
  name: CommandName;
  does: string;
  /** Keys that do it; those without any are the browser's own. */
  presses: readonly Press[];
  /** As people call its keys, and what does the same with pointer or finger; null where nothing does. */
  keys: string;
  pointer: string | null;
}

/** Keys that do the same with Shift, which people hold who add one part after the other. */
const anyway = (...keys: string[]): Press[] => keys.flatMap((key) => [{ key }, { key, shift: true }]);

export const COMMANDS: readonly Command[] = [
  {
    name: "preview",
    does: "Shows the number and lights up the same part in every picture",
    presses: [],
    keys: "Tab, then arrows",
    pointer: "point, or touch",
  },
  {
    name: "choose",
    does: "Selects this alone: only the paths through it are shown; once more takes it back",
    presses: [{ key: "Enter" }, { key: " " }],
    keys: "Enter or Space",
    pointer: "click",
  },
  {
    name: "add",
    does: "Adds it to the selection, or takes it out",
    presses: [
      { key: "Enter", shift: true },
      { key: " ", shift: true },
      { key: "Enter", control: true },
      { key: " ", control: true },
    ],
    keys: "Shift + Enter",
    pointer: "Shift + click",
  },
  {
    name: "exclude",
    does: "Leaves out the paths through it, or no longer does",
    presses: [
      { key: "Enter", alt: true },
      { key: " ", alt: true },
    ],
    keys: "Alt + Enter",
    pointer: "Alt + click",
  },
  {
    name: "clear",
    does: "Clears the selection",
    presses: [{ key: "Escape" }],
    keys: "Escape",
    pointer: "Clear",
  },
  {
    name: "back",
    does: "Goes back to the selection before",
    presses: [{ key: "[" }],
    keys: "[",
    pointer: "←",
  },
  {
    name: "forward",
    does: "Goes forward again",
    presses: [{ key: "]" }],
    keys: "]",
    pointer: "→",
  },
  {
    name: "test",
    does: "Tests the selection: what really becomes of the score without it",
    presses: [{ key: "t" }],
    keys: "T",
    pointer: "Test it",
  },
  {
    name: "question",
    does: "Opens or closes the question, to be changed and asked again",
    presses: [{ key: "q" }],
    keys: "Q",
    pointer: "Ask again",
  },
  {
    name: "copy",
    does: "Copies the Python call that gives what is shown",
    presses: [{ key: "c" }],
    keys: "C",
    pointer: "Copy the Python call",
  },
  {
    name: "picture",
    does: "Opens or closes what saves the view, or a pane of it, as PNG or SVG",
    presses: [{ key: "s" }],
    keys: "S",
    pointer: "Picture",
  },
  {
    name: "copyPicture",
    does: "Copies a picture of the view, with a line that cites what was asked",
    presses: [{ key: "C", shift: true }],
    keys: "Shift + C",
    pointer: "Copy as picture",
  },
  {
    name: "group",
    does: "Takes the selected parts as one group under a name: paths through any of them",
    presses: [{ key: "g" }],
    keys: "G",
    pointer: "Group them",
  },
  {
    name: "units",
    does: "Shows the units of the selected head or MLP, the strongest first",
    presses: [{ key: "u" }],
    keys: "U",
    pointer: "Its units",
  },
  {
    name: "walk",
    does: "Follows the strongest scalar path of the selection or the chosen route, step by step",
    presses: [{ key: "p" }],
    keys: "P",
    pointer: "Strongest path",
  },
  {
    name: "move",
    does: "Goes to the next part; up is the next layer",
    presses: anyway("ArrowRight", "ArrowLeft", "ArrowUp", "ArrowDown"),
    keys: "arrows",
    pointer: null,
  },
  {
    name: "ends",
    does: "Goes to the first or the last part of a row",
    presses: anyway("Home", "End"),
    keys: "Home, End",
    pointer: null,
  },
  {
    name: "help",
    does: "Opens or closes this list",
    presses: [{ key: "?" }, { key: "?", shift: true }],
    keys: "?",
    pointer: "?",
  },
];

type Held = Pick<KeyboardEvent, "shiftKey" | "altKey" | "ctrlKey" | "metaKey">;

/** The command of a key; null where it has none, and is left to the browser. */
export function commandOf(event: Held & Pick<KeyboardEvent, "key">): CommandName | null {
  const control = event.ctrlKey || event.metaKey;
  // A letter is the same with the caps lock on; brackets need other keys on other keyboards.
  const key = /^[A-Z]$/.test(event.key) && !event.shiftKey ? event.key.toLowerCase() : event.key;
  const loose = key === "[" || key === "]";
  const found = COMMANDS.find(({ presses }) =>
    presses.some(
      (press) =>
        press.key === key &&
        (loose ||
          ((press.shift ?? false) === event.shiftKey &&
            (press.alt ?? false) === event.altKey &&
            (press.control ?? false) === control)),
    ),
  );
  return found?.name ?? null;
}

/** How a click selects, by what is held. */
export const modeOf = ({ shiftKey, altKey, ctrlKey, metaKey }: Held): Mode =>
  altKey ? "exclude" : shiftKey || ctrlKey || metaKey ? "add" : "alone";
