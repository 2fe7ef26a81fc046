// What is drawn when it is much, and what comes from elsewhere: 1,000 lanes, a hostile scenario, a recording, a server's stream.
import assert from "node:assert/strict";
import { join } from "node:path";
import test, { after } from "node:test";
import { browser, folder, open, painted, predict, served, toEnd, violations } from "./pages.mjs";

after(() => browser.close());
const exported = folder();
after(() => exported.remove());

test("1,000 lanes scroll and replay, and a slider's move is drawn again", async (t) => {
  const page = await open(t, `${exported.url}#blocking-async?requests=1000`);
  await predict(page, "1 s");
  assert.equal(await page.locator(".scroller").count(), 0, "all of them are seen at once");
  await page.getByLabel("Larger lanes").check();
  await page.locator(".scroller").first().waitFor();
  const frames = await page.evaluate(async () => {
    const scrollers = document.querySelectorAll(".scroller"), spans = [];
    let before = await new Promise(requestAnimationFrame);
    for (let i = 0; i < 120; ++i) {
      for (const one of scrollers) one.scrollTop += 40;
      const now = await new Promise(requestAnimationFrame);
      spans.push(now - before);
      before = now;
    }
    return spans.sort((a, b) => a - b);
  });
  t.diagnostic(`measured, not tested: frames while 2 × 1,000 lanes replay and scroll: median ${frames[60].toFixed(1)} ms, p95 ${frames[114].toFixed(1)} ms, longest ${frames[119].toFixed(1)} ms`);
  assert.ok(await page.locator(".scroller").first().evaluate((one) => one.scrollTop) > 1000);
  await toEnd(page);
  const shown = await painted(page);
  assert.ok(shown > 0, "lanes in the middle are drawn");
  await page.getByLabel("Larger lanes").uncheck();
  await page.waitForFunction(() => document.querySelectorAll(".scroller").length === 0);
  assert.ok(await painted(page) > 0);
  const took = await page.evaluate(async () => {
    const slider = document.querySelector('.settings input[type="range"]'), label = () => document.querySelector(".lanes canvas").getAttribute("aria-label");
    slider.value = String(slider.max - 1);
    const began = performance.now(), before = label();
    slider.dispatchEvent(new Event("input", { bubbles: true }));
    while (label() === before) await new Promise((next) => setTimeout(next, 0));
    await new Promise(requestAnimationFrame);
    slider.value = slider.max;
    const again = performance.now(), half = label();
    slider.dispatchEvent(new Event("input", { bubbles: true }));
    while (label() === half) await new Promise((next) => setTimeout(next, 0));
    return [again - began, performance.now() - again];
  });
  t.diagnostic(`measured, not tested: a slider's move until it is drawn: ${took[0].toFixed(0)} ms to 500 requests, ${took[1].toFixed(0)} ms to 1,000`);
});

test("the first paint waits neither for the model nor for its answer", async (t) => {
  const [first, catalogue] = await documentOf(t, "blocking-async");
  const silent = folder({ catalogue, first });
  t.after(() => silent.remove());
  const server = await served(silent.path, (request) => request.url === "/model.js"); // is never answered
  t.after(() => server.close());
  const paints = [];
  while (paints.length < 2 && !(paints.at(-1) < 500)) { // a busy machine may spoil one
    const page = await open(t, server.url);
    await page.waitForSelector("#guess");
    const [paint] = await page.evaluate(() => performance.getEntriesByName("first-contentful-paint").map((entry) => entry.startTime));
    paints.push(paint);
  }
  t.diagnostic(`first contentful paint after ${paints.map((paint) => paint.toFixed(0)).join(", ")} ms`);
  assert.ok(paints.at(-1) < 500, `${paints.at(-1)} ms`);
});

test("a hostile scenario shows as text", { skip: process.env.LAB_PAGE !== undefined && "the exported catalogue has none" }, async (t) => {
  const page = await open(t, `${exported.url}#hostile`);
  await predict(page, "1 s");
  await toEnd(page);
  assert.match(await page.locator("main h1").innerText(), /^<img src=x onerror="document.title='broken'"> & <b> is text$/);
  assert.equal(await page.locator("main h1 img, .panel i, .panel script").count(), 0);
  assert.equal(await page.title(), "Concurrency Lab");
});

/** The document that the page itself asked the model for. */
async function documentOf(t, scenario) {
  const page = await open(t, exported.url);
  await page.waitForSelector("#guess");
  await page.addScriptTag({ path: join(exported.path, "model.js") });
  return page.evaluate(async (scenario) => {
    const model = await window.labModel();
    return [JSON.parse(model.call(JSON.stringify({ call: "predict", scenario }))), JSON.parse(model.call(JSON.stringify({ call: "list" })))];
  }, scenario);
}

