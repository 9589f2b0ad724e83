// Opens and closes <dialog>: [data-opens] names one, [data-closes] closes the one it stands in.
(() => {
  "use strict";
  document.addEventListener("click", (event) => {
    const opener = event.target.closest("[data-opens]");
    const dialog = opener && document.getElementById(opener.dataset.opens);
    if (dialog) {
      event.preventDefault();
      for (const [name, value] of Object.entries(opener.dataset)) {
        if (!name.startsWith("set")) continue; // data-set-target="all" fills the field `target`
        const field = dialog.querySelector(`[name="${name.slice(3).toLowerCase()}"]`);
        if (field) field.value = value;
      }
      dialog.showModal();
      return;
    }
    if (event.target.closest("[data-closes]")) event.target.closest("dialog")?.close();
  });
  // A dialog that the server sent open holds a form with faults.
  document.addEventListener("DOMContentLoaded", () => {
    const faulty = document.querySelector("dialog[data-open]");
    if (faulty && !faulty.open) faulty.showModal();
  });
  document.addEventListener("submit", (event) => {
    const button = event.submitter;
    if (button && !button.dataset.again) setTimeout(() => { button.disabled = true; });
  });
  // Coming back by the back button, a form can be sent again.
  window.addEventListener("pageshow", (event) => {
    if (!event.persisted) return;
    for (const button of document.querySelectorAll("button:disabled")) button.disabled = false;
  });
})();
