// Sort a table by the column whose heading is pressed; a second press turns the order round.
for (const button of document.querySelectorAll("thead button")) {
  button.addEventListener("click", () => {
    const head = button.closest("th"), body = head.closest("table").tBodies[0];
    const column = head.cellIndex, number = head.classList.contains("n");
    const first = number ? "descending" : "ascending", other = number ? "ascending" : "descending";
    const order = head.getAttribute("aria-sort") === first ? other : first;
    for (const cell of head.parentElement.cells) cell.removeAttribute("aria-sort");
    head.setAttribute("aria-sort", order);
    const key = row => number ? Number(row.cells[column].dataset.value) : row.cells[column].textContent;
    const compare = (a, b) => number ? key(a) - key(b) : key(a).localeCompare(key(b));
    const turn = order === "ascending" ? 1 : -1;
    body.append(...[...body.rows].sort((a, b) => turn * compare(a, b)));
  });
}
