import assert from "node:assert/strict";
import test from "node:test";
import { Lab } from "../src/lab";
import { LiveRun } from "../src/live";
import { Player } from "../src/player";
import { checked } from "../src/source";
import type { Call, Options, PageDocument, RunLine, Source } from "../src/types";
import { ask, catalogue, predicted, telling } from "./documents";

const still = { request: () => 0, cancel: () => {} };

/** A source whose answers come in the order in which a test lets them. */
async function opened(change: Partial<Source> = {}) {
  const source: Source = {
    kind: "model", program: "lab", recordedNames: [], catalogue, recorded: () => Promise.resolve(undefined),
    predict: (scenario: string, options: Options) => ask<PageDocument>({ call: "predict", scenario, options } as Call).then((answer) => checked(answer)),
    call: ask,
    run: async function* () { /* the model runs nothing */ },
    ...change,
  };
  const lab = new Lab(source, await catalogue(), new Player(still, 0, true));
  await lab.open("blocking-async");
  return lab;
}

test("a scenario opens with the arms that answer its question, and no prediction", async () => {
  const lab = await opened();
  assert.deepEqual(lab.shown.map((panel) => panel.arm), ["blocking-loop", "async-loop"]);
  assert.equal(lab.committed, false);
  assert.equal(lab.player.at, 0);
});

test("a committed number lets the replay begin, and predicting again hides it", async () => {
  const lab = await opened();
  await lab.commit(0.1);
  assert.equal(lab.player.at, 1, "a player without motion shows the whole");
  lab.predictAgain();
  assert.equal(lab.committed, false);
  assert.equal(lab.player.at, 0);
});

test("a recording shows at once, whole, until somebody wants to predict", async () => {
  const lab = await opened({ kind: "recorded" });
  assert.equal(lab.committed, true);
  assert.equal(lab.player.at, lab.player.whole);
  lab.choose("thread-pool/main/model", true);
  assert.equal(lab.player.at, lab.player.whole);
  lab.predictAgain();
  assert.equal(lab.committed, false);
  await lab.commit(1);
  assert.equal(lab.committed, true);
});

test("a setting is drawn at once, whole, with the arms that were chosen", async () => {
  const lab = await opened();
  await lab.commit(1);
  lab.choose("thread-pool/main/model", true);
  await lab.set({ requests: "20" });
  assert.equal(lab.player.whole, 2);
  assert.equal(lab.player.at, 2);
  assert.deepEqual(lab.shown.map((panel) => panel.arm), ["blocking-loop", "async-loop", "thread-pool"]);
});

test("what is refused is said, and what was shown stays", async () => {
  const lab = await opened();
  await lab.set({ requests: "6000" });
  assert.equal(lab.error, "--requests: at most 5000 here");
  assert.equal(lab.shown.length, 2);
  await lab.set({});
  assert.equal(lab.error, "");
  await lab.open("no-such-scenario");
  assert.match(lab.error, /no scenario called no-such-scenario/);
});

test("of several questions in a row only the last answer is drawn", async () => {
  const late: (() => void)[] = [];
  const lab = await opened();
  const predict = lab.source.predict;
  lab.source.predict = (scenario, options) => new Promise((resolve) => { late.push(() => void predict(scenario, options).then(resolve)); });
  const first = lab.set({ requests: "20" }), second = lab.set({ requests: "30" });
  lab.source.predict = predict;
  late[1]!();
  await second;
  late[0]!();
  await first;
  assert.equal(lab.shown[0]!.requests, 30);
});

test("a slider is followed by the arms that are shown, and the others are computed when it rests", async () => {
  const lab = await opened();
  const predict = lab.source.predict, asked: Options[] = [];
  lab.source.predict = (scenario, options) => { asked.push(options); return predict(scenario, options); };
  const requestsOf = () => lab.all.map((panel) => panel.requests);
  let first: number[] | undefined;
  lab.subscribe(() => { first ??= requestsOf(); });
  const moves = [lab.set({ requests: "20" }), lab.set({ requests: "30" }), lab.set({ requests: "40" })];
  await Promise.all(moves);
  assert.deepEqual(first, [40, 40, 10, 10], "both that are shown");
  assert.deepEqual(requestsOf(), [40, 40, 40, 40]);
  const arms = ["blocking-loop", "async-loop"];
  assert.deepEqual(asked, [{ requests: "20", arms }, { requests: "30", arms }, { requests: "40", arms }, { requests: "40" }]);
});

test("a setting that changes none of the arms that are shown is not sent with them", async () => {
  const asked: Options[] = [];
  const lab = await opened({ run: async function* ({ options }) { asked.push(options!); } });
  (lab.source as { kind: string }).kind = "server";
  await lab.set({ workers: "8" });
  assert.equal(lab.error, "");
  assert.deepEqual(lab.all.map((panel) => panel.workers), [1, 1, 1, 8]);
  await lab.commit(1);
  assert.deepEqual(asked.map(({ workers, arms }) => [workers, arms]), [[undefined, ["blocking-loop", "async-loop"]]]);
  lab.choose("workers-4/main/model", true);
  await lab.rerun();
  assert.equal(asked[1]!.workers, "8");
});

