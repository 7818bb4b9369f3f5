/** Text into the clipboard, also where a page may not use the new way to it. */

/** @param shown an element that shows the text; it is selected where nothing else works. */
export async function copied(text: string, shown: Element | null): Promise<boolean> {
  try {
    await navigator.clipboard.writeText(text);
    return true;
  } catch {
    // An insecure page has no clipboard, and a frame may not use it.
  }
  if (shown === null) return false;
  const selection = document.getSelection();
  const range = document.createRange();
  range.selectNodeContents(shown);
  selection?.removeAllRanges();
  selection?.addRange(range);
  return document.execCommand?.("copy") ?? false;
}
