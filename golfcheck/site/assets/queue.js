"use strict";
// The queue's table: filtered by the grammar of query.js, sorted by what the filter reads; it came with the page.
(() => {
  const start = (table) => {
    const at = (id) => document.getElementById(id);
    const data = JSON.parse(at("search-data").textContent);
    const places = Object.fromEntries(Object.keys(data.keys).map((key, place) => [key, place]));
    const body = table.tBodies[0];
    const heads = [...table.tHead.rows[0].cells];
    const rows = [...body.rows].map((element, place) => ({ element, place, values: data.rows[place] }));
    const read = () => {
      const state = new URLSearchParams(location.hash.slice(1));
      const sort = state.get("sort") ?? "";
      return { q: state.get("q") ?? "", sort: sort in places ? sort : "", down: state.get("dir") === "desc" };
    };
    const compare = (state) => (a, b) => {
      const x = a.values[places[state.sort]] ?? null, y = b.values[places[state.sort]] ?? null;
      if (!state.sort || x === y) return a.place - b.place; // the queue's own order
      if (x === null || y === null) return x === null ? 1 : -1; // what is missing stands last, either way
      const words = data.keys[state.sort].words;
      const order = words.length ? words.indexOf(x) - words.indexOf(y) : typeof x === "number" ? x - y : x < y ? -1 : 1;
      return state.down ? -order : order;
    };
    let state = read();
    let order = " false"; // of the rows as they stand: to move thousands takes a second
    const show = () => {
      const query = golfcheckQuery.parse(state.q, data);
      let count = 0;
      for (const row of rows) {
        const matches = query.matches(row.values);
        row.element.hidden = !matches;
        count += matches;
      }
      if (order !== `${state.sort} ${state.down}`) {
        order = `${state.sort} ${state.down}`;
        body.append(...[...rows].sort(compare(state)).map((row) => row.element));
      }
      for (const head of heads) {
        if (state.sort && head.dataset.key === state.sort) head.setAttribute("aria-sort", state.down ? "descending" : "ascending");
        else head.removeAttribute("aria-sort");
      }
      if (at("q").value !== state.q) at("q").value = state.q;
      at("count").textContent = `${count} of ${rows.length}`;
      at("problem").textContent = query.problem;
      at("none").hidden = count > 0;
    };
    const change = (part) => {
      state = { ...state, ...part };
      const out = new URLSearchParams();
      if (state.q) out.set("q", state.q);
      if (state.sort) out.set("sort", state.sort);
      if (state.down) out.set("dir", "desc");
      history.replaceState(null, "", out.size ? `#${out}` : location.pathname + location.search);
      show();
    };
    at("q").addEventListener("input", () => change({ q: at("q").value }));
    at("filter").addEventListener("submit", (event) => event.preventDefault());
    at("filter").addEventListener("reset", (event) => { event.preventDefault(); change({ q: "", sort: "", down: false }); });
    for (const head of heads) {
      const button = head.querySelector("button");
      button.disabled = false;
      button.addEventListener("click", () => {
        const again = state.sort === head.dataset.key;
        change(again && state.down ? { sort: "", down: false } : { sort: head.dataset.key, down: again });
      });
    }
    addEventListener("hashchange", () => { state = read(); show(); });
    at("filter").hidden = false;
    show();
  };
  document.addEventListener("DOMContentLoaded", () => {
    const table = document.getElementById("queue");
    if (table) start(table);
  });
})();
