import assert from "node:assert/strict";
import test, { type TestContext } from "node:test";
import { serverSource } from "../src/source_server";
import type { RunLine } from "../src/types";

type Answer = [status: number, body: unknown] | [status: number, text: string, type: string];

/** The server answers in this order, the last answer for ever; no pause is waited for. What it was asked is kept. */
function answering(t: TestContext, answers: Answer[], onAsked: (path: string) => void = () => {}): string[] {
  const asked: string[] = [];
  t.mock.method(globalThis, "setTimeout", ((done: () => void) => setImmediate(done)) as unknown as typeof setTimeout);
  t.mock.method(globalThis, "fetch", (path: string) => {
    asked.push(path);
    onAsked(path);
    if (path === "/api/stop") return Promise.resolve(new Response(null, { status: 204 }));
    const [status, body, type] = answers.length > 1 ? answers.shift()! : answers[0]!;
    return Promise.resolve(new Response(type === undefined ? JSON.stringify(body) : body as string, { status, headers: { "Content-Type": type ?? "application/json" } }));
  });
  return asked;
}

/** Events as a browser hands them out; closed for ever where the server has refused them. */
function streaming(t: TestContext, events: [id: string, line: RunLine][], closed = false): void {
  class Stream {
    readonly CLOSED = 2;
    readyState = closed ? 2 : 1;
    onerror = () => {};
    private readonly listeners = new Map<string, (event: { data: string; lastEventId: string }) => void>();
    constructor() {
      setImmediate(() => {
        if (closed) this.onerror();
        for (const [lastEventId, line] of events) this.listeners.get(line.type)?.({ data: JSON.stringify(line), lastEventId });
      });
    }
    addEventListener(type: string, listener: (event: { data: string; lastEventId: string }) => void) { this.listeners.set(type, listener); }
    close() {}
  }
  (globalThis as unknown as { EventSource: unknown }).EventSource = Stream;
  t.after(() => { delete (globalThis as unknown as { EventSource?: unknown }).EventSource; });
}

const end = (reason: string): RunLine => ({ type: "end", complete: true, reason });
const request = { scenario: "gil" };

async function linesOf(signal = new AbortController().signal): Promise<RunLine[]> {
  const lines: RunLine[] = [];
  for await (const line of serverSource({}).run(request, signal)) lines.push(line);
  return lines;
}

test("a run waits for the end of the one before it, and follows its own lines alone", async (t) => {
  const asked = answering(t, [[409, { run: 1 }], [409, { run: 1 }], [202, { run: 2 }]]);
  streaming(t, [["1-9", end("of the old run")], ["2-1", end("of mine")]]);
  assert.deepEqual(await linesOf(), [end("of mine")]);
  assert.deepEqual(asked, ["/api/run", "/api/run", "/api/run"]);
});

test("a run that never ends is said, after 40 tries", async (t) => {
  const asked = answering(t, [[409, { run: 1 }]]);
  await assert.rejects(linesOf(), { message: "Another run goes on. Stop it, or wait for its end." });
  assert.equal(asked.length, 40);
});

test("who no longer wants a run begins none, and stops the one that has just begun", async (t) => {
  const stop = new AbortController();
  const waits = answering(t, [[409, { run: 1 }]], () => stop.abort());
  assert.deepEqual(await linesOf(stop.signal), []);
  assert.deepEqual(waits, ["/api/run"], "somebody else's run goes on");
  t.mock.restoreAll();
  const late = new AbortController();
  const begins = answering(t, [[202, { run: 2 }]], () => late.abort());
  assert.deepEqual(await linesOf(late.signal), []);
  assert.deepEqual(begins, ["/api/run", "/api/stop"]);
});

test("a refusal in plain text is said as it stands", async (t) => {
  answering(t, [[403, "open the address that lab demo has printed\n", "text/plain; charset=utf-8"]]);
  await assert.rejects(serverSource({}).predict("gil", {}), { message: "open the address that lab demo has printed" });
  await assert.rejects(linesOf(), { message: "open the address that lab demo has printed" });
});

test("events that are refused for ever do not resume", async (t) => {
  answering(t, [[202, { run: 1 }]]);
  streaming(t, [], true);
  await assert.rejects(linesOf(), { message: "The lab no longer knows this page. Open the address that lab demo has printed." });
});
