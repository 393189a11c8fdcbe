"use strict";
// The board's filter grammar, as in golfcheck/board/query.py; a test checks that both give the same answers.
const golfcheckQuery = (() => {
  const TERM = /(?=\S)(-?)(?:([^\s:"]+):)?("[^"]*"?|\S*)/gu;
  const NUMBER = /^[+-]?(?:[0-9][0-9,_]*(?:\.([0-9]*))?|\.([0-9]+))(?:e[+-]?[0-9]{1,2})?([km]?)$/i;
  const DATE = /^([0-9]{4})(?:-([0-9]{1,2})(?:-([0-9]{1,2}))?)?$/;
  const COMPARED = /^(<=|>=|<|>|=)?(.*)$/su;
  const UNITS = { "": 1, k: 1e3, m: 1e6 };
  const FORMER_WORDS = { "verdict human": "review" };
  const COMPARE = { "<": (a, b) => a < b, "<=": (a, b) => a <= b, ">": (a, b) => a > b, ">=": (a, b) => a >= b };

  class QueryError extends Error {}

  // Returns a number and half a unit of its last digit.
  const readNumber = (text, example) => {
    const match = NUMBER.exec(text);
    if (!match) throw new QueryError(`a number${text ? `, not '${text}'` : ""}, as in ${example}`);
    const unit = UNITS[match[3].toLowerCase()];
    const digits = (match[3] ? text.slice(0, -1) : text).replace(/[,_]/g, "").toLowerCase();
    const exponent = digits.includes("e") ? parseInt(digits.split("e")[1], 10) : 0;
    const decimals = (match[1] || match[2] || "").length - exponent;
    return [Number(digits) * unit, 0.5 * 10 ** -decimals * unit];
  };
  const between = (low, high) => (value) => value !== null && low <= value && value <= high;
  const TESTS = {
    text: (name, wanted) => (value) => value !== null && value.toLowerCase().includes(wanted.toLowerCase()),
    word: (name, wanted, key) => {
      const word = FORMER_WORDS[`${name} ${wanted.toLowerCase()}`] ?? wanted.toLowerCase();
      if (!key.words.includes(word)) throw new QueryError(`one of ${key.words.join(", ")}`);
      return (value) => value === word;
    },
    number: (name, text, key) => {
      const dots = text.indexOf("..");
      if (dots >= 0) return between(readNumber(text.slice(0, dots), key.example)[0], readNumber(text.slice(dots + 2), key.example)[0]);
      const [, sign, digits] = COMPARED.exec(text);
      const [bound, half] = readNumber(digits, key.example);
      if (!sign || sign === "=") return between(bound - half, bound + half);
      return (value) => value !== null && COMPARE[sign](value, bound);
    },
    date: (name, text) => {
      const match = DATE.exec(text);
      if (!match) throw new QueryError(`a day as YYYY-MM-DD, or YYYY-MM, or YYYY, not '${text}'`);
      const parts = match.slice(1).filter((part) => part !== undefined).map(Number);
      const [year, month = 1, day = 1] = parts;
      const date = new Date(Date.UTC(2000, month - 1, day));
      date.setUTCFullYear(year, month - 1, day);
      if (year < 1 || date.getUTCMonth() !== month - 1 || date.getUTCDate() !== day) throw new QueryError(`a day that is in the calendar, not '${text}'`);
      return (value) => {
        if (value === null) return false;
        const own = value.split("-").map(Number);
        const order = parts.map((part, place) => own[place] - part).find((difference) => difference) ?? 0;
        return name === "after" ? order >= 0 : name === "before" ? order < 0 : order === 0;
      };
    },
  };

  const readTerm = (match, data) => {
    const [typed, sign, rawName, rawValue] = match;
    const name = rawName?.toLowerCase();
    const quoted = rawValue.startsWith('"');
    const value = quoted ? rawValue.replace(/^"+|"+$/g, "") : rawValue;
    const compared = /^([a-z-]+)((?:<=|>=|<|>|=).*)$/su.exec(value);
    if (!quoted && rawName === undefined && compared && Object.hasOwn(data.keys, compared[1])) {
      throw new QueryError(`${typed}: expected a colon after the key: ${compared[1]}:${compared[2]}`);
    }
    if (name !== undefined && !Object.hasOwn(data.keys, name)) {
      throw new QueryError(`${typed}: unknown key '${rawName}'; there are ${Object.keys(data.keys).join(", ")} (put a word that has a colon in quotes)`);
    }
    if (!value) throw new QueryError(`${typed}: expected something after it, as in ${name === undefined ? "-author:ann" : data.keys[name].example}`);
    const places = Object.fromEntries(Object.keys(data.keys).map((key, place) => [key, place]));
    let test;
    if (name === undefined) {
      const word = value.toLowerCase();
      test = (row) => ["name", "author", "path"].map((key) => row[places[key]] ?? "").join("\n").toLowerCase().includes(word);
    } else {
      try {
        const of = TESTS[data.keys[name].kind](name, value, data.keys[name]);
        test = (row) => of(row[places[name]]);
      } catch (error) {
        throw error instanceof QueryError ? new QueryError(`${typed}: expected ${error.message}`) : error;
      }
    }
    return (row) => test(row) !== (sign === "-");
  };

  // Returns a test of a row's values, and what is wrong with the filter ("" if nothing is).
  const parse = (text, data) => {
    const tests = [];
    let problem = "";
    for (const match of text.matchAll(TERM)) {
      try {
        tests.push(readTerm(match, data));
      } catch (error) {
        if (!(error instanceof QueryError)) throw error;
        problem ||= error.message;
      }
    }
    return { matches: (row) => tests.every((test) => test(row)), problem };
  };
  return { parse };
})();
