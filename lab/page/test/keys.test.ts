import assert from "node:assert/strict";
import test from "node:test";
import { keyAction } from "../src/keys";

const press = (key: string, target: object = { tagName: "BODY" }, more = {}) => keyAction({ key, ctrlKey: false, metaKey: false, altKey: false, target, ...more });

test("every key of the help does something", () => {
  assert.deepEqual(press(" "), { kind: "toggle" });
  assert.deepEqual(press("ArrowLeft"), { kind: "step", by: -1 });
  assert.deepEqual(press("ArrowRight"), { kind: "step", by: 1 });
  assert.deepEqual(press("3"), { kind: "scenario", number: 3 });
  for (const [key, kind] of [["Home", "home"], ["p", "predict"], ["R", "rerun"], ["b", "bound"], ["F", "full"], ["?", "help"]] as const)
    assert.deepEqual(press(key), { kind });
  assert.equal(press("x"), undefined);
});

test("the browser's own keys stay the browser's", () => {
  assert.equal(press("r", undefined, { ctrlKey: true }), undefined);
  assert.equal(press("ArrowLeft", undefined, { altKey: true }), undefined);
});

test("who types a guess starts nothing", () => {
  for (const key of ["p", "1", " ", "ArrowLeft", "?"]) assert.equal(press(key, { tagName: "INPUT", type: "text" }), undefined);
});

test("a button keeps the space bar, a slider its arrows, and both leave the rest", () => {
  assert.equal(press(" ", { tagName: "BUTTON" }), undefined);
  assert.deepEqual(press("ArrowRight", { tagName: "BUTTON" }), { kind: "step", by: 1 });
  assert.equal(press("ArrowRight", { tagName: "INPUT", type: "range" }), undefined);
  assert.deepEqual(press("b", { tagName: "INPUT", type: "range" }), { kind: "bound" });
});
