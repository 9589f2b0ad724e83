// Light, dark, or as the system says: chosen here, kept in this browser, set before the first paint.
(() => {
  "use strict";
  const KEY = "remit-theme";
  const ORDER = ["system", "light", "dark"];
  const root = document.documentElement;

  function chosen() {
    try {
      const kept = localStorage.getItem(KEY);
      return ORDER.includes(kept) ? kept : "system";
    } catch {
      return "system"; // no storage: the system's choice is as good
    }
  }

  function show(theme) {
    if (theme === "system") delete root.dataset.theme;
    else root.dataset.theme = theme;
    for (const button of document.querySelectorAll("[data-theme-switch]")) {
      button.textContent = { system: "Theme: system", light: "Theme: light", dark: "Theme: dark" }[theme];
      button.hidden = false;
    }
    document.dispatchEvent(new CustomEvent("remit:theme"));
  }

  function next() {
    const theme = ORDER[(ORDER.indexOf(chosen()) + 1) % ORDER.length];
    try {
      localStorage.setItem(KEY, theme);
    } catch {
      // it holds for this page only
    }
    show(theme);
  }

  show(chosen());
  document.addEventListener("DOMContentLoaded", () => show(chosen()));
  document.addEventListener("click", (event) => {
    if (event.target.closest("[data-theme-switch]")) next();
  });
})();
