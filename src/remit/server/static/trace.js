// The trace: a tree and its times in one list, of which only the rows in sight exist.
(() => {
  "use strict";
  const SPARE = 12; // rows made beyond the edge, so that scrolling shows no gap
  const INDENT_REM = 0.9;
  const AGAIN_MS = 3_000; // while the run goes on
  const BAD = new Set(["deny", "denied", "failed", "refused", "stopped", "in doubt", "expired", "error", "timeout", "invalid", "cancelled"]);

  function make(tag, name, text) {
    const element = document.createElement(tag);
    if (name) element.className = name;
    if (text) element.textContent = text;
    return element;
  }

  function spoken(ms) {
    if (ms < 1_000) return `${ms} ms`;
    if (ms < 60_000) return `${(ms / 1_000).toFixed(1)} s`;
    if (ms < 3_600_000) return `${(ms / 60_000).toFixed(1)} min`;
    return `${(ms / 3_600_000).toFixed(1)} h`;
  }

  class Trace {
    constructor(host) {
      this.host = host;
      this.nodes = [];
      this.folded = new Set();
      this.rows = [];
      this.chosen = 0;
      this.drawn = new Map();
      this.build();
    }

    build() {
      const tools = make("div", "tools");
      this.count = make("span", "muted small");
      for (const [text, act] of [["Fold all", () => this.foldAll()], ["Unfold all", () => this.unfoldAll()]]) {
        const button = make("button", "quiet", text);
        button.type = "button";
        button.addEventListener("click", act);
        tools.append(button);
      }
      tools.append(this.count);
      this.window = make("div", "window");
      this.window.tabIndex = 0;
      this.window.setAttribute("role", "treegrid");
      this.window.setAttribute("aria-label", "Trace");
      this.window.addEventListener("scroll", () => this.plan());
      this.window.addEventListener("keydown", (event) => this.key(event));
      this.window.addEventListener("click", (event) => this.click(event));
      this.space = make("div");
      this.space.setAttribute("role", "presentation");
      this.window.append(this.space);
      this.detail = make("div", "detail");
      this.detail.setAttribute("aria-live", "polite");
      this.host.append(tools, this.window, this.detail);
      const rem = parseFloat(getComputedStyle(document.documentElement).fontSize);
      this.height = 1.75 * rem;
      new ResizeObserver(() => this.plan()).observe(this.window);
    }

    async load() {
      const answer = await fetch(this.host.dataset.trace, { headers: { accept: "application/json" } });
      if (!answer.ok) {
        this.count.textContent = "The trace could not be read; reload the page.";
        return;
      }
      const trace = await answer.json();
      this.nodes = trace.nodes;
      this.whole = Math.max(1, ...this.nodes.map((node) => node.until ?? node.at));
      this.count.textContent = `${this.nodes.length.toLocaleString("en")} nodes${trace.more ? ", the first of more" : ""}, ${spoken(this.whole)}`;
      this.arrange();
    }

    hasBelow(at) {
      return at + 1 < this.nodes.length && this.nodes[at + 1].depth > this.nodes[at].depth;
    }

    arrange() {
      this.rows = [];
      let hidden = Infinity;
      this.nodes.forEach((node, at) => {
        if (node.depth > hidden) return;
        hidden = this.folded.has(at) ? node.depth : Infinity;
        this.rows.push(at);
      });
      this.space.style.height = `${this.rows.length * this.height}px`;
      this.window.setAttribute("aria-rowcount", String(this.rows.length));
      if (!this.rows.includes(this.chosen)) this.chosen = 0;
      for (const row of this.drawn.values()) row.remove();
      this.drawn.clear();
      this.draw();
      this.tell();
    }

    plan() {
      if (this.planned) return;
      this.planned = true;
      requestAnimationFrame(() => {
        this.planned = false;
        this.draw();
      });
    }

    draw() {
      const first = Math.max(0, Math.floor(this.window.scrollTop / this.height) - SPARE);
      const last = Math.min(this.rows.length, Math.ceil((this.window.scrollTop + this.window.clientHeight) / this.height) + SPARE);
      for (const [place, row] of this.drawn) {
        if (place < first || place >= last) {
          row.remove();
          this.drawn.delete(place);
        }
      }
      for (let place = first; place < last; place += 1) {
        if (!this.drawn.has(place)) {
          const row = this.row(place);
          this.drawn.set(place, row);
          this.space.append(row);
        }
      }
    }

    row(place) {
      const at = this.rows[place];
      const node = this.nodes[at];
      const row = make("div", "span");
      row.id = `span-${at}`;
      row.dataset.at = at;
      row.style.top = `${place * this.height}px`;
      row.setAttribute("role", "row");
      row.setAttribute("aria-level", String(node.depth + 1));
      row.setAttribute("aria-rowindex", String(place + 1));
      row.setAttribute("aria-selected", String(at === this.chosen));
      const name = make("div", "name");
      name.setAttribute("role", "gridcell");
      name.style.paddingLeft = `${node.depth * INDENT_REM + 0.25}rem`;
      const below = this.hasBelow(at);
      if (below) row.setAttribute("aria-expanded", String(!this.folded.has(at)));
      name.append(make("span", "fold", below ? (this.folded.has(at) ? "▸" : "▾") : ""));
      name.append(make("b", "", node.kind), make("span", "", [node.label, node.status, node.cost, node.text].filter(Boolean).join(" · ")));
      const time = make("div", "time");
      time.setAttribute("role", "gridcell");
      const lasted = node.until === null ? "" : `, ${spoken(node.until - node.at)}`;
      time.setAttribute("aria-label", `after ${spoken(node.at)}${lasted}`);
      const bar = make("div", `bar ${node.until === null ? "point" : node.kind}${BAD.has(node.status) ? " bad" : ""}`);
      bar.style.left = `${(100 * node.at) / this.whole}%`;
      if (node.until !== null) bar.style.width = `${(100 * Math.max(0, node.until - node.at)) / this.whole}%`;
      time.append(bar);
      row.append(name, time);
      return row;
    }

    choose(at) {
      this.drawn.get(this.rows.indexOf(this.chosen))?.setAttribute("aria-selected", "false");
      this.chosen = at;
      const place = this.rows.indexOf(at);
      const top = place * this.height;
      if (top < this.window.scrollTop) this.window.scrollTop = top;
      const low = top + this.height - this.window.clientHeight;
      if (low > this.window.scrollTop) this.window.scrollTop = low;
      this.draw();
      this.drawn.get(place)?.setAttribute("aria-selected", "true");
      this.window.setAttribute("aria-activedescendant", `span-${at}`);
      this.tell();
    }

    tell() {
      const node = this.nodes[this.chosen];
      if (!node) return;
      const facts = make("dl", "facts");
      const lasted = node.until === null ? "" : spoken(node.until - node.at);
      const lines = [["What", [node.kind, node.label, node.status].filter(Boolean).join(" · ")], ["After", spoken(node.at)], ["Lasted", lasted], ["Cost", node.cost], ["Rule", node.rule], ["Who", node.principal], ["Run", node.run]];
      for (const [word, said] of lines) if (said) facts.append(make("dt", "", word), make("dd", "", said));
      const parts = [facts];
      if (node.text) parts.push(make("pre", "", node.text));
      this.detail.replaceChildren(...parts);
    }

    fold(at, folded) {
      if (!this.hasBelow(at)) return;
      if (folded) this.folded.add(at);
      else this.folded.delete(at);
      this.chosen = at;
      this.arrange();
    }

    foldAll() {
      this.nodes.forEach((node, at) => node.depth > 0 && this.hasBelow(at) && this.folded.add(at));
      this.arrange();
    }

    unfoldAll() {
      this.folded.clear();
      this.arrange();
    }

    click(event) {
      const row = event.target.closest(".span");
      if (!row) return;
      const at = Number(row.dataset.at);
      if (event.target.closest(".fold")) this.fold(at, !this.folded.has(at));
      else this.choose(at);
    }

    key(event) {
      const place = this.rows.indexOf(this.chosen);
      const page = Math.max(1, Math.floor(this.window.clientHeight / this.height) - 1);
      const steps = { ArrowDown: 1, ArrowUp: -1, PageDown: page, PageUp: -page, Home: -this.rows.length, End: this.rows.length };
      if (event.key in steps) {
        const next = Math.min(this.rows.length - 1, Math.max(0, place + steps[event.key]));
        if (this.rows.length) this.choose(this.rows[next]);
      } else if (event.key === "ArrowLeft") this.left(place);
      else if (event.key === "ArrowRight") this.fold(this.chosen, false);
      else return;
      event.preventDefault();
    }

    left(place) {
      const node = this.nodes[this.chosen];
      if (this.hasBelow(this.chosen) && !this.folded.has(this.chosen)) this.fold(this.chosen, true);
      else for (let up = place - 1; up >= 0; up -= 1) {
        if (this.nodes[this.rows[up]].depth < node.depth) {
          this.choose(this.rows[up]);
          break;
        }
      }
    }
  }

  document.addEventListener("DOMContentLoaded", async () => {
    for (const host of document.querySelectorAll("[data-trace]")) {
      const trace = new Trace(host);
      await trace.load();
      if (host.dataset.live !== undefined) setInterval(() => document.hidden || trace.load(), AGAIN_MS);
    }
    document.addEventListener("input", (event) => {
      const shown = document.getElementById(event.target.dataset?.shows ?? "");
      if (shown) shown.value = event.target.value;
    });
  });
})();
