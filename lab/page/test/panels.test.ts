import assert from "node:assert/strict";
import test from "node:test";
import { isRecorded, panelOf, tellingPanels } from "../src/panels";
import { groupsOf } from "../src/view/catalogue";
import { catalogue, panels, predicted } from "./documents";

test("a panel is recorded that was neither computed nor runs now", async () => {
  const [panel] = await panels("blocking-async");
  const recorded = (engine: string, source: "server" | "model" | "recorded") => isRecorded({ ...panel!, engine }, source);
  assert.deepEqual([recorded("model", "model"), recorded("native", "model"), recorded("fastapi", "recorded")], [false, true, true]);
  assert.deepEqual([recorded("model", "server"), recorded("native", "server"), recorded("fastapi", "server")], [false, false, false]);
  assert.equal(recorded("recorded", "server"), true);
});

test("a panel says which of its repetition's workers died, and that only the first requests have lanes", async () => {
  const { report, pictures } = await predicted("blocking-async");
  const death = { repetition: 1, worker: 0, of_queue: false, at_s: 0.2, back_after_s: null, gave_up: false };
  const deaths = [death, { ...death, worker: 2, of_queue: true, gave_up: true }, { ...death, repetition: 2 }, { ...death, back_after_s: 0.003 }];
  const panel = panelOf({ ...pictures[0]!, sent: 11 }, { ...report.arms[0]!, worker_deaths: deaths }, []);
  assert.deepEqual(panel.deaths.map(({ words }) => words),
    ["worker 0 died at 200 ms", "queue worker 2 died at 200 ms, given up", "worker 0 died at 200 ms, back after 3.00 ms"]);
  assert.equal(panel.cut, true);
  assert.equal(panelOf(pictures[0]!, report.arms[0], []).cut, false);
});

test("of one arm on several engines the one that tells is shown", async () => {
  const all = await panels("blocking-async");
  const both = [...all, ...all.map((panel) => ({ ...panel, engine: "fastapi" }))];
  const shown = tellingPanels(both, [{ arm: "blocking-loop", case: "main", engine: "fastapi" }, { arm: "async-loop", case: "main", engine: "model" }]);
  assert.deepEqual(shown.map((panel) => panel.engine), ["fastapi", "model"]);
});

test("the catalogue is grouped once, each scenario in its group", async () => {
  const all = await catalogue();
  const mixed = { ...all, scenarios: [all.scenarios[0]!, all.scenarios[2]!, all.scenarios[1]!] };
  assert.deepEqual(groupsOf(mixed).map(([group, scenarios]) => [group, ...scenarios.map((one) => one.id)]),
    [["Where waiting time goes", "blocking-async", "pool-limit"], ["Computing", "gil"]]);
});
