/** Whether a message from outside is one of ours, and of our version. */

import { ANSWERS, type Answer, SUMMARIES, type Summary, VERSION } from "./contract";

export const isSummary = (message: unknown): message is Summary => hasTypeOf(SUMMARIES, message);

export const isAnswer = (message: unknown): message is Answer => hasTypeOf(ANSWERS, message);

function hasTypeOf(types: readonly string[], message: unknown): boolean {
  return typeof message === "object" && message !== null && types.includes(Reflect.get(message, "type"));
}

/** What to do about a summary of another version; null where it is the same. */
export function anotherVersion({ version }: Summary): string | null {
  if (version === VERSION) return null;
  const ways =
    version < VERSION
      ? "restart the kernel, and run the cell again"
      : "reload the page, and if that does not help install semiring_widgets again and restart the kernel";
  return `The page speaks version ${VERSION} of the messages, and semiring_widgets in the kernel version ${version}: ${ways}.`;
}
