"use strict";
// Sorting and filtering of tables; without the script every page reads as it stands.
(() => {
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
    label.append("絞り込み：", input);
    table.parentElement.before(label);
    input.addEventListener("input", () => {
      const word = input.value.normalize("NFKC").toLowerCase();
      rows.forEach((row) => { row.hidden = !row.textContent.normalize("NFKC").toLowerCase().includes(word); });
    });
  });
})();
