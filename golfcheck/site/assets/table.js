"use strict";
// A table with a filter (the grammar of query.js) and sortable columns; the address holds its state.
//
// `data` is what the page's filter searches, `first` the key by which the rows are sorted initially, `keys` all sort
// keys. `valuesOf(row, index)` returns an object with a row's value for each key, null if it has none.
// `fields` are other inputs by their names in the address; `matches(values, state)` returns whether a row passes them.
const golfcheckTable = (table, { data, first, keys, valuesOf, fields = {}, matches = () => true }) => {
  const at = (id) => document.getElementById(id);
  const inputs = { q: at("q"), ...fields };
  const sorter = at("f-sort");
  const body = table.tBodies[0];
  const heads = [...table.tHead.rows[0].cells];
  const rows = [...body.rows].map((element, index) => ({ element, index, values: valuesOf(element, index) }));
  const isBox = (input) => input.type === "checkbox";
  const each = (value) => Object.fromEntries(Object.entries(inputs).map(([name, input]) => [name, value(name, input)]));

  const fromAddress = () => {
    const address = new URLSearchParams(location.hash.slice(1));
    const sort = keys.includes(address.get("sort")) ? address.get("sort") : first;
    return { ...each((name) => address.get(name) ?? ""), sort, down: address.get("dir") === "desc" };
  };
  const toAddress = (state) => {
    const address = new URLSearchParams();
    for (const name in inputs) if (state[name]) address.set(name, state[name]);
    if (state.sort !== first || state.down) address.set("sort", state.sort);
    if (state.down) address.set("dir", "desc");
    return address.size ? `#${address}` : location.pathname + location.search;
  };
  const compare = (state) => (a, b) => {
    const x = a.values[state.sort] ?? null, y = b.values[state.sort] ?? null;
    if (x === y) return a.index - b.index;
    if (x === null || y === null) return x === null ? 1 : -1; // missing values come last in both directions
    const order = typeof x === "number" ? x - y : x < y ? -1 : 1;
    return state.down ? -order : order;
  };
  let state = fromAddress();
  let order = `${first} false`; // the current order of the rows: moving thousands of them takes a second
  const show = () => {
    const query = golfcheckQuery.parse(state.q, data);
    let count = 0;
    for (const row of rows) {
      const shown = query.matches(data.rows[row.index]) && matches(row.values, state);
      row.element.hidden = !shown;
      count += shown;
    }
    if (order !== `${state.sort} ${state.down}`) {
      order = `${state.sort} ${state.down}`;
      body.append(...[...rows].sort(compare(state)).map((row) => row.element));
    }
    for (const head of heads) {
      if (state.sort && head.dataset.key === state.sort) head.setAttribute("aria-sort", state.down ? "descending" : "ascending");
      else head.removeAttribute("aria-sort");
    }
    for (const [name, input] of Object.entries(inputs)) {
      if (isBox(input)) input.checked = state[name] === "1";
      else if (input.value !== state[name]) input.value = state[name];
    }
    if (sorter) sorter.value = `${state.sort}${state.down ? " desc" : ""}`;
    at("problem").textContent = query.problem;
    at("count").textContent = `${count} of ${rows.length}`;
    at("none").hidden = count > 0;
  };
  const change = (part) => {
    state = { ...state, ...part };
    history.replaceState(null, "", toAddress(state));
    show();
  };
  const reset = () => change({ ...each(() => ""), sort: first, down: false });

  for (const [name, input] of Object.entries(inputs)) {
    const value = () => (isBox(input) ? (input.checked ? "1" : "") : input.value);
    input.addEventListener(isBox(input) ? "change" : "input", () => change({ [name]: value() }));
  }
  sorter?.addEventListener("change", () => {
    const [sort, direction] = sorter.value.split(" ");
    change({ sort, down: direction === "desc" });
  });
  at("filter").addEventListener("submit", (event) => event.preventDefault());
  at("filter").addEventListener("reset", (event) => { event.preventDefault(); reset(); });
  at("clear")?.addEventListener("click", reset);
  for (const head of heads) {
    const button = head.querySelector("button");
    button.disabled = false;
    button.addEventListener("click", () => { // the third click restores the initial order
      const again = state.sort === head.dataset.key;
      change(again && state.down ? { sort: first, down: false } : { sort: head.dataset.key, down: again });
    });
  }
  addEventListener("hashchange", () => { state = fromAddress(); show(); });
  at("filter").hidden = false;
  show();
};
