import assert from "node:assert/strict";
import test from "node:test";
import { easySpeed, momentsOf, Player } from "../src/player";
import { panels } from "./documents";

/** Frames that a test gives one by one. */
function hand() {
  let next: ((ms: number) => void) | undefined;
  return {
    request: (call: (ms: number) => void) => { next = call; return 1; },
    cancel: () => { next = undefined; },
    give: (ms: number) => { const call = next; next = undefined; call?.(ms); return call !== undefined; },
  };
}

function loaded(whole = 1, still = false) {
  const frames = hand(), player = new Player(frames, 0, still);
  player.load(whole, [0, whole / 4, whole / 2, whole]);
  return { frames, player };
}

test("a replay takes at least four seconds where a hundredfold allows it", () => {
  assert.equal(easySpeed(10), 1);
  assert.equal(easySpeed(1), 5);
  assert.equal(easySpeed(0.1), 50);
  assert.equal(easySpeed(1e-5), 100);
});

test("what a player shows follows the clock and the speed, and stops at the end", () => {
  const { frames, player } = loaded();
  player.setSpeed(10);
  player.play();
  frames.give(1000);
  assert.equal(player.at, 0, "the first frame is where it starts");
  frames.give(3000);
  assert.ok(Math.abs(player.at - 0.2) < 1e-9);
  frames.give(60000);
  assert.equal(player.at, 1);
  assert.equal(player.playing, false);
  assert.equal(frames.give(61000), false, "no frame is asked for any more");
});

test("a pause keeps the moment, and the time of the pause is not the run's", () => {
  const { frames, player } = loaded();
  player.setSpeed(1);
  player.play();
  frames.give(0);
  frames.give(100);
  player.toggle();
  assert.equal(frames.give(500), false);
  player.toggle();
  frames.give(9000);
  frames.give(9100);
  assert.ok(Math.abs(player.at - 0.2) < 1e-9);
});

test("a step goes to the next moment at which something changes, and back", () => {
  const { player } = loaded();
  player.step(1);
  assert.equal(player.at, 0.25);
  player.scrub(0.3);
  player.step(1);
  assert.equal(player.at, 0.5);
  player.step(-1);
  player.step(-1);
  player.step(-1);
  assert.equal(player.at, 0);
});

test("playing at the end begins again", () => {
  const { frames, player } = loaded();
  player.show(1);
  player.play();
  frames.give(0);
  assert.equal(player.at, 0);
});

test("where motion is not wanted, playing shows the whole at once", () => {
  const { frames, player } = loaded(1, true);
  player.play();
  assert.equal(player.at, 1);
  assert.equal(frames.give(0), false);
});

test("the moments of ten blocked requests are those at which the loop changes hands", async () => {
  const [blocked] = await panels("blocking-async");
  const moments = momentsOf(blocked!.lanes, 1);
  assert.deepEqual(moments.map((moment) => Math.round(moment * 10) / 10), [0, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 1]);
});
