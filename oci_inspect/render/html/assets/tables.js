/* Tables that sort by any of their columns. */
(() => {
  "use strict";
  const collator = new Intl.Collator("en", { numeric: true });

  function value(cell, numeric) {
    const given = cell.dataset.v;
    if (!numeric) return given === undefined ? cell.textContent.trim() : given;
    const text = given === undefined ? cell.textContent.trim() : given;
    return text === "" || Number.isNaN(Number(text)) ? -Infinity : Number(text);
  }

  function sort(table, head, headers) {
    const numeric = head.dataset.sort === "number";
    const before = head.getAttribute("aria-sort");
    // Of numbers one wants the largest first, of text the first letter.
    const down = before ? before === "ascending" : numeric;
    const column = head.cellIndex;
    const body = table.tBodies[0];
    const rows = Array.from(body.rows, (row) => {
      const cell = row.cells[column];
      // Digests are no numbers with letters between: what is given is compared as it is.
      return { row, key: value(cell, numeric), plain: cell.dataset.v !== undefined };
    });
    const sign = down ? -1 : 1;
    // Equal ones stay in the order of the page, whatever was sorted by before.
    rows.sort((a, b) => {
      const order = a.plain || numeric ? (a.key > b.key) - (a.key < b.key) : collator.compare(a.key, b.key);
      return sign * order || a.row.place - b.row.place;
    });
    body.append(...rows.map((one) => one.row));
    for (const other of headers) other.removeAttribute("aria-sort");
    head.setAttribute("aria-sort", down ? "descending" : "ascending");
  }

  const FIRST = 25; // rows, as in page.css

  /* Fold all but the first rows of a table, behind a button. */
  function fold(table) {
    const rows = table.tBodies[0].rows;
    const button = document.createElement("button");
    button.type = "button";
    button.className = "show-all";
    button.textContent = `Show all: ${rows.length - FIRST} more rows`;
    button.addEventListener("click", () => {
      table.classList.remove("folded");
      button.remove();
      const next = rows[FIRST].querySelector("a, button") || rows[FIRST];
      if (next === rows[FIRST]) next.tabIndex = -1;
      next.focus({ preventScroll: true });
    });
    table.classList.add("folded");
    table.closest(".scroll").after(button);
    table.ociUnfold = () => button.click();
  }
  for (const table of document.querySelectorAll("table.fold")) fold(table);

  for (const table of document.querySelectorAll("table.sortable")) {
    const body = table.tBodies[0];
    if (!body || body.rows.length < 2) continue;
    Array.from(body.rows).forEach((row, place) => {
      row.place = place;
    });
    const headers = Array.from(table.tHead.rows[0].cells).filter((one) => one.dataset.sort);
    for (const head of headers) {
      const button = document.createElement("button");
      button.type = "button";
      button.className = "sort";
      button.append(...head.childNodes);
      head.append(button);
      button.addEventListener("click", () => sort(table, head, headers));
    }
  }
})();
