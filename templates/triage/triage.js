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
    const number = /^[\d,.]+( %)?( \(.*)?$/.test(text) ? parseFloat(text.replace(/,/g, "")) : NaN;
    return isNaN(number) ? text : number;
  };
  // A long table shows its first rows; the others stay in it, to be sorted, filtered, linked to and printed.
  const FIRST = 40;
  const fold = (body, all) => {
    let place = 0;
    for (const row of body.rows) row.classList.toggle("over", !all && !row.hidden && ++place > FIRST);
  };
  const compare = (a, b) => typeof a === typeof b ? (a < b ? -1 : a > b ? 1 : 0) : typeof a === "number" ? -1 : 1;
  // On a phone a row becomes a card with its headers beside the cells; roles keep it a table for screen readers.
  const role = (element, word) => element && element.setAttribute("role", word);
  for (const table of document.querySelectorAll("table.data")) {
    const heads = [...table.tHead.rows[0].cells].map(each => each.textContent.trim());
    role(table, "table");
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
    const heads = [...table.tHead.rows[0].cells];
    const more = document.createElement("button");
    let all = body.rows.length <= FIRST + 20;
    if (!all) {
      more.type = "button";
      more.className = "more";
      more.textContent = "Show all " + body.rows.length.toLocaleString("en") + " rows";
      more.addEventListener("click", () => { all = true; more.remove(); fold(body, all); });
      (table.closest(".scroll") || table).after(more);
      fold(body, all);
    }
    heads.forEach((head, column) => {
      const button = document.createElement("button");
      button.type = "button";
      button.append(...head.childNodes);
      head.append(button);
      button.addEventListener("click", () => {
        const down = head.getAttribute("aria-sort") === "ascending";
        heads.forEach(each => each.removeAttribute("aria-sort"));
        head.setAttribute("aria-sort", down ? "descending" : "ascending");
        const rows = [...body.rows].sort((a, b) => compare(value(a, column), value(b, column)));
        body.append(...(down ? rows.reverse() : rows));
        fold(body, all);
      });
    });
    if (body.rows.length < 9) continue;
    const label = document.createElement("label"), input = document.createElement("input");
    const told = document.createElement("output");
    label.className = "filter";
    input.type = "search";
    input.placeholder = "Filter " + body.rows.length + " rows";
    input.setAttribute("aria-label", "Filter: " + (table.caption ? table.caption.textContent : "table"));
    input.addEventListener("input", () => {
      const wanted = input.value.toLowerCase();
      let shown = 0;
      for (const row of body.rows) shown += !(row.hidden = !row.textContent.toLowerCase().includes(wanted));
      fold(body, all || (wanted && shown <= 500));
      told.textContent = wanted ? shown + " of " + body.rows.length + " rows" : "";
    });
    label.append(input, " ", told);
    (table.closest(".scroll") || table).before(label);
  }
  const links = new Map([...document.querySelectorAll("#contents a")].map(a => [a.getAttribute("href").slice(1), a]));
  const seen = () => {
    let current = null;
    for (const id of links.keys()) if (document.getElementById(id).getBoundingClientRect().top < 120) current = id;
    for (const [id, a] of links) id === current ? a.setAttribute("aria-current", "true") : a.removeAttribute("aria-current");
  };
  addEventListener("scroll", seen, { passive: true });
  if (matchMedia("(max-width: 900px)").matches) document.querySelector("nav details").open = false;
  const open = () => {
    const target = location.hash && document.getElementById(location.hash.slice(1));
    const row = target && target.closest("tr.over");
    if (row) row.classList.remove("over");
    for (let box = target && target.closest("details"); box; box = box.parentElement.closest("details")) box.open = true;
    if (row) target.scrollIntoView();
  };
  addEventListener("hashchange", open);
  open();
  seen();
})();
