/** Texts of any kind in a document that every program must be able to read. */

// All that XML 1.0 may hold; halves of characters and control characters, which tokenizers do produce, it may not.
const UNREADABLE = /[^\t\n\r\u{20}-\u{d7ff}\u{e000}-\u{fffd}\u{10000}-\u{10ffff}]/gu;

export const readable = (text: string): string => text.replaceAll(UNREADABLE, "\ufffd");
