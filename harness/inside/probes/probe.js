// Looks inside a Node server for `lab diagnose`: NODE_OPTIONS="--require THIS" with LAB_INSIDE=FOLDER. It appends lines of JSON to
// FOLDER/PID.jsonl: how late the event loop is, what runs meanwhile, and who waits for libuv's threads.
//
// The main thread only counts: a timer notes in shared memory that the loop has gone round. A worker thread looks there; where the
// loop is late, it asks through the inspector what stands on the main thread's stack, which V8 answers at its next function call or
// turn of a loop. After a call into C++ that is the call behind it, so after such an answer the profiler runs for a while: it knows
// the line. All lines are written by the worker. Nothing is printed, and no error leaves this file.
"use strict";

const BEAT_MS = 10; // how often the loop should go round at least
const LATE_MS = 10; // later than that, somebody keeps it
const SLOW_MS = 15; // an answer that takes longer comes after a call into C++
const PROFILE_MS = 250;
const SAMPLE_US = 10000;
const QUIET_PROFILES = 4; // so many without a late loop, and the profiler ends: it costs more than all else here
const MOST_LINES = 20000;
const MOST_FRAMES = 30;
const MOST_STACKS = 8;
const SECRET = "lab.inside"; // Symbol.for(SECRET) of `process`: what the worker calls on the main thread

const { isMainThread, parentPort, workerData } = require("worker_threads");

const { fileURLToPath } = require("url");

const pathOf = (name) => (name && name.startsWith("file:") ? fileURLToPath(name) : name || "");
const now = () => Number(process.hrtime.bigint()); // CLOCK_MONOTONIC

/** The frames above `above`, innermost first: [file, line, function]. */
function stackAbove(above) {
  const { prepareStackTrace, stackTraceLimit } = Error;
  try {
    Error.stackTraceLimit = MOST_FRAMES;
    Error.prepareStackTrace = (_, sites) => sites;
    const holder = {};
    Error.captureStackTrace(holder, above);
    return holder.stack.map((site) => [
      pathOf(site.getFileName()),
      site.getLineNumber() || 0,
      site.getFunctionName() || "",
    ]);
  } finally {
    Error.prepareStackTrace = prepareStackTrace;
    Error.stackTraceLimit = stackTraceLimit;
  }
}

/** What takes one of libuv's threads until its callback: functions of built-in modules. */
const POOLED = {
  crypto: ["pbkdf2", "scrypt", "hkdf", "randomBytes", "randomFill", "generateKeyPair", "generateKey", "generatePrime", "checkPrime", "sign", "verify"],
  dns: ["lookup", "lookupService"],
  zlib: ["deflate", "inflate", "gzip", "gunzip", "deflateRaw", "inflateRaw", "unzip", "brotliCompress", "brotliDecompress"],
  fs: ["access", "appendFile", "chmod", "close", "copyFile", "fstat", "fsync", "lstat", "mkdir", "open", "opendir", "read", "readFile", "readdir",
    "realpath", "rename", "rm", "rmdir", "stat", "truncate", "unlink", "write", "writeFile"],
};

/** Counts who is in libuv's pool or waits for it, oldest first. Returns what tells of them: null while the pool has room. */
function watchPool() {
  const limit = Math.min(1024, Math.max(1, Number(process.env.UV_THREADPOOL_SIZE) || 4));
  const underWay = new Set();
  const enter = (above) => {
    // A stack costs microseconds, so there is one only where somebody waits.
    const call = { stack: underWay.size >= limit ? stackAbove(above) : null };
    underWay.add(call);
    return () => underWay.delete(call);
  };
  const counted = (original) => {
    const wrapped = function (...words) {
      const last = words.length - 1;
      const done = words[last];
      if (typeof done !== "function") return original.apply(this, words); // without a callback it runs at once, or fails
      const leave = enter(wrapped);
      words[last] = function (...results) {
        leave();
        return done.apply(this, results);
      };
      try {
        return original.apply(this, words);
      } catch (refused) {
        leave();
        throw refused;
      }
    };
    return Object.defineProperties(wrapped, Object.getOwnPropertyDescriptors(original)); // util.promisify reads some
  };
  const promised = (original) => {
    const wrapped = function (...words) {
      const leave = enter(wrapped);
      const result = original.apply(this, words);
      result.then(leave, leave);
      return result;
    };
    return Object.defineProperties(wrapped, Object.getOwnPropertyDescriptors(original));
  };
  for (const [name, functions] of Object.entries(POOLED)) {
    const module = require(name);
    for (const one of functions) {
      if (typeof module[one] === "function") module[one] = counted(module[one]);
      if (name !== "dns" && typeof (module.promises || {})[one] === "function") module.promises[one] = promised(module.promises[one]);
    }
  }
  require("module").syncBuiltinESMExports(); // for `import { readFile } from "fs"`
  return () => {
    if (underWay.size <= limit) return null;
    const all = [...underWay];
    const stacks = (calls) => calls.map((call) => call.stack).filter(Boolean).slice(0, MOST_STACKS);
    return {
      kind: "pool", at_ns: now(), what: "libuv", name: "libuv's thread pool", limit, taken: limit, waiting: all.length - limit,
      holders: stacks(all.slice(0, limit)), waiters: stacks(all.slice(limit)),
    };
  };
}

