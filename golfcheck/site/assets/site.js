"use strict";
// The theme, set before anything is drawn, and the leaderboard's table.
(() => {
  const root = document.documentElement;
  const storedTheme = (value) => {
    try {
      if (value) localStorage.setItem("golfcheck-theme", value);
      return localStorage.getItem("golfcheck-theme");
    } catch { return null; } // a browser without storage
  };
  const theme = storedTheme();
  if (theme === "dark" || theme === "light") root.dataset.theme = theme;

  const startTheme = () => {
    const button = document.getElementById("theme");
    const dark = () => root.dataset.theme ? root.dataset.theme === "dark" : matchMedia("(prefers-color-scheme: dark)").matches;
    const name = () => { button.textContent = dark() ? "light" : "dark"; };
    button.addEventListener("click", () => { root.dataset.theme = dark() ? "light" : "dark"; storedTheme(root.dataset.theme); name(); });
    matchMedia("(prefers-color-scheme: dark)").addEventListener("change", name);
    button.hidden = false;
    name();
  };

  const startBoard = (table) => {
    const at = (id) => document.getElementById(id);
    const heads = [...table.tHead.rows[0].cells];
    const value = (cell, head) => {
      const text = cell.dataset.v;
      return text === "" ? null : head.classList.contains("n") ? Number(text) : text;
    };
    golfcheckTable(table, {
      data: JSON.parse(at("search-data").textContent),
      first: "rank",
      keys: heads.map((head) => head.dataset.key),
      valuesOf: (row) => ({
        held: row.classList.contains("held"),
        ...Object.fromEntries(heads.map((head, column) => [head.dataset.key, value(row.cells[column], head)])),
      }),
      fields: { status: at("f-status"), verdict: at("f-verdict"), held: at("f-held") },
      matches: (values, state) =>
        (!state.held || values.held) && ["status", "verdict"].every((key) => !state[key] || values[key] === state[key]),
    });
  };

  document.addEventListener("DOMContentLoaded", () => {
    startTheme();
    const table = document.getElementById("board");
    if (table) startBoard(table);
  });
})();
