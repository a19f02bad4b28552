// Two small services; the pages work without them.
"use strict";

// What scrolls sideways can be reached by keyboard. (Newer browsers do so by themselves; the theme does it for code.)
const SCROLLERS = "pre, .pst-scrollable-table-container, .katex-display, .cell_output .output, article figure";
function markScrollers() {
  for (const box of document.querySelectorAll(SCROLLERS)) {
    if (box.scrollWidth > box.clientWidth) box.tabIndex = 0;
    else box.removeAttribute("tabindex");
  }
}
addEventListener("load", () => document.fonts.ready.then(markScrollers)); // formulas are as wide as their fonts
addEventListener("resize", markScrollers);

// On paper the page is light and its answers are open; afterwards everything is as it was.
let opened = [];
let theme = "";
addEventListener("beforeprint", () => {
  opened = [...document.querySelectorAll("details:not([open])")];
  for (const fold of opened) fold.open = true;
  theme = document.documentElement.dataset.theme;
  document.documentElement.dataset.theme = "light";
});
addEventListener("afterprint", () => {
  for (const fold of opened) fold.open = false;
  document.documentElement.dataset.theme = theme;
});
