"use strict";
// Sorting and filtering of tables, and the page さがす; without the script every page reads as it stands.
(() => {
  // Every word must stand in the text, whatever its width and case.
  const plain = (text) => text.normalize("NFKC").toLowerCase();
  const holds = (element, wanted) => plain(wanted).split(/\s+/).every((word) => plain(element.textContent).includes(word));
  const number = (text) => {
    const found = text.normalize("NFKC").replace(/,/g, "").match(/^[\s＋+]*([△▲−-]?)\s*(\d+(?:\.\d+)?)/);
    return found ? Number(found[2]) * (found[1] ? -1 : 1) : null;
  };
  const order = (a, b) => {
    const [x, y] = [number(a), number(b)];
    return x !== null && y !== null ? x - y : a.localeCompare(b, "ja");
  };
  // Only a table that can be scrolled sideways is a stop for the keyboard.
  document.querySelectorAll(".scroll").forEach((box) => { if (box.scrollWidth <= box.clientWidth) box.removeAttribute("tabindex"); });
  document.querySelectorAll("main table").forEach((table) => {
    const body = table.tBodies[0];
    if (!table.tHead || !body || body.rows.length < 4 || table.closest(".cell")) return;
    const rows = [...body.rows];
    [...table.tHead.rows[0].cells].forEach((head, place) => {
      const button = document.createElement("button");
      button.type = "button";
      button.textContent = head.textContent;
      button.title = "並べ替え";
      head.replaceChildren(button);
      button.addEventListener("click", () => {
        const up = head.getAttribute("aria-sort") !== "ascending";
        [...table.tHead.rows[0].cells].forEach((other) => other.removeAttribute("aria-sort"));
        head.setAttribute("aria-sort", up ? "ascending" : "descending");
        rows.sort((a, b) => (up ? 1 : -1) * order(a.cells[place].textContent, b.cells[place].textContent));
        body.append(...rows);
      });
    });
    if (rows.length < 8) return;
    const label = document.createElement("label");
    label.className = "filter";
    const input = document.createElement("input");
    input.type = "search";
    const told = document.createElement("span");
    told.setAttribute("role", "status");
    label.append("絞り込み：", input, told);
    table.parentElement.before(label);
    input.addEventListener("input", () => {
      rows.forEach((row) => { row.hidden = !holds(row, input.value); });
      told.textContent = input.value ? ` ${rows.filter((row) => !row.hidden).length}行` : "";
    });
  });
  // The page さがす; search.html#q=語 can be linked to.
  const search = document.getElementById("search");
  if (!search) return;
  const entries = [...document.querySelectorAll(".hits li")];
  const narrow = () => {
    entries.forEach((entry) => { entry.hidden = !holds(entry, search.value); });
    document.querySelectorAll(".hits").forEach((part) => { part.hidden = !part.querySelector("li:not([hidden])"); });
    document.getElementById("found").textContent = `${entries.filter((entry) => !entry.hidden).length}件`;
  };
  search.addEventListener("input", narrow);
  search.form.addEventListener("submit", (event) => event.preventDefault());
  const asked = new URLSearchParams(location.hash.slice(1)).get("q");
  if (asked) search.value = asked;
  narrow();
})();
