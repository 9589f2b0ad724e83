// The keyboard: ? for help, g and a letter for a page, j and k along a list, [data-key] for the rest.
(() => {
  "use strict";
  const PAUSE_MS = 1_200; // between g and the letter
  let leading = 0;

  // On phones the navigation is one line that is wider than the screen: the page one is on stands in sight.
  document.addEventListener("DOMContentLoaded", () => {
    document.querySelector(".side [aria-current]")?.scrollIntoView({ block: "nearest", inline: "nearest" });
  });

  function typing(target) {
    return target.closest("input, textarea, select, [contenteditable]") !== null;
  }

  function step(by) {
    const links = [...document.querySelectorAll("[data-list] a[href]")];
    if (!links.length) return;
    const at = links.findIndex((each) => each.getAttribute("aria-current") === "true" || each === document.activeElement);
    const next = links[Math.min(links.length - 1, Math.max(0, at < 0 ? 0 : at + by))];
    next.focus();
    if (at >= 0 && links[at] !== next && next.closest("[data-list]").dataset.list === "follow") next.click();
  }

  function press(key) {
    for (const element of document.querySelectorAll(`[data-key="${CSS.escape(key)}"]`)) {
      if (element.disabled || element.offsetParent === null) continue;
      element.focus();
      if (element.dataset.press !== "focus") element.click(); // what matters takes one more key
      return true;
    }
    return false;
  }

  document.addEventListener("keydown", (event) => {
    if (event.defaultPrevented || event.ctrlKey || event.metaKey || event.altKey || typing(event.target)) return;
    if (document.querySelector("dialog[open]")) return;
    const now = Date.now();
    if (now - leading < PAUSE_MS) {
      leading = 0;
      const link = document.querySelector(`[data-go="${CSS.escape(event.key)}"]`);
      if (link) {
        event.preventDefault();
        link.click();
      }
      return;
    }
    if (event.key === "g") leading = now;
    else if (event.key === "?") document.getElementById("keys-help")?.showModal();
    else if (event.key === "j") step(1);
    else if (event.key === "k") step(-1);
    else if (!press(event.key)) return;
    event.preventDefault();
  });
})();
