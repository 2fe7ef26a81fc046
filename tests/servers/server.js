// The steps of server.py: node server.js PORT STEP… Also: pause=5000:2000, the whole server stands still for 2 s every 5 s;
// cluster=4, so many processes; hash=1, in libuv's pool of threads.
const http = require("http"), cluster = require("cluster"), crypto = require("crypto");
const [port, ...texts] = process.argv.slice(2);
const steps = texts.map((text) => text.split(/[=:]/)).map(([name, ...values]) => [name, ...values.map(Number)]);
const block = (ms) => Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, ms);
const wait = (ms) => new Promise((done) => setTimeout(done, ms));
let inFlight = 0, asked = 0, tokens = 20, fresh = 0;

async function work(first) {
  for (const [name, value, more] of steps) {
    if (name === "wait" || (name === "warm" && first)) await wait(value);
    if (name === "block") block(value);
    if (name === "burn") for (let end = process.cpuUsage().user + value * 1000; process.cpuUsage().user < end; );
    if (name === "refuse" && inFlight > value) return more;
    if (name === "rate" && --tokens < 0) return ++tokens, more;
    if (name === "sometimes" && Math.random() * 100 < value) return block(more), 200;
    if (name === "seldom" && Math.random() * 100 < value) await wait(more);
    if (name === "hash") await new Promise((done) => crypto.pbkdf2("a", "b", value * 1000, 64, "sha512", done));
    if (name === "cache" && Date.now() >= fresh) {
      await wait(value);
      fresh = more ? Date.now() + more : Infinity;
    }
  }
  return 200;
}

const of = (name) => (steps.find((step) => step[0] === name) || [name, 0]).slice(1);
if (of("rate")[0]) setInterval(() => { tokens = Math.min(20, tokens + 1); }, 1000 / of("rate")[0]);
if (of("pause")[0]) setInterval(() => block(of("pause")[1]), of("pause")[0]);
if (of("cluster")[0] && cluster.isPrimary) {
  for (let i = 0; i < of("cluster")[0]; ++i) cluster.fork();
  process.on("SIGTERM", () => process.exit());
} else {
  http.createServer(async (request, response) => {
    if (request.url === "/work") {
      ++inFlight;
      response.statusCode = await work(asked++ === 0);
      --inFlight;
    }
    response.end("ok");
  }).listen(port, "127.0.0.1");
}
