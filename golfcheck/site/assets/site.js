"use strict";
// The theme is set before anything is drawn; all else works on the table that the page came with.
(() => {
  const root = document.documentElement;
  const kept = (value) => {
    try {
      if (value) localStorage.setItem("golfcheck-theme", value);
      return localStorage.getItem("golfcheck-theme");
    } catch { return null; } // a reader who keeps nothing
  };
  const theme = kept();
  if (theme === "dark" || theme === "light") root.dataset.theme = theme;

  const startTheme = () => {
    const button = document.getElementById("theme");
    const dark = () => root.dataset.theme ? root.dataset.theme === "dark" : matchMedia("(prefers-color-scheme: dark)").matches;
    const name = () => { button.textContent = dark() ? "light" : "dark"; };
    button.addEventListener("click", () => { root.dataset.theme = dark() ? "light" : "dark"; kept(root.dataset.theme); name(); });
    matchMedia("(prefers-color-scheme: dark)").addEventListener("change", name);
    button.hidden = false;
    name();
  };

  const startBoard = (table) => {
    const at = (id) => document.getElementById(id);
    const body = table.tBodies[0];
    const data = JSON.parse(at("search-data").textContent);
    const heads = [...table.tHead.rows[0].cells];
    const keys = heads.map((head) => head.dataset.key);
    const rows = [...body.rows].map((element, place) => ({
      element, place, held: element.classList.contains("held"), searched: data.rows[place],
      values: [...element.cells].map((cell, column) => {
        const value = cell.dataset.v;
        return heads[column].classList.contains("n") && value !== "" ? Number(value) : value;
      }),
    }));
    const column = (key) => keys.indexOf(key);
    const fields = { q: at("q"), status: at("f-status"), verdict: at("f-verdict") };

    const fromAddress = () => {
      const state = new URLSearchParams(location.hash.slice(1));
      const sort = column(state.get("sort")) < 0 ? "rank" : state.get("sort");
      return { q: state.get("q") ?? "", status: state.get("status") ?? "", verdict: state.get("verdict") ?? "", held: state.get("held") === "1", sort, down: state.get("dir") === "desc" };
    };
    const toAddress = (state) => {
      const out = new URLSearchParams();
      for (const key of ["q", "status", "verdict"]) if (state[key]) out.set(key, state[key]);
      if (state.held) out.set("held", "1");
      if (state.sort !== "rank" || state.down) out.set("sort", state.sort);
      if (state.down) out.set("dir", "desc");
      return out.size ? `#${out}` : location.pathname + location.search;
    };
    const compare = (state) => (a, b) => {
      const x = a.values[column(state.sort)], y = b.values[column(state.sort)];
      if (x === y) return a.place - b.place;
      if (x === "" || y === "") return x === "" ? 1 : -1; // what is missing stands last, either way
      const order = typeof x === "number" ? x - y : x < y ? -1 : 1;
      return state.down ? -order : order;
    };
    let state = fromAddress();
    let order = ""; // of the rows as they stand: to move thousands takes a second
    const show = () => {
      const query = golfcheckQuery.parse(state.q, data);
      let count = 0;
      for (const row of rows) {
        const matches = query.matches(row.searched) && (!state.held || row.held)
          && ["status", "verdict"].every((key) => !state[key] || row.values[column(key)] === state[key]);
        row.element.hidden = !matches;
        count += matches;
      }
      if (order !== `${state.sort} ${state.down}`) {
        order = `${state.sort} ${state.down}`;
        body.append(...[...rows].sort(compare(state)).map((row) => row.element));
      }
      for (const head of heads) {
        if (head.dataset.key === state.sort) head.setAttribute("aria-sort", state.down ? "descending" : "ascending");
        else head.removeAttribute("aria-sort");
      }
      for (const key in fields) if (fields[key].value !== state[key]) fields[key].value = state[key];
      at("f-held").checked = state.held;
      at("f-sort").value = `${state.sort}${state.down ? " desc" : ""}`;
      at("problem").textContent = query.problem;
      at("count").textContent = `${count} of ${rows.length}`;
      at("none").hidden = count > 0;
    };
    const change = (part) => {
      state = { ...state, ...part };
      history.replaceState(null, "", toAddress(state));
      show();
    };
    for (const key in fields) fields[key].addEventListener("input", () => change({ [key]: fields[key].value }));
    at("f-held").addEventListener("change", () => change({ held: at("f-held").checked }));
    at("f-sort").addEventListener("change", () => {
      const [sort, down] = at("f-sort").value.split(" ");
      change({ sort, down: down === "desc" });
    });
    const reset = () => change({ q: "", status: "", verdict: "", held: false, sort: "rank", down: false });
    at("filter").addEventListener("reset", (event) => { event.preventDefault(); reset(); });
    at("filter").addEventListener("submit", (event) => event.preventDefault());
    at("clear").addEventListener("click", reset);
    for (const head of heads) {
      const button = head.querySelector("button");
      button.disabled = false;
      button.addEventListener("click", () => change({ sort: head.dataset.key, down: state.sort === head.dataset.key && !state.down }));
    }
    addEventListener("hashchange", () => { state = fromAddress(); show(); });
    at("filter").hidden = false;
    show();
  };

  document.addEventListener("DOMContentLoaded", () => {
    startTheme();
    const table = document.getElementById("board");
    if (table) startBoard(table);
  });
})();
