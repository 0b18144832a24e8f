"use strict";
// Stepping through the schedules of this page. The chosen step is the fragment: #step=5, #against=5.
(() => {
  const { schedules, pairs } = JSON.parse(document.getElementById("data").textContent);
  const articles = [...document.querySelectorAll("article")];
  const names = ["step", "against"];
  // One row of the page a position: the step of each schedule there, or the last one before it.
  const rows = pairs
    ? [[0, 0], ...follow(pairs)]
    : schedules[0].states.map((_, step) => [step]);
  const narrow = matchMedia("(max-width: 60rem)");
  let at = 0;

  function follow(pairs) {
    const now = [0, 0];
    return pairs.map((pair) => {
      pair.forEach((row, n) => { if (row !== null) now[n] = row + 1; });
      return [...now];
    });
  }

  function element(tag, attributes, ...children) {
    const made = document.createElement(tag);
    for (const [name, value] of Object.entries(attributes)) if (value) made.setAttribute(name, value);
    made.append(...children);
    return made;
  }

  const bytes = (offset) => {
    for (const [unit, size] of [["m", 1 << 20], ["k", 1 << 10]])
      if (offset && offset % size === 0) return offset / size + unit;
    return offset >= 1024 ? "0x" + offset.toString(16) : String(offset);
  };

  function strip({ name, cells }) {
    const end = cells.length ? cells[cells.length - 1].to : 0;
    const drawn = cells.map((cell) => {
      const where = bytes(cell.from) + "-" + bytes(cell.to);
      const span = element("span", {
        class: "k-" + cell.kind + (cell.changed ? " changed" : ""),
        title: where + ": " + cell.words,
        style: "flex-grow:" + (cell.to - cell.from),
      }, cell.label, element("span", { class: "sr" }, " " + where + ": " + cell.words + (cell.changed ? ", changed;" : ";")));
      return span;
    });
    return element("div", { class: "strip" }, element("b", {}, name), element("div", { class: "cells" }, ...drawn),
      element("div", { class: "scale", "aria-hidden": "true" }, element("span", {}, "0"), element("span", {}, bytes(end))));
  }

  // The mappings that are cached: who holds each, what it says, how old it is.
  function cached(mappings) {
    if (!mappings.length) return [];
    const items = mappings.map(({ holder, words, stale, changed }) =>
      element("li", { class: [stale && "out-of-date", changed && "changed"].filter(Boolean).join(" ") },
        element("b", {}, holder), ": " + words));
    return [element("div", { class: "mappings" }, element("b", {}, "mappings"), element("ul", {}, ...items))];
  }

  function mark(n, step) {
    const { depends_on } = schedules[n];
    const article = articles[n];
    article.querySelectorAll(".chosen, .cause").forEach((row) => {
      row.classList.remove("chosen", "cause");
      row.removeAttribute("aria-current");
    });
    const row = document.getElementById("s" + n + "-" + step);
    row.classList.add("chosen");
    row.setAttribute("aria-current", "step");
    for (const before of step ? depends_on[step - 1] : [])
      document.getElementById("s" + n + "-" + (before + 1)).classList.add("cause");
    return row;
  }

  function describe(n, step) {
    const files = schedules[n].states[step].map((file) => {
      const facts = file.facts.flatMap(({ name, value, changed }) => [
        element("dt", {}, name),
        element("dd", { class: changed && "changed" }, value || "free"),
      ]);
      const title = file.title ? [element("h3", {}, file.title)] : [];
      return element("section", {}, ...title, element("dl", {}, ...facts), ...file.strips.map(strip), ...cached(file.mappings));
    });
    articles[n].querySelector(".state")
      .replaceChildren(element("h2", {}, step ? "After step " + step : "After the setup"), ...files);
  }

  function choose(position, from) {
    at = Math.max(0, Math.min(rows.length - 1, position));
    const shown = rows[at].map((step, n) => mark(n, step));
    rows[at].forEach((step, n) => describe(n, step));
    const moved = from ?? (at && rows[at][0] === rows[at - 1][0] ? 1 : 0);
    shown[moved].focus({ preventScroll: true });
    // On a narrow window the schedules stand one below the other: the last one scrolled to is the one in view.
    if (narrow.matches && at) shown[moved].closest(".picture").scrollIntoView({ block: "nearest" });
    for (const row of [...shown.filter((row) => row !== shown[moved]), shown[moved]]) {
      row.scrollIntoView({ block: "nearest" });
      row.querySelector(".event")?.scrollIntoView({ block: "nearest", inline: "nearest" });
    }
    history.replaceState(null, "", "#" + names[moved] + "=" + rows[at][moved]);
  }

  function fromFragment() {
    const [, name, step] = /^#(step|against)=(\d+)$/.exec(location.hash) ?? [];
    const n = names.indexOf(name);
    const found = n < 0 ? -1 : rows.findIndex((row) => row[n] === Number(step));
    if (found >= 0) choose(found, n);
    else if (!location.hash) choose(0);
  }

  const moves = { j: 1, ArrowDown: 1, ArrowRight: 1, k: -1, ArrowUp: -1, ArrowLeft: -1, Home: -Infinity, End: Infinity };
  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.altKey || event.metaKey || !(event.key in moves)) return;
    event.preventDefault();
    choose(at + moves[event.key]);
  });
  document.addEventListener("click", (event) => {
    const row = event.target.closest("tr[data-step]");
    if (!row || event.target.closest("a")) return;
    const n = articles.indexOf(row.closest("article"));
    choose(rows.findIndex((steps) => steps[n] === Number(row.dataset.step)), n);
  });
  // Under the pointer, the state there; elsewhere, the chosen one.
  articles.forEach((article, n) => {
    const steps = article.querySelector(".steps");
    let shown = null;
    const look = (step) => { if (step !== shown) describe(n, shown = step); };
    steps.addEventListener("mouseover", (event) => {
      const row = event.target.closest("tr[data-step]");
      if (row) look(Number(row.dataset.step));
    });
    steps.addEventListener("mouseleave", () => look(rows[at][n]));
  });
  addEventListener("hashchange", fromFragment);
  fromFragment();
})();
