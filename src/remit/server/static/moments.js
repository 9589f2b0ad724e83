// Instants in the reader's time zone, and how long it is until one: <time datetime> stays in UTC.
(() => {
  "use strict";
  const FULL = new Intl.DateTimeFormat(undefined, { dateStyle: "medium", timeStyle: "medium" });
  const TODAY = new Intl.DateTimeFormat(undefined, { timeStyle: "medium" });
  const STEPS = [[86_400, "d"], [3_600, "h"], [60, "min"], [1, "s"]];
  const EVERY_MS = 1_000;

  function span(seconds) {
    for (let at = 0; at < STEPS.length; at += 1) {
      const [size, word] = STEPS[at];
      if (seconds < size && at < STEPS.length - 1) continue;
      const whole = Math.floor(seconds / size);
      const below = STEPS[at + 1];
      const rest = below ? Math.floor((seconds % size) / below[0]) : 0;
      return rest ? `${whole} ${word} ${rest} ${below[1]}` : `${whole} ${word}`;
    }
    return "0 s";
  }

  function tell(element) {
    const instant = new Date(element.dateTime);
    if (Number.isNaN(instant.getTime())) return;
    const now = new Date();
    const seconds = Math.round((instant - now) / 1000);
    if (element.dataset.as === "countdown") {
      element.textContent = seconds > 0 ? `in ${span(seconds)}` : "over";
    } else if (element.dataset.as === "ago") {
      element.textContent = seconds > 0 ? `in ${span(seconds)}` : `${span(-seconds)} ago`;
    } else {
      const format = instant.toDateString() === now.toDateString() ? TODAY : FULL;
      element.textContent = format.format(instant);
    }
    element.title = `${element.dateTime.replace("T", " ").replace("Z", "")} UTC`;
  }

  function tellAll() {
    for (const element of document.querySelectorAll("time[datetime]")) tell(element);
  }

  document.addEventListener("DOMContentLoaded", tellAll);
  document.addEventListener("htmx:after:swap", tellAll);
  setInterval(() => {
    for (const element of document.querySelectorAll("time[data-as]")) tell(element);
  }, EVERY_MS);
})();
