import assert from "node:assert/strict";
import test from "node:test";
import { isRecorded } from "../src/panels";
import { groupsOf } from "../src/view/catalogue";
import { catalogue, panels } from "./documents";

test("a panel is recorded that was neither computed nor runs now", async () => {
  const [panel] = await panels("blocking-async");
  const recorded = (engine: string, source: "server" | "model" | "recorded") => isRecorded({ ...panel!, engine }, source);
  assert.deepEqual([recorded("model", "model"), recorded("native", "model"), recorded("fastapi", "recorded")], [false, true, true]);
  assert.deepEqual([recorded("model", "server"), recorded("native", "server"), recorded("fastapi", "server")], [false, false, false]);
  assert.equal(recorded("recorded", "server"), true);
});

test("the catalogue is grouped once, each scenario in its group", async () => {
  const all = await catalogue();
  const mixed = { ...all, scenarios: [all.scenarios[0]!, all.scenarios[2]!, all.scenarios[1]!] };
  assert.deepEqual(groupsOf(mixed).map(([group, scenarios]) => [group, ...scenarios.map((one) => one.id)]),
    [["Where waiting time goes", "blocking-async", "pool-limit"], ["Computing", "gil"]]);
});
