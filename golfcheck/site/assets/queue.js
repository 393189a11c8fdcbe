"use strict";
// The filter of the board (golfcheck/board/query.py) over the rows of the queue; the table came with the page.
(() => {
  const TERM = /(?=\S)(-?)(?:([^\s:"]+):)?("[^"]*"?|\S*)/g;
  const NUMBER = /^[+-]?(?:\d[\d,_]*(?:\.(\d*))?|\.(\d+))(?:e[+-]?\d{1,2})?([km]?)$/i;
  const DATE = /^(\d{4})(?:-(\d{1,2})(?:-(\d{1,2}))?)?$/;
  const COMPARE = { "<": (a, b) => a < b, "<=": (a, b) => a <= b, ">": (a, b) => a > b, ">=": (a, b) => a >= b };

  // A number and half a unit of its last digit: a plain number means what rounds to it.
  const number = (text, example) => {
    const match = NUMBER.exec(text);
    if (!match) throw new Error(`expected a number, as in ${example}`);
    const unit = { "": 1, k: 1e3, m: 1e6 }[match[3].toLowerCase()];
    const digits = text.slice(0, match[3] ? -1 : undefined).replace(/[,_]/g, "");
    const exponent = Number(digits.toLowerCase().split("e")[1] ?? 0);
    const decimals = (match[1] ?? match[2] ?? "").length - exponent;
    return [Number(digits) * unit, 0.5 * 10 ** -decimals * unit];
  };
  const camel = (name) => name.replace(/-(.)/g, (_, letter) => letter.toUpperCase()); // as `dataset` has it
  const between = (low, high) => (value) => value !== "" && Number(value) >= low && Number(value) <= high;
  const date = (name, text) => {
    const match = DATE.exec(text);
    if (!match) throw new Error("expected a day as YYYY-MM-DD, or YYYY-MM, or YYYY");
    const known = match.slice(1).filter(Boolean).map(Number);
    return (value) => {
      if (!value) return false;
      const parts = value.split("-").map(Number).slice(0, known.length);
      const order = parts.map((part, place) => part - known[place]).find(Boolean) ?? 0;
      return name === "before" ? order < 0 : name === "after" ? order >= 0 : order === 0;
    };
  };
  const tests = {
    text: (key, value) => (has) => has.toLowerCase().includes(value.toLowerCase()),
    word: (key, value) => {
      const words = key.words.split(" ");
      if (!words.includes(value.toLowerCase())) throw new Error(`expected one of ${words.join(", ")}`);
      return (has) => has === value.toLowerCase();
    },
    number: (key, value) => {
      if (value.includes("..")) return between(...value.split("..", 2).map((part) => number(part, key.example)[0]));
      const [, sign, rest] = /^(<=|>=|<|>|=)?(.*)$/.exec(value);
      const [bound, half] = number(rest, key.example);
      return COMPARE[sign] ? (has) => has !== "" && COMPARE[sign](Number(has), bound) : between(bound - half, bound + half);
    },
    date: (key, value) => date(key.name, value),
  };
  const term = (keys, [whole, minus, name, raw]) => {
    const value = raw.replace(/^"|"$/g, "");
    const key = name === undefined ? null : keys.get(name.toLowerCase());
    if (key === undefined) throw new Error(`${whole}: unknown key; there are ${[...keys.keys()].join(", ")}`);
    if (!value) throw new Error(`${whole}: expected something after it`);
    try {
      const test = key ? tests[key.kind](key, value) : (has) => has.includes(value.toLowerCase());
      const field = key ? key.field : "all";
      return (row) => test(row[field] ?? "") !== (minus === "-");
    } catch (error) {
      throw new Error(`${whole}: ${error.message}`);
    }
  };
  // The terms that can be read, and what is wrong with the first that cannot; the last one may still be typed.
  const parse = (keys, text) => {
    const terms = [];
    let wrong = "";
    for (const match of text.matchAll(TERM)) {
      try {
        terms.push(term(keys, match));
      } catch (error) {
        if (match.index + match[0].length < text.length) wrong ||= error.message;
      }
    }
    return { matches: (row) => terms.every((test) => test(row)), wrong };
  };

  const start = (table) => {
    const at = (id) => document.getElementById(id);
    const keys = new Map([...document.querySelectorAll("#keys [data-key]")].map((item) => [item.dataset.key, {
      name: item.dataset.key, field: camel(item.dataset.field), kind: item.dataset.kind, words: item.dataset.words, example: item.dataset.example,
    }]));
    const field = (head) => camel(head.dataset.field);
    const body = table.tBodies[0];
    const heads = [...table.tHead.rows[0].cells];
    const rows = [...body.rows].map((element, place) => ({
      element, place, data: { ...element.dataset, all: `${element.dataset.name}\n${element.dataset.author}\n${element.dataset.path}`.toLowerCase() },
    }));
    const numeric = new Set([...keys.values()].filter((key) => key.kind === "number").map((key) => key.field));
    const read = () => {
      const state = new URLSearchParams(location.hash.slice(1));
      return { q: state.get("q") ?? "", sort: state.get("sort") ?? "", down: state.get("dir") === "desc" };
    };
    let state = read();
    let order = " false";
    const show = () => {
      const query = parse(keys, state.q);
      let count = 0;
      for (const row of rows) {
        const shown = query.matches(row.data);
        row.element.hidden = !shown;
        count += shown;
      }
      if (order !== `${state.sort} ${state.down}`) {
        order = `${state.sort} ${state.down}`;
        const sorted = [...rows].sort((a, b) => {
          const x = a.data[state.sort] ?? "", y = b.data[state.sort] ?? "";
          if (!state.sort || x === y) return a.place - b.place;
          if (x === "" || y === "") return x === "" ? 1 : -1;
          const sign = numeric.has(state.sort) ? Number(x) - Number(y) : x < y ? -1 : 1;
          return state.down ? -sign : sign;
        });
        body.append(...sorted.map((row) => row.element));
      }
      for (const head of heads) {
        if (state.sort && field(head) === state.sort) head.setAttribute("aria-sort", state.down ? "descending" : "ascending");
        else head.removeAttribute("aria-sort");
      }
      if (at("find").value !== state.q) at("find").value = state.q;
      at("count").textContent = `${count} of ${rows.length}`;
      at("wrong").textContent = query.wrong;
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
    at("find").addEventListener("input", () => change({ q: at("find").value }));
    at("filter").addEventListener("submit", (event) => event.preventDefault());
    at("filter").addEventListener("reset", (event) => { event.preventDefault(); change({ q: "", sort: "", down: false }); });
    for (const head of heads) {
      const button = head.querySelector("button");
      button.disabled = false;
      button.addEventListener("click", () => {
        const again = state.sort === field(head);
        change(again && state.down ? { sort: "", down: false } : { sort: field(head), down: again });
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
