document.addEventListener("DOMContentLoaded", () => {
  // What scrolls has to be reached by the keyboard, too: wide tables, long lines of code.
  for (const box of document.querySelectorAll(".table-wrapper, .cell_output .output, pre")) {
    if (box.scrollWidth > box.clientWidth || box.scrollHeight > box.clientHeight) box.tabIndex = 0;
  }
  // The theme calls the captions of its table of contents headings and leaves their level out.
  for (const caption of document.querySelectorAll(".caption[role=heading]")) caption.ariaLevel = "2";
});
