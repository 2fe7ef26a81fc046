// Stands in for the WebAssembly model where there is no emscripten: waits on a loop that blocks, on one that awaits, in a pool and
// under a GIL, in the documents of README.md. The tests of the page run on it; what the model itself says is tested elsewhere.
"use strict";
(() => {
  const kStates = ["unsent", "unread", "runnable", "loop", "pool", "waiting", "lock", "reply", "served"];
  const [, unread, runnable, loop, pool, waiting, lock] = kStates.keys();
  const arm = (id, label, mode, more = {}) =>
    ({ id, label, mode, workers: 1, threads: null, holds: ["the loop, while it waits"], code: [`${mode === "async-loop" ? "await asyncio.sleep" : "time.sleep"}(0.1)`], ...more });
  const scenario = (id, group, question, requests, arms, more = {}) => ({
    id, group, question, sources: ["D2 part 9"], params: { d: "100ms" }, options: ["requests", "delay", "workers", "threads"],
    routes: ["POST /delay: wait 100 ms"], cases: [{ id: "main", requests, loads: [`${requests} at once`] }], arms, checks: [], next: "", ...more });
  const scenarios = [
    scenario("blocking-async", "Where waiting time goes", "Ten requests at once, each waits 100 ms. When is the last one answered?", 10, [
      arm("blocking-loop", "async, time.sleep", "blocking-loop"), arm("async-loop", "await sleep", "async-loop"),
      arm("thread-pool", "def, time.sleep", "thread-pool", { threads: 40 }), arm("workers-4", "blocking-loop × 4", "blocking-loop", { workers: 4 })]),
    scenario("pool-limit", "Where waiting time goes", "Forty-one requests, a pool of forty threads. How long does request 41 take?", 41, [
      arm("thread-pool", "def, time.sleep", "thread-pool", { threads: 40 }), arm("async-loop", "await sleep", "async-loop")]),
    scenario("gil", "Computing", "Four threads compute 100 ms each under one GIL. When is the last one done?", 4, [
      arm("gil", "def, Python code", "gil", { threads: 4 }), arm("no-gil", "four processes", "thread-pool", { threads: 4 })]),
    scenario("hostile", "Computing", "<img src=x onerror=\"document.title='broken'\"> & `<b>` is text", 3, [
      arm("<script>arm</script>", "<i>label</i>", "blocking-loop"), arm("plain", "", "async-loop")]),
  ];

  /** Segments of each request, in milliseconds. */
  function lanesOf(mode, count, wait, workers, threads) {
    const lanes = [];
    for (let i = 0; i < count; ++i) {
      let segments;
      if (mode === "async-loop") segments = [[0, 0.05, loop], [0.05, wait, waiting]];
      else if (mode === "blocking-loop") {
        const at = Math.floor(i / workers) * wait;
        segments = [[0, at, unread], [at, at + wait, loop]];
      } else if (mode === "thread-pool") {
        const at = Math.floor(i / threads) * wait;
        segments = [[0, at, runnable], [at, at + wait, pool]];
      } else {
        segments = [];
        for (let turn = 0; turn < count * 20; ++turn) segments.push([turn * wait / 20, (turn + 1) * wait / 20, turn % count === i ? pool : lock]);
        segments.length = count * 19 + i + 1;
      }
      segments = segments.filter(([from, to]) => to > from).map(([from, to, state]) => [Math.round(from * 1e6), Math.round(to * 1e6), state]);
      const end = segments[segments.length - 1][1];
      lanes.push({ request: i + 1, route: 0, worker: mode === "blocking-loop" ? i % workers : 0, answered: true, end_ns: end, segments });
    }
    return lanes;
  }

  function predict({ scenario: id, options = {} }) {
    const one = scenarios.find((other) => other.id === id);
    if (!one) throw new Error(`there is no scenario '${id}'`);
    const count = Number(options.requests ?? one.cases[0].requests);
    if (count > 5000) throw new Error("--requests: at most 5000 here");
    const delay = /^([\d.]+)(ms|s)$/.exec(options.delay ?? "100ms");
    const wait = Number(delay[1]) * (delay[2] === "s" ? 1000 : 1);
    const arms = [], pictures = [];
    for (const { id: name, label, mode, workers, threads } of one.arms) {
      if (options.arms && !options.arms.includes(name)) continue;
      const members = threads === null ? null : Number(options.threads ?? threads), many = workers > 1 ? Number(options.workers ?? workers) : 1;
      const lanes = lanesOf(mode, count, wait, many, members);
      const end = Math.max(...lanes.map((lane) => lane.end_ns)), seconds = end / 1e9;
      const turns = mode === "blocking-loop" ? lanes.map((lane) => lane.segments[lane.segments.length - 1].slice(0, 2)) : [];
      arms.push({ arm: name, case: "main", label, engine: "model", mode, workers: many, threads: members, requests: count, bound_s: seconds, predicted_s: seconds,
        documented: null, lanes_repetition: 1, worker_deaths: [], makespan_s: { median: seconds, low: null, high: null, all: [seconds] }, latency_s: { min: null, median: null, max: null },
        formula: mode === "blocking-loop" ? "N·d" : "d", findings: [], not_run: null });
      pictures.push({ arm: name, case: "main", engine: "model", number: 1, requests: count, sent: count, end_ns: end, routes: ["delay"], lanes,
        loops: turns.length > 0 ? [...Array(many).keys()].map((worker) => ({ worker, turns: turns.filter((_, i) => i % many === worker), steps: [] })) : [] });
    }
    if (options.workers && arms.every((a) => one.arms.find((b) => b.id === a.arm).workers === 1)) throw new Error("--workers changes no arm");
    const said = (options.guess ?? []).map((guess) => guess.split("=")).map(([name, time]) =>
      ({ tag: "GUESS", text: `${name}: you said ${time}, it took ${arms.find((a) => a.arm === name).predicted_s} s.` }));
    const [slow, fast = slow] = arms;
    const tables = [{ headings: ["arm", "predicted"], right: [false, true], claimed: 2, rows: arms.map((a) => ({ cells: [a.arm, `${a.predicted_s} s`], rest: "", verdict: "none" })) }];
    return { schema: "lab.page/1", pictures, tables, command: "", telling: one.arms.slice(0, 2).map((a) => ({ arm: a.id, case: "main", engine: "model" })), report: { schema: "lab.run/1", scenario: id, question: one.question, complete: true, complete_reason: null, predicted_only: true,
      path: null, changes: null, seed: 42, environment: { cores: 2 }, arms, checks: [], remarks: [...said, { tag: "SO", text: `After ${slow.predicted_s} s if they block, ${fast.predicted_s} s if they await.` },
        { tag: "WHY", text: "A handler that sleeps keeps its thread, and the loop has only that one." }] } };
  }

  const questions = [
    { id: "one", text: "How can one thread serve thousands of requests that wait?", kind: "choice", context: [], choices: ["A thread for each.", "A handler that awaits gives the thread back."] },
    { id: "two", text: "The handlers block. When is the tenth answered?", kind: "figure", unit: "duration", context: ["Ten requests at once, each waits 100 ms."] }];
  const right = { one: ["2", "A handler that awaits gives the thread back."], two: ["1s", "1 s"] };
  function grade({ answers }) {
    return { schema: "lab.quiz/1", seed: 1, results: questions.map((question) => ({ ...question, given: answers[question.id] ?? null,
      right: answers[question.id]?.replace(" ", "") === right[question.id][0], answer: right[question.id][1],
      misconception: "That is another model.", why: "Waiting needs no thread.", proof: "lab run blocking-async" })) };
  }

  const catalogue = { schema: "lab.catalogue/1", states: kStates, meanings: [], steps: [], scenarios };
  const answers = { list: () => catalogue, predict, quiz: () => ({ schema: "lab.quiz/1", seed: 1, questions }), grade };
  globalThis.labModel = () => Promise.resolve({
    call(json) {
      const request = JSON.parse(json);
      try {
        return JSON.stringify(answers[request.call](request));
      } catch (reason) {
        return JSON.stringify({ error: { exit: 2, message: reason.message } });
      }
    },
  });
})();
