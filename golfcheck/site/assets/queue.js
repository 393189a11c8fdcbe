"use strict";
// The queue, sorted by the values that its filter uses; words are in the order of their meaning.
document.addEventListener("DOMContentLoaded", () => {
  const table = document.getElementById("queue");
  if (!table) return;
  const data = JSON.parse(document.getElementById("search-data").textContent);
  const sortable = ({ words }, value) => (words.length && value !== null ? words.indexOf(value) : value);
  golfcheckTable(table, {
    data,
    first: "",
    keys: Object.keys(data.keys),
    valuesOf: (row, index) => Object.fromEntries(
      Object.entries(data.keys).map(([name, key], column) => [name, sortable(key, data.rows[index][column])]),
    ),
  });
});
