import assert from "node:assert/strict";
import test from "node:test";
import { choicesFor, howFarOff, whatItSuggests } from "../src/verdict";
import { panels, telling } from "./documents";

test("a verdict says how far off the guess was", () => {
  assert.equal(howFarOff(0.1, 1), "You said 100 ms, it took 1.00 s: 10 times as long.");
  assert.equal(howFarOff(1, 0.1), "You said 1.00 s, it took 100 ms: 10 times as fast.");
  assert.equal(howFarOff(1.1, 1), "You said 1.10 s, it took 1.00 s: right.");
  assert.equal(howFarOff(0, 1), "You said 0 s, it took 1.00 s: not immediate.");
});

test("each usual mistake is named by its number", async () => {
  const shown = await telling("blocking-async");
  const [blocked, awaited] = shown;
  assert.equal(whatItSuggests(0.1, blocked!, shown), "100 ms is what one request takes alone: that is all 10 at the same time.");
  assert.equal(whatItSuggests(1, awaited!, shown), "1.00 s means you added them up: 10 × 100 ms, one after another.");
  assert.match(whatItSuggests(0.55, blocked!, shown), /the mean/);
  assert.match(whatItSuggests(0.01, awaited!, shown), /they are not divided/);
  assert.equal(whatItSuggests(1, blocked!, shown), "", "a right guess suggests nothing");
});

test("a guess below the bound is impossible, whatever led to it", async () => {
  const shown = await telling("blocking-async");
  assert.match(whatItSuggests(0.003, shown[1]!, shown), /Nothing can be faster than the bound, 100 ms/);
  assert.match(whatItSuggests(30, shown[0]!, shown), /More overlaps than you thought/);
  const slower = { ...shown[0]!, makespan: 3 };
  assert.match(whatItSuggests(2, slower, [slower]), /Something takes time that you left out/);
});

test("ten requests over four workers are not divided evenly", async () => {
  const all = await panels("blocking-async");
  const workers = all.find((panel) => panel.arm === "workers-4")!;
  assert.match(whatItSuggests(0.25 * 0.96, workers, all), /cannot be divided/);
});

test("a class votes on the right answer among usual mistakes, from short to long", async () => {
  const shown = await telling("blocking-async");
  const choices = choicesFor(shown[0]!, shown);
  assert.ok(choices.length >= 3 && choices.length <= 5);
  assert.ok(choices.some((choice) => Math.abs(choice - 1) < 1e-6));
  assert.deepEqual(choices, [...choices].sort((a, b) => a - b));
});

test("where requests are not alike, no sum is suggested, and a class votes on powers of the answer", async () => {
  const [blocked] = await telling("blocking-async");
  const mixed = { ...blocked!, lanes: blocked!.lanes.map((lane, i) => ({ ...lane, route: i === 0 ? "slow" : "ping" })) };
  assert.doesNotMatch(whatItSuggests(0.1, mixed, [mixed]), /at the same time/);
  assert.equal(choicesFor(mixed, [mixed]).length, 5);
});
