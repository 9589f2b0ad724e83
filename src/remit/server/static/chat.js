// The room of the chat: draws the streams of a conversation's runs; reload and lost lines lose nothing.
(() => {
  "use strict";
  const AGAIN_MS = [500, 1_000, 2_000, 5_000, 10_000]; // after a line was lost for good
  const SOON_MS = 200; // several costs are one look
  const room = document.querySelector("[data-room]");
  if (!room) return;
  const { agent, tenant, csrf } = room.dataset;
  const part = (name) => room.querySelector(`[data-${name}]`);
  const talk = part("talk"), composer = part("composer"), cancel = part("cancel"), state = part("state");
  const runs = JSON.parse(room.dataset.runs);
  let session = room.dataset.session, current = "", locked = false, watching = null, due = 0;
  let unsent = { text: "", key: "" }; // what was said and never answered: said again, it is the same run
  const address = (path) => `${path}?tenant=${encodeURIComponent(tenant)}`;

  function make(tag, kind, text) {
    const made = document.createElement(tag);
    if (kind) made.className = kind;
    if (text !== undefined) made.textContent = text;
    return made;
  }
  function atEnd() { return window.innerHeight + window.scrollY >= document.body.scrollHeight - 80; }
  function follow(stay) { if (stay) window.scrollTo(0, document.body.scrollHeight); }

  // ---------------------------------------------------------------- one run

  class Turn {
    constructor(run) {
      Object.assign(this, { run, after: "", seen: {}, words: new Map(), steps: new Map(), asks: new Map(), tries: 0 });
      this.element = talk.appendChild(make("article", "turn"));
      this.ended = new Promise((resolve) => { this.end = resolve; });
      this.connect();
    }
    connect() {
      const more = this.after ? `&after=${encodeURIComponent(this.after)}` : "";
      const source = new EventSource(`${address(`/api/v1/runs/${this.run}/stream`)}${more}`);
      const on = (name, act) => source.addEventListener(name, (event) => {
        this.tries = 0;
        if (event.lastEventId) this.after = event.lastEventId;
        const stay = atEnd();
        act.call(this, JSON.parse(event.data));
        follow(stay);
      });
      on("journal", this.journal);
      on("snapshot", this.snapshot);
      on("delta", this.delta);
      on("retraction", (told) => this.forget(this.key(told)));
      on("end", () => { source.close(); this.end(); });
      source.addEventListener("open", () => show("live"));
      source.addEventListener("error", () => {
        show("waiting");
        if (source.readyState !== EventSource.CLOSED) return; // it comes back by itself
        const pause = AGAIN_MS[Math.min(this.tries, AGAIN_MS.length - 1)];
        this.tries += 1;
        stand();
        setTimeout(() => this.connect(), pause);
      });
    }
    key(told) { return `${told.run}/${told.call}/${told.attempt ?? 1}`; }

    // ------------------------------------------------------------ words on their way
    snapshot(told) {
      const known = new Set(told.calls.map((call) => this.key(call)));
      for (const key of [...this.words.keys()]) if (!known.has(key)) this.forget(key);
      for (const call of told.calls) {
        this.forget(this.key(call));
        for (const each of call.parts) this.write({ ...call, ...each });
      }
    }
    delta(told) { this.write(told); }
    write(told) {
      if (told.kind !== "text" || told.run !== this.run) return; // tools and sub-agents have steps of their own
      const key = this.key(told);
      if (!this.words.has(key)) this.words.set(key, { parts: new Map(), element: this.element.appendChild(make("div", "said under-way")) });
      const known = this.words.get(key);
      known.parts.set(told.part, (known.parts.get(told.part) ?? "") + told.text);
      known.element.textContent = [...known.parts.keys()].sort((a, b) => a - b).map((at) => known.parts.get(at)).join("");
    }
    forget(key) {
      this.words.get(key)?.element.remove();
      this.words.delete(key);
    }

    // ------------------------------------------------------------ what is journalled
    journal(told) {
      const place = told.version * 1e6 + told.index; // a record has far fewer events
      if ((this.seen[told.run] ?? -1) >= place) return;
      this.seen[told.run] = place;
      const act = this[`on${told.event.type}`];
      if (act) act.call(this, told.event, told);
      if (told.event.cost && !due) due = setTimeout(stand, SOON_MS);
    }
    onRunStarted(event, told) {
      if (told.run === this.run) this.element.append(make("div", "said user", event.input.map((each) => each.text ?? `[${each.kind}]`).join("\n")));
    }
    onModelCompleted(event, told) {
      const key = this.key({ ...event, run: told.run });
      const text = event.parts.filter((each) => each.kind === "text").map((each) => each.text).join("");
      if (told.run !== this.run) return this.below(told.run, text);
      const said = this.words.get(key)?.element ?? this.element.appendChild(make("div", "said"));
      this.words.delete(key);
      said.className = "said";
      said.dataset.call = key;
      said.textContent = text;
      if (!text) said.remove();
      for (const each of event.parts) if (each.kind === "call") this.step(each);
    }
    onModelFailed(event, told) { this.forget(this.key({ ...event, run: told.run })); }
    onOutputEscalated(event, told) {
      this.element.querySelector(`[data-call="${CSS.escape(this.key({ ...event, run: told.run }))}"]`)?.remove();
    }
    step(call) {
      const box = this.element.appendChild(make("details", "step"));
      const line = box.appendChild(make("summary"));
      line.append(make("strong", "", call.tool), make("span", "chip", "proposed"));
      box.append(make("pre", "", call.arguments));
      this.steps.set(call.call, box);
    }
    mark(told, call, text, kind = "", body = "") {
      if (told.run !== this.run) return;
      const box = this.steps.get(call);
      if (!box) return;
      const chip = box.querySelector(".chip");
      chip.textContent = text;
      chip.className = `chip ${kind}`;
      if (body) box.append(make("pre", "", body));
    }
    below(run, text) {
      const box = this.steps.get(run.slice(this.run.length + 1).split(".")[0]);
      if (box && text) box.append(make("pre", "", text));
    }
    onCallJudged(event, told) { if (event.effect === "deny") this.mark(told, event.call, "denied", "bad", `${event.reason} (${event.rule})`); }
    onToolRequested(event, told) { this.mark(told, event.call, "working", "ok"); }
    onSubrunRequested(event, told) { this.mark(told, event.call, "working", "ok"); }
    onToolCompleted(event, told) { this.mark(told, event.call, "done", "", event.text); }
    onSubrunEnded(event, told) { this.mark(told, event.call, event.status, "", event.text); }
    onToolFailed(event, told) { this.mark(told, event.call, event.kind, "bad", event.text); }
    onToolUnknown(event, told) { this.mark(told, event.call, "in doubt", "warn", event.reason); }
    onApprovalRequested(event, told) { this.mark(told, event.call, "asks", "wait"); this.ask(told.run, event.approval); }
    onApprovalGiven(event) { this.refresh(event.approval); }
    onApprovalDenied(event) { this.answered(event.approval); }
    onApprovalExpired(event) { this.answered(event.approval); }
    onToolQueued() { for (const ref of [...this.asks.keys()]) this.refresh(ref); }
    onInputRequested(event, told) { this.mark(told, event.call, "asks", "wait"); this.ask(told.run, event.question); }
    onInputReceived(event) { this.answered(event.question); }
    onRunEnded(event, told) {
      if (told.run !== this.run) return;
      for (const ref of [...this.asks.keys()]) this.answered(ref);
      for (const key of [...this.words.keys()]) this.forget(key);
      if (event.status !== "completed") this.element.append(make("p", "ending", `Stopped: ${event.reason}${event.detail ? ` (${event.detail})` : ""}`));
    }

    // ------------------------------------------------------------ what it asks
    ask(run, ref) {
      const box = this.element.appendChild(make("div", "ask"));
      this.asks.set(ref, { box, run });
      this.refresh(ref);
    }
    refresh(ref) {
      const asked = this.asks.get(ref);
      if (asked) htmx.ajax("GET", address(`/chat/waiting/${asked.run}/${ref}`), { target: asked.box });
    }
    answered(ref) {
      this.asks.get(ref)?.box.remove();
      this.asks.delete(ref);
    }
  }

  // ---------------------------------------------------------------- the room

  function show(connection) {
    for (const mark of document.querySelectorAll("[data-connection]")) {
      mark.dataset.state = connection;
      mark.textContent = connection === "live" ? "Live" : "Connecting …";
    }
  }
  function send(url, fields, more = {}) {
    const body = new URLSearchParams({ ...fields, csrf });
    return fetch(url, { method: "POST", body, redirect: "manual", headers: { accept: "application/json", ...more } });
  }
  function keyOf(text) {
    if (unsent.text !== text) unsent = { text, key: [...crypto.getRandomValues(new Uint8Array(16))].join("-") };
    return { "idempotency-key": unsent.key };
  }
  function arrange() {
    if (!composer) return;
    part("send").disabled = locked || current !== "";
    composer.elements.text.disabled = locked;
    cancel.hidden = current === "";
    state.textContent = locked ? "The plan gives no more." : current ? `${agent} is at work …` : "";
  }
  async function stand() {
    clearTimeout(due);
    due = 0;
    if (!session) return;
    const answer = await fetch(address(`/chat/${session}/standing`), { headers: { accept: "application/json" } }).catch(() => null);
    if (answer?.status === 401) location.reload(); // signed out elsewhere: the sign-in leads back here
    if (!answer?.ok) return;
    const told = await answer.json(), stay = atEnd();
    const budget = part("budget");
    budget.hidden = false;
    budget.classList.toggle("near", told.budget.share >= 80);
    part("budget-text").textContent = told.budget.share >= 80 ? `${told.budget.share} % used: ${told.budget.text}` : told.budget.text;
    part("budget-bar").value = told.budget.share;
    lock(told);
    follow(stay); // or a notice would stand below the composer
  }
  function lock(told) {
    locked = told.locked;
    const notice = part("notice");
    notice.replaceChildren();
    if (locked) {
      const box = notice.appendChild(make("div", "notice warn"));
      box.setAttribute("role", "alert");
      box.append(make("p", "", told.upgrade.text));
      if (told.upgrade.url) {
        const link = box.appendChild(make("a", "button primary", `Get the plan ${told.upgrade.offer}`));
        link.href = told.upgrade.url;
        link.target = "_blank";
        link.rel = "noopener noreferrer";
      }
      watch();
    } else if (watching) {
      watching.close();
      watching = null;
    }
    arrange();
  }
  function watch() { // a payment is told in the tenant's stream
    if (watching) return;
    watching = new EventSource(address("/api/v1/stream"));
    watching.addEventListener("news", (event) => {
      if (JSON.parse(event.data).happenings.some((each) => each.kind === "plan" || each.kind === "payment")) stand();
    });
    watching.addEventListener("now", stand); // what was missed before the stream began
    watching.addEventListener("error", () => {
      if (watching?.readyState !== EventSource.CLOSED) return;
      watching = null;
      setTimeout(() => locked && watch(), AGAIN_MS.at(-1));
    });
  }
  async function attend(run) {
    current = run;
    arrange();
    await new Turn(run).ended;
    await stand(); // first: at the cap nothing can be said in between
    current = "";
    arrange();
  }
  composer?.addEventListener("submit", async (event) => {
    event.preventDefault();
    const field = composer.elements.text, text = field.value.trim();
    if (!text || current || locked) return;
    part("send").disabled = true;
    const answer = await send(composer.action, { text, agent, session }, keyOf(text)).catch(() => null);
    if (!answer?.ok) {
      state.textContent = answer ? (await answer.json().catch(() => ({}))).detail ?? "It was not taken." : "The line is lost: try again.";
      part("send").disabled = false;
      return;
    }
    const told = await answer.json();
    unsent = { text: "", key: "" };
    field.value = "";
    if (!session) history.replaceState(null, "", told.address);
    session = told.session;
    await attend(told.run);
    field.focus();
  });
  composer?.elements.text.addEventListener("keydown", (event) => {
    if (event.key !== "Enter" || event.shiftKey || event.isComposing) return;
    event.preventDefault();
    composer.requestSubmit();
  });
  cancel?.addEventListener("click", () => send(address(`/chat/${session}/cancel`), { run: current }));
  talk.addEventListener("submit", async (event) => {
    event.preventDefault();
    const form = event.target, wrong = form.parentElement.querySelector("[data-wrong]");
    const url = event.submitter?.getAttribute("formaction") ?? form.getAttribute("action");
    const bare = event.submitter?.name === "deny" && !form.elements.comment.value.trim();
    const answer = bare ? null : await send(url, Object.fromEntries(new FormData(form))).catch(() => null);
    if (answer && (answer.type === "opaqueredirect" || answer.ok)) return; // the stream tells the rest
    wrong.textContent = bare ? "Say why, in the comment: the model is told." : "It was not taken: look at it in full.";
    wrong.hidden = false;
  });
  (async () => {
    for (const run of runs) await attend(run);
    arrange();
    composer?.elements.text.focus();
  })();
})();
