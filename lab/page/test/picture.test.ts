import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import test from "node:test";

test("old browsers see the run that the README shows", () => {
  assert.equal(readFileSync("public/recorded.svg", "utf8"), readFileSync(`${process.env.LAB_ROOT ?? "../.."}/results/blocking-async.svg`, "utf8"));
});
