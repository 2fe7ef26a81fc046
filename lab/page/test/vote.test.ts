import assert from "node:assert/strict";
import test, { type TestContext } from "node:test";
import type { Lab } from "../src/lab";
import { ClassVote } from "../src/vote";
import type { PageVotes, Panel } from "../src/types";
import { telling } from "./documents";

const join = { address: "http://192.168.1.20:8080/" };

/** A page that shows those panels, and a server that says what phones do and keeps what it was asked. */
function classOf(t: TestContext, shown: Panel[], answer = () => new Response(null, { status: 204 })) {
  let onVotes = (_: { data: string }) => {}, onChange = () => {};
  const lab = { shown, committed: false, moved: false, question: "Ten at once?", subscribe: (listener: () => void) => { onChange = listener; } };
  (globalThis as unknown as { EventSource: unknown }).EventSource = class {
    addEventListener(_: string, listener: typeof onVotes) { onVotes = listener; }
  };
  t.after(() => { delete (globalThis as unknown as { EventSource?: unknown }).EventSource; });
  const asked: { round: number; question: string; arms: PageVotes["arms"] }[] = [];
  t.mock.method(globalThis, "fetch", (path: string, { body }: { body: string }) => {
    assert.equal(path, "/api/vote");
    asked.push(JSON.parse(body));
    return Promise.resolve(answer());
  });
  const vote = new ClassVote(lab as unknown as Lab, join);
  onChange();
  const say = (votes: Partial<PageVotes>) => onVotes({ data: JSON.stringify({ phones: 9, round: 1, open: true, arms: asked.at(-1)!.arms, votes: [0, 0], counts: [], ...votes }) });
  return { lab, vote, asked, say, change: () => onChange() };
}

test("each arm that is shown is asked about, from short to long, and the last choice is another", async (t) => {
  const { vote, asked } = classOf(t, await telling("blocking-async"));
  await vote.ask(1);
  assert.equal(asked[0]!.question, "Ten at once?");
  assert.deepEqual(asked[0]!.arms.map(({ ask }) => ask.split(" ")[0]), ["blocking-loop", "async-loop"]);
  assert.match(asked[0]!.arms[0]!.ask, /when is the last of 10 requests answered\?$/);
  assert.deepEqual(asked[0]!.arms[0]!.choices.filter((name) => ["100 ms", "1.00 s", "another"].includes(name)), ["100 ms", "1.00 s", "another"]);
  assert.equal(vote.names(0).at(-1), "another");
});

test("hands and phones are counted together, and while phones vote only how many have is seen", async (t) => {
  const { vote, say } = classOf(t, await telling("blocking-async"));
  await vote.ask(1);
  vote.type(0, 0, 2, "3");
  vote.type(1, 0, 2, "-4");
  say({ votes: [7, 0], counts: [[[1, 0, 6], [7]], [[], []]] });
  assert.deepEqual([vote.open, vote.voted, vote.phones], [true, 7, 9]);
  assert.equal(vote.count(0, 0, 2), 3, "hands alone");
  say({ open: false, votes: [7, 0], counts: [[[1, 0, 6], [7]], [[], []]] });
  assert.deepEqual([vote.count(0, 0, 0), vote.count(0, 0, 2), vote.count(1, 0, 2), vote.count(0, 1, 0)], [1, 9, 0, 7]);
  say({ round: 2, votes: [7, 8], counts: [[[1, 0, 6], [7]], [[0, 0, 8], [8]]] });
  assert.deepEqual([vote.voted, vote.count(0, 0, 2), vote.count(1, 0, 2)], [8, 9, 0], "of the first round the split stays");
});

test("what phones say of another question is not shown beside this one", async (t) => {
  const { vote, say } = classOf(t, await telling("blocking-async"));
  await vote.ask(1);
  say({ open: false, arms: [{ ask: "something else", choices: ["1 s", "another"] }], votes: [7, 0], counts: [[[7, 0]], [[0, 0]]] });
  assert.deepEqual([vote.round, vote.count(0, 0, 0), vote.phones], [0, 0, 9]);
});

test("another question closes the vote and forgets the hands; the run of the same one keeps them", async (t) => {
  const panels = await telling("blocking-async");
  const { lab, vote, asked, say, change } = classOf(t, panels);
  await vote.ask(1);
  say({});
  vote.type(0, 0, 0, "5");
  lab.committed = true;
  lab.shown = panels.map((panel) => ({ ...panel, engine: "native", makespan: panel.makespan * 1.01 }));
  change();
  lab.committed = false;
  change();
  assert.equal(vote.handsOf(0, 0, 0), 5);
  assert.equal(asked.length, 1);
  lab.shown = await telling("pool-limit");
  change();
  assert.equal(asked.at(-1)!.round, 0);
  assert.equal(vote.handsOf(0, 0, 0), 0);
});

test("what came true is marked once the lanes are seen, and only of what was asked", async (t) => {
  const { lab, vote } = classOf(t, await telling("blocking-async"));
  const right = () => [0, 1].map((arm) => { const i = vote.right(arm); return i === undefined ? i : vote.names(arm)[i]; });
  assert.deepEqual(right(), [undefined, undefined]);
  lab.committed = true;
  assert.deepEqual(right(), ["1.00 s", "100 ms"]);
  lab.moved = true;
  assert.deepEqual(right(), [undefined, undefined]);
});

test("a vote that the lab refuses is said", async (t) => {
  const { vote } = classOf(t, await telling("blocking-async"), () => new Response("open the address that lab demo has printed\n", { status: 403 }));
  await vote.ask(1);
  assert.equal(vote.error, "The phones were not asked: open the address that lab demo has printed.");
});
