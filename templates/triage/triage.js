"use strict";
(() => {
  const codes = document.getElementById("codes");
  codes.addEventListener("click", () => {
    const on = document.body.classList.toggle("codes");
    codes.setAttribute("aria-pressed", on);
    codes.textContent = on ? "Hide code" : "Show code";
  });
  const value = (row, column) => {
    const cell = row.cells[column], time = cell.querySelector("time");
    const text = time ? time.dateTime : cell.textContent.trim();
    const number = /^≈?[\d,.]+( %)?( \(.*)?$/.test(text) ? parseFloat(text.replace(/[≈,]/g, "")) : NaN;
    return isNaN(number) ? text : number;
  };
  // A long table holds its first rows; the others wait beside the page, to be sorted, filtered, linked to and printed.
  const FIRST = 40, FOUND = 500, waiting = new Map(), shows = [];
  const compare = (a, b) => typeof a === typeof b ? (a < b ? -1 : a > b ? 1 : 0) : typeof a === "number" ? -1 : 1;
  // On a phone a row becomes a card with its headers beside the cells; roles keep it a table for screen readers.
  const role = (element, word) => element && element.setAttribute("role", word);
  for (const table of document.querySelectorAll("table.data")) {
    const heads = [...table.tHead.rows[0].cells].map(each => each.textContent.trim());
    role(table, "table");
    table.classList.toggle("many", heads.length > 2);  // two columns fit a phone as they are
    [table.tHead, table.tBodies[0]].forEach(each => role(each, "rowgroup"));
    for (const row of table.rows) {
      role(row, "row");
      [...row.cells].forEach((cell, column) => {
        role(cell, cell.tagName === "TH" ? "columnheader" : "cell");
        if (cell.tagName === "TD") cell.dataset.label = heads[column];
      });
    }
  }
  document.documentElement.classList.add("cards");
  for (const table of document.querySelectorAll("table.data, table.dataframe")) {
    const body = table.tBodies[0];
    if (!body || !table.tHead || body.rows.length < 2) continue;
    const rows = [...body.rows], box = table.closest(".scroll") || table;
    let all = rows.length <= FIRST + 20, wanted = "";
    const show = everything => {
      const found = wanted ? rows.filter(row => row.textContent.toLowerCase().includes(wanted)) : rows;
      const few = !everything && !all && (!wanted || found.length > FOUND);
      body.replaceChildren(...(few ? found.slice(0, FIRST) : found));
      return found.length;
    };
    if (!all) {
      const more = document.createElement("button");
      more.type = "button";
      more.className = "more";
      more.textContent = "Show all " + rows.length.toLocaleString("en") + " rows";
      more.addEventListener("click", () => { all = true; more.remove(); show(); });
      box.after(more);
      for (const row of rows) if (row.id) waiting.set(row.id, () => body.append(row));
      shows.push(show);
      show();
    }
    const heads = [...table.tHead.rows[0].cells];
    heads.forEach((head, column) => {
      const button = document.createElement("button");
      button.type = "button";
      button.append(...head.childNodes);
      head.append(button);
      button.addEventListener("click", () => {
        const down = head.getAttribute("aria-sort") === "ascending";
        heads.forEach(each => each.removeAttribute("aria-sort"));
        head.setAttribute("aria-sort", down ? "descending" : "ascending");
        rows.sort((a, b) => compare(value(a, column), value(b, column)));
        if (down) rows.reverse();
        show();
      });
    });
    if (rows.length < 9) continue;
    const label = document.createElement("label"), input = document.createElement("input");
    const told = document.createElement("output");
    label.className = "filter";
    input.type = "search";
    input.placeholder = "Filter " + rows.length + " rows";
    input.setAttribute("aria-label", "Filter: " + (table.caption ? table.caption.textContent : "table"));
    input.addEventListener("input", () => {
      wanted = input.value.toLowerCase();
      const found = show();
      told.textContent = wanted ? found + " of " + rows.length + " rows" : "";
    });
    label.append(input, " ", told);
    box.before(label);
  }
  // On a phone a command is pushed sideways and not broken: the keyboard has to reach its box then.
  const narrow = matchMedia("(max-width: 600px)");
  const reach = () => {
    for (const box of document.querySelectorAll(".where+pre, .freeze pre, .steps pre")) {
      if (narrow.matches && box.scrollWidth > box.clientWidth) box.tabIndex = 0;
      else box.removeAttribute("tabindex");
    }
  };
  narrow.addEventListener("change", reach);
  reach();
  // On paper nothing opens: folds are open there, but for lists of ids, which the evidence repeats, and endless ones.
  const PAPER = 8000;
  let unfolded = [];
  addEventListener("beforeprint", () => {
    shows.forEach(show => show(true));
    const folds = [...document.querySelectorAll("main details:not([open], .source, .ids)")];
    unfolded = folds.filter(fold => fold.textContent.length < PAPER);
    unfolded.forEach(fold => { fold.open = true; });
  });
  addEventListener("afterprint", () => {
    shows.forEach(show => show());
    unfolded.forEach(fold => { fold.open = false; });
  });
  const links = new Map([...document.querySelectorAll("#contents a")].map(a => [a.getAttribute("href").slice(1), a]));
  const seen = () => {
    let current = null;
    for (const id of links.keys()) if (document.getElementById(id).getBoundingClientRect().top < 120) current = id;
    for (const [id, a] of links) id === current ? a.setAttribute("aria-current", "true") : a.removeAttribute("aria-current");
  };
  addEventListener("scroll", seen, { passive: true });
  if (matchMedia("(max-width: 900px)").matches) document.querySelector("nav details").open = false;
  const open = () => {
    const id = location.hash.slice(1), late = id && !document.getElementById(id) && waiting.get(id);
    if (late) late();
    const target = id && document.getElementById(id);
    for (let fold = target && target.closest("details"); fold; fold = fold.parentElement.closest("details")) fold.open = true;
    if (late) location.replace(location.hash);  // so that the row counts as the link's target
  };
  addEventListener("hashchange", open);
  open();
  seen();
})();
