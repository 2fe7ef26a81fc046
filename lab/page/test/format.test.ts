import assert from "node:assert/strict";
import test from "node:test";
import { clockOf, formatTime, listOf, parseTime } from "../src/format";

test("a time has three digits that count, in the unit that fits it", () => {
  const said: [number, string][] = [[0, "0 s"], [0.00031, "0.31 ms"], [0.0123, "12.3 ms"], [0.1, "100 ms"], [0.9999, "1.00 s"], [1.002, "1.00 s"],
    [12.34, "12.3 s"], [125, "2 min 5 s"], [100000, "27 h 46 min"]];
  for (const [seconds, words] of said) assert.equal(formatTime(seconds), words);
  assert.equal(formatTime(NaN), "–");
});

test("a guess is read with or without its unit, with a point or a comma", () => {
  const typed: [string, string, number | undefined][] = [["1", "s", 1], ["1,5", "s", 1.5], ["250", "ms", 0.25], ["250 ms", "s", 0.25], ["~1.1s", "ms", 1.1],
    ["2 min", "s", 120], ["", "s", undefined], ["fast", "s", undefined], ["1 parsec", "s", undefined], ["-1", "s", undefined], [".5", "s", 0.5]];
  for (const [text, unit, seconds] of typed) assert.equal(parseTime(text, unit), seconds, text);
});

test("the clock keeps its unit through a whole run", () => {
  assert.deepEqual([0, 0.05, 1].map(clockOf(1)), ["0.000 s", "0.050 s", "1.000 s"]);
  assert.deepEqual([0, 0.1].map(clockOf(0.1)), ["0.0 ms", "100.0 ms"]);
});

test("many numbers are said by the first ones", () => {
  assert.equal(listOf([3]), "3");
  assert.equal(listOf([3, 7, 9]), "3, 7 and 9");
  assert.equal(listOf([1, 2, 3, 4, 5, 6]), "1, 2, 3 and 3 more");
});
