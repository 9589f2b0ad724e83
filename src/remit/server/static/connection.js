// Says whether what the page shows is live: the mark in the header, from htmx, its streams and the browser.
(() => {
  "use strict";
  const WORDS = { live: "Live", waiting: "Connecting …", lost: "Connection lost" };
  let failures = 0;

  function show(state) {
    for (const mark of document.querySelectorAll("[data-connection]")) {
      if (mark.dataset.state === state) continue;
      mark.dataset.state = state;
      mark.textContent = WORDS[state];
    }
  }

  function good() {
    failures = 0;
    show("live");
  }

  function failed() {
    failures += 1;
    show(failures > 1 || !navigator.onLine ? "lost" : "waiting");
  }

  document.addEventListener("DOMContentLoaded", () => show(navigator.onLine ? "live" : "lost"));
  window.addEventListener("offline", () => show("lost"));
  window.addEventListener("online", () => show("waiting"));
  document.addEventListener("htmx:after:request", (event) => {
    const status = event.detail?.ctx?.response?.status ?? 0;
    if (status >= 500) failed();
    else if (status > 0) good();
    // Signed out elsewhere, or the server began anew: the sign-in page knows where to go back to.
    // And whoever may no longer see a page is told so, instead of being shown how it was.
    if (status === 401 || status === 403) location.reload();
  });
  document.addEventListener("htmx:error", failed);
  document.addEventListener("htmx:sse:after:connection", good);
  document.addEventListener("htmx:sse:error", failed);
})();
