"use strict";
// Hides the rows that are not asked for. All is in the page without it.
const form = document.querySelector("form.filters");
form.hidden = false;
const rows = [...document.querySelectorAll("tbody tr")];
const texts = new Map(rows.map((row) => [row, row.cells[0].textContent.toLowerCase()]));
function filter() {
  const words = form.elements.words.value.toLowerCase().split(/\s+/).filter((word) => word);
  const differ = form.elements.differ.checked;
  const wanted = form.elements.class.value;
  let shown = 0;
  for (const row of rows) {
    const fits =
      words.every((word) => texts.get(row).includes(word)) &&
      (!differ || row.dataset.differs === "true") &&
      (!wanted || row.dataset.classes.split(" ").includes(wanted));
    row.hidden = !fits;
    shown += fits ? 1 : 0;
  }
  form.elements.shown.value = `${shown} of ${rows.length} rows`;
}
form.addEventListener("input", filter);
form.addEventListener("submit", (event) => event.preventDefault());
filter();