/** On the main thread: beats, counts, and answers what is on the stack. */
function watched() {
  const { Worker } = require("worker_threads");
  const fullPool = watchPool();
  const beats = new Float64Array(new SharedArrayBuffer(8)); // when the last one was
  beats[0] = Infinity; // while the program is loaded, nobody waits
  const beat = () => {
    beats[0] = now();
    const pool = fullPool();
    if (pool) worker.postMessage(pool);
  };
  const worker = new Worker(__filename, { workerData: { lab: SECRET, beats, folder: process.env.LAB_INSIDE }, execArgv: [], stdout: true, stderr: true });
  worker.on("error", () => {});
  worker.unref();
  setInterval(beat, BEAT_MS).unref();
  const answer = () => JSON.stringify(stackAbove(answer).slice(1)); // without the expression that called it
  Object.defineProperty(process, Symbol.for(SECRET), { value: answer });
}

/** `stack`, which was taken after a call into C++, as it was in that call: `leaf` is where the profiler saw the thread most. */
function stackInCall(stack, leaf, nodes) {
  const isOf = (node) => ([file, , name]) => file === pathOf(node.callFrame.url) && name.split(".").pop() === node.callFrame.functionName.split(".").pop();
  const ticks = leaf.positionTicks || [];
  const line = ticks.reduce((most, one) => (one.ticks > most.ticks ? one : most), { ticks: 0, line: leaf.callFrame.lineNumber + 1 }).line;
  const above = [];
  for (let node = leaf; node && node.callFrame.url; node = nodes.find(({ children }) => (children || []).includes(node.id))) {
    const frame = [pathOf(node.callFrame.url), node === leaf ? line : node.callFrame.lineNumber + 1, node.callFrame.functionName];
    const place = stack.findIndex(isOf(node));
    if (place >= 0) return [...above, node === leaf ? frame : stack[place], ...stack.slice(place + 1)];
    above.push(frame);
  }
  return above;
}

/** The node that most of a profile's samples between two moments saw, if any is of JavaScript. */
function nodeSeen(profile, from, to) {
  const seen = new Map();
  let at = profile.startTime;
  profile.samples.forEach((id, index) => {
    at += profile.timeDeltas[index];
    if (at * 1e3 >= from && at * 1e3 <= to) seen.set(id, (seen.get(id) || 0) + 1);
  });
  const nodes = profile.nodes.filter((node) => node.callFrame.url && seen.has(node.id));
  return nodes.sort((one, other) => seen.get(other.id) - seen.get(one.id))[0];
}

/** In the worker: writes the lines, and asks for the stack while the loop is late. */
function watching({ beats, folder }) {
  const fs = require("fs");
  const { Session } = require("inspector");
  const out = fs.openSync(`${folder}/${process.pid}.jsonl`, "a", 0o600);
  let lines = 0;
  const write = (line) => {
    if (lines++ < MOST_LINES) fs.writeSync(out, `${JSON.stringify(line)}\n`);
  };
  const thread = process.pid; // the main thread has the process's id
  write({ kind: "hello", language: "node", version: process.versions.node, pid: process.pid, loop: "libuv", thread, cwd: process.cwd() });
  parentPort.on("message", write);

  const session = new Session();
  session.connectToMainThread();
  const expression = `process[Symbol.for("${SECRET}")]()`;
  let asked = false;
  let accounted = 0; // until when late time stands in a line already
  let profiling = false;
  let quiet = 0; // profiles in a row that nobody asked for
  let unsure = []; // lines for which the profiler is asked, too
  const look = () => {
    const due = beats[0] + BEAT_MS * 1e6;
    const askedAt = now();
    const late = askedAt - due >= LATE_MS * 1e6;
    setTimeout(look, late ? BEAT_MS : 2 * BEAT_MS); // less often while there is nothing to see
    if (asked || !late) return;
    asked = true;
    const from = Math.max(due, accounted);
    session.post("Runtime.evaluate", { expression, returnByValue: true, silent: true }, (problem, reply) => {
      asked = false;
      accounted = now();
      const stack = problem || reply.exceptionDetails ? [] : JSON.parse(reply.result.value);
      const line = { kind: "late", at_ns: accounted, late_ns: accounted - from, thread, stack };
      if (profiling) {
        unsure.push(line);
        return;
      }
      profiling = stack.length > 0 && accounted - askedAt > SLOW_MS * 1e6;
      write(profiling ? { ...line, after: true } : line);
      if (!profiling) return;
      quiet = 0;
      session.post("Profiler.enable");
      session.post("Profiler.setSamplingInterval", { interval: SAMPLE_US });
      session.post("Profiler.start");
    });
  };
  look();
  setInterval(() => {
    if (!profiling) return;
    quiet = unsure.length === 0 ? quiet + 1 : 0;
    if (quiet === QUIET_PROFILES) {
      profiling = false;
      session.post("Profiler.disable");
    }
    if (quiet > 0) return;
    const taken = unsure;
    unsure = [];
    session.post("Profiler.stop", (problem, reply) => {
      for (const line of taken) {
        const leaf = problem ? undefined : nodeSeen(reply.profile, line.at_ns - line.late_ns, line.at_ns);
        write(leaf ? { ...line, stack: stackInCall(line.stack, leaf, reply.profile.nodes) } : line);
      }
    });
    session.post("Profiler.start");
  }, PROFILE_MS);
}

if (process.env.LAB_INSIDE && (isMainThread || (workerData && workerData.lab === SECRET))) {
  try {
    if (parseInt(process.versions.node, 10) < 14) throw new Error(`it knows Node 14 and later, and this is ${process.versions.node}`);
    if (isMainThread) watched();
    else watching(workerData);
  } catch (problem) {
    try {
      const line = { kind: "error", text: problem.message };
      require("fs").appendFileSync(`${process.env.LAB_INSIDE}/${process.pid}.jsonl`, `${JSON.stringify(line)}\n`, { mode: 0o600 });
    } catch {
      // Then nobody is told.
    }
  }
}
