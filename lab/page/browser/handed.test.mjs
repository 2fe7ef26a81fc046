// What the program hands to a browser: a report as one file, a slide, and the front page of a served model. tests/e2e/test_page.py
// says where they are.
import assert from "node:assert/strict";
import test, { after } from "node:test";
import { browser, open, painted, predict, toEnd, violations } from "./pages.mjs";

after(() => browser.close());
const { LAB_REPORT: report, LAB_SLIDE: slide, LAB_SERVED: served } = process.env;

test("a report from file:// shows the run at once, replays, and asks whoever wants to predict", { skip: !report }, async (t) => {
  const page = await open(t, `file://${report}`);
  await page.locator(".controls").waitFor();
  assert.ok(await painted(page) > 0);
  assert.match(await page.locator("#app h1").innerText(), /^<\/script><img src=x onerror=alert\(1\)>/, "text of a run file is text");
  assert.equal(await page.locator("img").count(), 0);
  assert.match(await page.locator("#app table").first().innerText(), /agrees|impossible/);
  await page.locator("#play").click();
  await page.locator("#play", { hasText: "Pause" }).waitFor();
  await page.keyboard.press("Home");
  await page.keyboard.press("ArrowRight");
  assert.notEqual(await page.locator(".controls output").innerText(), "0.000 s");
  await toEnd(page);
  for (const summary of await page.locator("#app summary").all()) await summary.click();
  assert.match(await page.locator("#app").innerText(), /kernel/);
  assert.deepEqual(await violations(page), []);
  await page.keyboard.press("p");
  assert.equal(await painted(page), 0);
  await predict(page, "1 s");
  await page.emulateMedia({ media: "print" });
  assert.equal(await page.locator(".static h1").isVisible(), true, "on paper it is the report");
  assert.equal(await page.locator("#app main").isVisible(), false);
});

test("a browser without scripts gets the lanes and the tables of a report", { skip: !report }, async (t) => {
  const page = await open(t, `file://${report}`, { javaScriptEnabled: false });
  assert.equal(await page.locator(".static figure svg").first().isVisible(), true);
  assert.match(await page.locator(".old").innerText(), /Yours shows them as they ended/);
});

test("a slide is the picture and what explains it, larger, and replays", { skip: !slide }, async (t) => {
  const page = await open(t, `file://${slide}`, { width: 1920, height: 1080 });
  await page.locator(".controls").waitFor();
  assert.ok(await painted(page) > 0);
  assert.ok(await page.locator(".controls").evaluate((one) => one.getBoundingClientRect().bottom) <= 1080);
  assert.ok(await page.locator("h1").evaluate((one) => parseFloat(getComputedStyle(one).fontSize)) >= 24);
  assert.equal(await page.locator("#app table, .bar").count(), 0);
  await page.locator("#play").click();
  await page.locator("#play", { hasText: "Pause" }).waitFor();
  assert.deepEqual(await violations(page), []);
});

test("a served model shows its routes, sends ten at once, and says what this browser kept back", { skip: !served }, async (t) => {
  const page = await open(t, served);
  assert.equal(await page.locator('a[href="/delay?ms=100"]').count(), 1);
  await page.getByRole("button", { name: "Send ten: GET /delay?ms=100" }).click();
  await page.locator("#said", { hasText: "the last of ten was answered after" }).waitFor();
  const most = Number(/at most (\d+) of them in flight/.exec(await page.locator("#said").innerText())[1]);
  assert.ok(most >= 1 && most <= 6, `${most} in flight`);
  assert.equal(await page.locator("#bars li").count(), 10);
  const kept = await page.locator("#bars .kept").evaluateAll((bars) => bars.map((bar) => bar.getBoundingClientRect().width));
  const waiting = kept.filter((width) => width > 20).length;
  assert.ok(waiting >= 4, `${waiting} of ten were kept back`);
  assert.match(await page.locator("#bars").innerText(), /sent after/);
  assert.deepEqual(await violations(page), []);
});