test("the last panel cannot be taken away, and at most four stand side by side", async () => {
  const lab = await opened();
  for (const panel of lab.all) lab.choose(panel.id, true);
  assert.equal(lab.shown.length, 4);
  for (const panel of lab.all) lab.choose(panel.id, false);
  assert.equal(lab.shown.length, 1);
});

test("a verdict holds for the arm and the settings that were predicted", async () => {
  const lab = await opened();
  await lab.commit(1);
  assert.equal(lab.moved, false);
  lab.choose("thread-pool/main/model", true);
  assert.equal(lab.moved, false, "another arm beside it changes nothing");
  lab.choose("blocking-loop/main/model", false);
  assert.equal(lab.moved, true);
  lab.predictAgain();
  await lab.commit(0.1);
  assert.equal(lab.moved, false);
  await lab.set({ requests: "20" });
  assert.equal(lab.moved, true);
});

test("a recorded run stands beside the model", async () => {
  const document = await predicted("blocking-async");
  const recorded = { ...document, pictures: document.pictures.map((picture) => ({ ...picture, engine: "fastapi" })) };
  const lab = await opened({ recordedNames: ["blocking-async"], recorded: () => Promise.resolve(recorded) });
  assert.equal(lab.all.length, 8);
  lab.choose("async-loop/main/fastapi", true);
  assert.equal(lab.name(lab.shown[2]!), "async-loop on fastapi");
});

test("a run's lanes grow line by line, and its picture replaces them", async () => {
  const [blocked] = await telling("blocking-async");
  const live = new LiveRun([blocked!], []);
  const ms = 1_000_000;
  const begin: RunLine = { type: "begin", repetition: 1, arm: "blocking-loop", case: "main", engine: "native", number: 1, requests: 2, predicted_s: 0.2, bound_s: 0.2 };
  assert.ok(live.take(begin));
  assert.ok(live.take({ type: "live", repetition: 1, now_ns: 50 * ms, sent: [[1, 0, 0], [2, ms, 0]], answered: [] }));
  assert.deepEqual(live.panels[0]!.lanes.map((lane) => lane.segments[0]!.to), [0.05, 0.05]);
  assert.ok(live.take({ type: "live", repetition: 1, now_ns: 120 * ms, sent: [], answered: [[1, 100 * ms, 0]] }));
  assert.deepEqual(live.panels[0]!.lanes.map((lane) => [lane.answered, lane.segments[0]!.to]), [[true, 0.1], [false, 0.12]]);
  const picture = (await predicted("blocking-async", { requests: "2" })).pictures[0]!;
  assert.ok(live.take({ type: "picture", repetition: 1, picture }));
  assert.equal(live.panels[0]!.lanes[1]!.segments.length, 2);
  assert.equal(live.take({ type: "live", repetition: 9, now_ns: 1, sent: [], answered: [] }), false, "another arm's run is not shown");
});

test("real servers run once a number is committed, and the run's document is shown", async () => {
  const document = await predicted("blocking-async");
  const native = { ...document, pictures: document.pictures.slice(0, 2).map((picture) => ({ ...picture, engine: "native" })) };
  const asked: unknown[] = [];
  const lab = await opened({ kind: "server", run: async function* (request) { asked.push(request); yield { type: "document", document: native }; yield { type: "end", complete: true, reason: "" }; } });
  await lab.commit(1);
  assert.deepEqual(asked, [{ scenario: "blocking-async", options: { guess: ["blocking-loop=1s"], arms: ["blocking-loop", "async-loop"], engine: ["native"] } }]);
  assert.deepEqual(lab.shown.map((panel) => panel.engine), ["native", "native"]);
  assert.equal(lab.player.at, lab.player.whole);
});

test("the error of a run that was left is not said of the next, which begins without one", async () => {
  const failures: ((reason: Error) => void)[] = [];
  const lab = await opened({ kind: "server", run: async function* () { await new Promise((_, reject) => { failures.push(reject); }); } });
  const first = lab.commit(1);
  lab.error = "of long ago";
  const second = lab.rerun();
  assert.equal(lab.error, "");
  failures[0]!(new Error("of the first"));
  await first;
  assert.equal(lab.error, "");
  assert.ok(lab.live, "the second goes on");
  failures[1]!(new Error("of the second"));
  await second;
  assert.equal(lab.error, "of the second");
  assert.equal(lab.live, undefined);
});

test("a run that was left draws nothing any more", async () => {
  const document = await predicted("pool-limit");
  let go = () => {};
  const lab = await opened({ kind: "server", run: async function* () { await new Promise<void>((resolve) => { go = resolve; }); yield { type: "document", document }; } });
  const run = lab.commit(1);
  lab.stopRun();
  go();
  await run;
  assert.equal(lab.document!.report.scenario, "blocking-async");
});

test("moments that are no longer kept are counted", async () => {
  const lab = await opened({ kind: "server", run: async function* () { yield { type: "lost", lines: 2 }; } });
  await lab.commit(1);
  assert.equal(lab.loss, "2 moments of the run are no longer kept; its picture is whole all the same.");
});
