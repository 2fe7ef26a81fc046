import assert from "node:assert/strict";
import test from "node:test";
import { timesOf } from "../src/draw";
import { nameOf, panelsOf, tellingPanels, wholeOf } from "../src/panels";
import { gapInWords, heldOver, setsAt, stepInWords, stripsOf } from "../src/queues";
import { panels, predicted, telling } from "./documents";

test("on a blocked loop one request runs and the rest lie unread", async () => {
  const [blocked] = await telling("blocking-async");
  const sets = setsAt(blocked!, 0.35);
  assert.deepEqual(sets.running, [4]);
  assert.deepEqual(sets.unread, [5, 6, 7, 8, 9, 10]);
  assert.equal(sets.answered, 3);
  assert.equal(stepInWords(blocked!, 0.35), "Request 4 holds the loop; 6 lie unread.");
  assert.equal(stepInWords(blocked!, 1), "All 10 are answered.");
});

test("requests that await hold nothing, and the loop is free", async () => {
  const [, awaited] = await telling("blocking-async");
  assert.equal(setsAt(awaited!, 0.05).waiting.length, 10);
  assert.equal(stepInWords(awaited!, 0.05), "10 requests wait and hold nothing; the loop is free.");
});

test("request 41 queues while forty threads are held", async () => {
  const [pool] = await telling("pool-limit");
  assert.equal(stepInWords(pool!, 0.05), "40 threads are held; 1 queues.");
  assert.equal(gapInWords(pool!), "At most 40 threads held at once of 40.");
  assert.equal(stripsOf(pool!)[0]!.of, 40);
});

test("under a GIL one thread computes and three wait for it", async () => {
  const [gil] = await telling("gil");
  assert.equal(stepInWords(gil!, 0.002), "1 thread is held; 3 threads wait for the GIL.");
});

test("the strip of a blocked loop has no gap, its turns last as long as a wait", async () => {
  const [blocked, awaited] = await telling("blocking-async");
  const [strip] = stripsOf(blocked!);
  assert.equal(strip!.stretches.length, 10);
  assert.equal(gapInWords(blocked!), "Longest gap of the loop: 100 ms.");
  assert.ok(stripsOf(awaited!)[0]!.longest < 0.001);
});

test("each worker has a strip of its own", async () => {
  const workers = (await panels("blocking-async")).find((panel) => panel.arm === "workers-4")!;
  assert.deepEqual(stripsOf(workers).map((strip) => strip.stretches.length), [3, 3, 2, 2]);
});

test("overlapping holds are counted, and nothing is held between them", () => {
  const lane = (request: number, from: number, to: number) => ({ request, route: "", worker: 0, answered: true, end: to, segments: [{ from, to, state: "pool" as const }] });
  assert.deepEqual(heldOver([lane(1, 0, 2), lane(2, 1, 3), lane(3, 5, 6)]),
    [{ from: 0, to: 1, held: 1 }, { from: 1, to: 2, held: 2 }, { from: 2, to: 3, held: 1 }, { from: 5, to: 6, held: 1 }]);
});

test("what a lane spent on each state adds up to its time", async () => {
  const [blocked] = await telling("blocking-async");
  const times = timesOf(blocked!.lanes[9]!);
  assert.ok(Math.abs(times.unread! - 0.9) < 1e-9);
  assert.ok(Math.abs(times.loop! - 0.1) < 1e-9);
});

test("the arms that answer the question come first, else the slowest and the fastest", async () => {
  const all = await panels("blocking-async");
  assert.deepEqual(tellingPanels(all, [{ arm: "workers-4", case: "main" }, { arm: "async-loop", case: "main" }]).map((panel) => panel.arm), ["workers-4", "async-loop"]);
  assert.deepEqual(tellingPanels(all, []).map((panel) => panel.arm), ["blocking-loop", "async-loop"]);
  assert.equal(wholeOf(all), 1);
});

test("a state that the page does not know yet is drawn as queued", async () => {
  const document = await predicted("blocking-async");
  const [panel] = panelsOf(document, ["unsent", "frozen", "x", "loop"]);
  assert.equal(panel!.lanes[9]!.segments[0]!.state, "runnable");
});

test("a panel is named by its case and engine where they differ", async () => {
  const [one] = await telling("blocking-async");
  const recorded = { ...one!, engine: "fastapi" }, other = { ...one!, case: "burst-41" };
  assert.equal(nameOf(one!, [one!]), "blocking-loop");
  assert.equal(nameOf(recorded, [one!, recorded]), "blocking-loop on fastapi");
  assert.equal(nameOf(other, [one!, other]), "blocking-loop (burst-41)");
});