test("a page that holds two runs shows each at once, whole, marked as recorded; who wants to predict hides it", async (t) => {
  const [document, catalogue] = await documentOf(t, "blocking-async");
  const [first, ...others] = document.report.arms;
  Object.assign(first, { worker_deaths: [{ repetition: 1, worker: 0, of_queue: false, at_s: 0.3, back_after_s: 0.002, gave_up: false }] });
  document.pictures[0].sent = 100; // only the first ten have lanes
  document.report.remarks.push({ tag: "CHECK", text: "makespan within 3%", failed: true });
  for (const one of [...document.pictures, first, ...others, ...document.telling]) one.engine = "fastapi";
  document.report.predicted_only = false;
  const [scenario] = catalogue.scenarios;
  const report = folder({ source: "recorded", program: "./labw", documents: [document, document], catalogue: { ...catalogue, scenarios: [scenario, scenario] } });
  t.after(() => report.remove());
  const page = await open(t, report.url);
  await page.locator(".verdict strong", { hasText: "if they await" }).waitFor();
  assert.equal(await page.locator(".controls output").innerText(), "1.000 s");
  assert.ok(await painted(page) > 0, "the lanes are seen");
  assert.equal(await page.locator(".panel .badge.recorded").count(), 2);
  assert.match(await page.locator(".panel header").first().innerText(), /✗ worker 0 died at 300 ms, back after 2\.00 ms/);
  assert.equal(await page.locator(".notes .failed").count(), 1);
  assert.match(await page.locator("table").first().innerText(), /predicted/);
  assert.equal(await page.locator(".settings, .vote, .quiz, .handout").count(), 0, "a recording can be replayed, not changed");
  for (const summary of await page.locator("summary").all()) await summary.click();
  assert.deepEqual(await violations(page), []);
  await page.getByRole("button", { name: "Hide it and predict" }).click();
  assert.equal(await painted(page), 0);
  await predict(page, "1 s");
  await toEnd(page);
  await page.locator(".verdict.right").waitFor();
  await page.keyboard.press("2");
  await page.locator(".pick", { hasText: "blocking-async (2)" }).waitFor();
  await page.locator(".verdict strong").waitFor();
});

test("a run grows from a server's events, and goes on after a lost connection", async (t) => {
  const [document, catalogue] = await documentOf(t, "blocking-async");
  const native = structuredClone(document), ms = 1_000_000;
  native.pictures = native.pictures.slice(0, 2).map((picture) => ({ ...picture, engine: "native" }));
  native.report.arms = native.report.arms.slice(0, 2).map((arm) => ({ ...arm, engine: "native" }));
  const begin = { repetition: 1, arm: "blocking-loop", case: "main", engine: "native", number: 1, requests: 10, predicted_s: 1, bound_s: 1 };
  const sent = Array.from({ length: 10 }, (_, i) => [i + 1, 0, 0]);
  const lines = [["begin", begin], ["live", { repetition: 1, now_ns: 500 * ms, sent, answered: [[1, 100 * ms, 0], [2, 200 * ms, 0]] }],
    ["picture", { repetition: 1, picture: native.pictures[0] }], ["document", { document: native }], ["end", { complete: true, reason: "" }]];
  const heard = [];
  let hold = () => {};
  const said = (i) => `id: 1-${i}\nevent: ${lines[i][0]}\ndata: ${JSON.stringify({ type: lines[i][0], ...lines[i][1] })}\n\n`;
  const page_ = folder({ source: "server", catalogue });
  t.after(() => page_.remove());
  const server = await served(page_.path, (request, reply) => {
    if (request.url === "/api/call") reply.writeHead(200, { "Content-Type": "application/json" }).end(JSON.stringify(document));
    else if (request.url === "/api/run") reply.writeHead(202, { "Content-Type": "application/json" }).end('{"run": 1}');
    else if (request.url.startsWith("/api/recorded")) reply.writeHead(404).end();
    else if (request.url === "/api/events") {
      const last = request.headers["last-event-id"];
      heard.push(last);
      reply.writeHead(200, { "Content-Type": "text/event-stream" });
      if (last === undefined) {
        reply.write(`retry: 50\n\nid: 0-7\nevent: end\ndata: {"complete":true,"reason":""}\n\n${said(0)}${said(1)}`); // behind the end of an older run
        hold = () => reply.destroy();
      } else {
        reply.write(said(2) + said(3) + said(4));
      }
    } else return false;
    return true;
  });
  t.after(() => server.close());
  const page = await open(t, server.url, { lenient: true });
  await predict(page, "1 s");
  await page.waitForFunction(() => document.querySelector(".controls output")?.textContent === "0.500 s");
  assert.match(await page.locator(".panel .badge.native").first().innerText(), /real servers/);
  hold();
  await page.locator(".verdict.right").waitFor();
  assert.deepEqual(heard, [undefined, "1-1"], "it asked for what came after the last line that it had");
  assert.equal(await page.locator(".panel .badge.native").count(), 2);
});
