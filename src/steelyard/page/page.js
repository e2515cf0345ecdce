"use strict";
(() => {
  const root = document.documentElement;
  const all = (what, from = document) => Array.from(from.querySelectorAll(what));
  const byId = (id) => document.getElementById(id);
  // A page opened from disk may have no storage; the switch then works without being remembered.
  const kept = {
    get: (key) => { try { return localStorage.getItem("steelyard." + key); } catch { return null; } },
    set: (key, value) => { try { localStorage.setItem("steelyard." + key, value); } catch { /* not remembered */ } },
  };
  const asked = new URLSearchParams(location.search);

  // Language: both are in the page, the style shows one; attributes and chart titles are swapped here.
  const speak = (lang) => {
    root.dataset.lang = lang;
    root.lang = lang === "zh" ? "zh-Hans" : "en";
    document.title = lang === "zh" ? root.dataset.titleZh : root.dataset.titleEn;
    for (const el of all("[data-l10n]")) {
      const said = el.getAttribute("data-" + lang);
      if (el.dataset.l10n === "text") el.textContent = said;
      else el.setAttribute(el.dataset.l10n, said);
    }
    for (const b of all("#languages button")) b.setAttribute("aria-pressed", String(b.dataset.to === lang));
    if (byId("worst")) show();
  };
  byId("languages").hidden = false;
  byId("languages").addEventListener("click", (e) => {
    const to = e.target.dataset.to;
    if (to) { kept.set("lang", to); speak(to); }
  });

  // Theme: as the system says, until the reader chooses.
  const dark = () => root.dataset.theme
    ? root.dataset.theme === "dark" : matchMedia("(prefers-color-scheme: dark)").matches;
  const paint = (theme) => { if (theme === "dark" || theme === "light") root.dataset.theme = theme; };
  paint(asked.get("theme") || kept.get("theme"));
  byId("theme").hidden = false;
  byId("theme").addEventListener("click", () => {
    const to = dark() ? "light" : "dark";
    kept.set("theme", to);
    paint(to);
  });

  // The worst rows: filter by words and given label, sort by a heading.
  const body = byId("worst") && byId("worst").tBodies[0];
  const rows = body ? Array.from(body.rows) : [];
  const show = () => {
    const wanted = byId("filter").value.trim().toLowerCase().split(/\s+/).filter(Boolean);
    const given = byId("given").value;
    let seen = 0;
    for (const row of rows) {
      const words = row.textContent.toLowerCase();
      const fits = (!given || row.dataset.given === given) && wanted.every((w) => words.includes(w));
      row.hidden = !fits;
      seen += fits;
    }
    byId("shown").textContent = root.dataset.lang === "zh" ? `${seen} / ${rows.length} 行` : `${seen} of ${rows.length} rows`;
    byId("no-match").hidden = seen > 0;
  };
  const order = (head, name) => {
    const text = name === "query";
    const first = text || name === "rank" ? "ascending" : "descending";
    const was = head.getAttribute("aria-sort");
    const now = !was ? first : was === "ascending" ? "descending" : "ascending";
    for (const th of all("th[data-sort]", byId("worst"))) th.removeAttribute("aria-sort");
    head.setAttribute("aria-sort", now);
    const key = (row) => text ? row.dataset.query : row.dataset[name] === undefined ? NaN : Number(row.dataset[name]);
    const way = now === "ascending" ? 1 : -1;
    rows.sort((a, b) => {
      const x = key(a), y = key(b);
      if (text) return way * x.localeCompare(y) || a.dataset.rank - b.dataset.rank;
      if (Number.isNaN(x) || Number.isNaN(y)) return Number.isNaN(x) - Number.isNaN(y);
      return way * (x - y) || a.dataset.rank - b.dataset.rank;
    });
    body.append(...rows);
  };
  if (body) {
    byId("tools").hidden = false;
    byId("filter").addEventListener("input", show);
    byId("given").addEventListener("change", show);
    for (const head of all("th[data-sort]", byId("worst"))) {
      const button = document.createElement("button");
      button.type = "button";
      button.append(...head.childNodes);
      button.addEventListener("click", () => order(head, head.dataset.sort));
      head.append(button);
    }
  }

  // Tooltips: what a mark in a chart stands for, at once and by touch; without the script the browser's own remain.
  const tip = byId("tip");
  for (const title of all("svg.chart g > title, svg.chart rect > title")) {
    const mark = title.parentNode;
    mark.dataset.tip = title.textContent;
    mark.setAttribute("aria-label", title.textContent);
    title.remove();
  }
  document.addEventListener("pointerover", (e) => {
    const mark = e.target.closest ? e.target.closest("[data-tip]") : null;
    tip.hidden = !mark;
    if (!mark) return;
    tip.textContent = mark.dataset.tip;
    const x = Math.min(e.clientX + 12, innerWidth - tip.offsetWidth - 8);
    tip.style.left = Math.max(8, x) + "px";
    tip.style.top = Math.max(8, e.clientY - tip.offsetHeight - 12) + "px";
  });

  // Copy the command.
  const copy = byId("copy");
  if (copy && navigator.clipboard) {
    copy.hidden = false;
    copy.addEventListener("click", () => navigator.clipboard.writeText(byId("command").textContent).then(() => {
      copy.classList.add("done");
      setTimeout(() => copy.classList.remove("done"), 1500);
    }, () => { getSelection().selectAllChildren(byId("command")); }));
  }

  const first = asked.get("lang") || kept.get("lang");
  speak(first === "en" || first === "zh" ? first : root.dataset.lang);
  root.dataset.ready = "yes";
})();
