// The page in a real browser: predict, run, replay, verdict; keys alone; axe; both sizes and themes; text that is no markup.
import assert from "node:assert/strict";
import test, { after } from "node:test";
import { browser, folder, open, painted, predict, served, toEnd, violations } from "./pages.mjs";

const exported = folder();
after(async () => {
  await browser.close();
  exported.remove();
});

const scenarios = [["blocking-async", "0.1", "1.00 s", /at the same time/], ["pool-limit", "100ms", "200 ms", /100 ms/], ["gil", "0,1", "400 ms", /100 ms/]];
for (const [name, guess, truth, suggestion] of scenarios) {
  test(`${name} from file://: lanes are hidden until a number is committed, then play, and the verdict says what it suggests`, async (t) => {
    const page = await open(t, `${exported.url}#${name}`);
    await page.waitForSelector("#guess");
    assert.equal(await painted(page), 0, "no lane is seen before");
    assert.equal(await page.locator(".axis text", { hasText: /\d/ }).count(), 0, "no figure either");
    await predict(page, guess);
    await page.waitForFunction(() => !document.querySelector('input[aria-label="Moment"]').disabled);
    await page.locator("#play", { hasText: "Pause" }).waitFor();
    await page.keyboard.press("ArrowRight");
    const part = await painted(page);
    await toEnd(page);
    assert.ok(await painted(page) > part, "more lanes are seen at the end");
    assert.match(await page.locator(".verdict.off").innerText(), suggestion);
    assert.match(await page.locator(".panel").first().locator(".ending").innerText(), new RegExp(truth.replace(".", "\\.")));
  });
}

test("a right guess is called right", async (t) => {
  const page = await open(t, exported.url);
  await predict(page, "1 s");
  await toEnd(page);
  await page.locator(".verdict.right").waitFor();
});

test("what is no time is refused in words, and nothing is shown", async (t) => {
  const page = await open(t, exported.url);
  await page.fill("#guess", "soon");
  await page.keyboard.press("Enter");
  assert.match(await page.locator("#guess-wrong").innerText(), /such as 1 s or 250 ms/);
  assert.equal(await painted(page), 0);
});

test("everything works by keys alone", async (t) => {
  const page = await open(t, exported.url);
  await page.waitForSelector("#guess");
  const at = () => page.locator(".controls output").innerText();
  await page.keyboard.press("p");
  await page.waitForFunction(() => document.activeElement?.id === "guess");
  await page.keyboard.type("1 s");
  await page.keyboard.press("Enter");
  await page.waitForFunction(() => document.activeElement?.id === "play");
  await page.keyboard.press("Space");
  await page.keyboard.press("Home");
  assert.equal(await at(), "0.000 s");
  await page.keyboard.press("ArrowRight");
  assert.equal(await at(), "0.100 s");
  await page.keyboard.press("ArrowRight");
  await page.keyboard.press("ArrowLeft");
  assert.equal(await at(), "0.100 s");
  await page.keyboard.press("b");
  assert.equal(await page.locator(".controls .check input").isChecked(), false);
  await page.keyboard.press("?");
  await page.locator("dialog[open]", { hasText: "Keys" }).waitFor();
  await page.keyboard.press("Escape");
  await page.keyboard.press("r");
  await page.locator("#play", { hasText: "Pause" }).waitFor();
  await page.keyboard.press("p");
  await page.waitForSelector("#guess");
  await page.locator("main h1").click();
  await page.keyboard.press("2");
  await page.waitForFunction(() => document.querySelector(".pick").textContent.indexOf("blocking-async") < 0);
  await page.locator(".pick").focus();
  await page.keyboard.press("Enter");
  await page.locator("dialog[open]", { hasText: "Scenarios" }).waitFor();
  await page.keyboard.press("Escape");
  assert.equal(await page.evaluate(() => document.activeElement.className), "pick", "the focus returns to where it was");
});

for (const [width, height, theme] of [[1280, 720, "light"], [1280, 720, "dark"], [390, 844, "light"], [390, 844, "dark"]]) {
  test(`axe finds nothing at ${width} × ${height} in the ${theme} theme, text has 18 px, and nothing is cut off`, async (t) => {
    const page = await open(t, exported.url, { width, height });
    if (theme === "dark") await page.getByRole("button", { name: "Dark" }).click();
    await page.waitForSelector("#guess");
    if (theme === "light") assert.deepEqual(await violations(page), [], "before the prediction");
    await predict(page, "0.1");
    await toEnd(page);
    for (const summary of await page.locator("summary").all()) await summary.click();
    await page.waitForSelector(".uplot");
    assert.deepEqual(await violations(page), [], "with everything open");
    const small = await page.evaluate(() => [...document.querySelectorAll("#app *:not(.handout *)")].filter((one) =>
      [...one.childNodes].some((node) => node.nodeType === 3 && node.textContent.trim()) && one.checkVisibility() && parseFloat(getComputedStyle(one).fontSize) < 18).map((one) => one.outerHTML.slice(0, 80)));
    assert.deepEqual(small, []);
    assert.ok(await page.evaluate(() => document.documentElement.scrollWidth <= innerWidth), "the page does not scroll sideways");
    if (width === 390 || theme === "dark") return;
    await page.keyboard.press("?");
    await page.locator("dialog[open]").waitFor();
    assert.deepEqual(await violations(page), [], "help");
    await page.keyboard.press("Escape");
    await page.locator(".pick").click();
    assert.deepEqual(await violations(page), [], "catalogue");
  });
}

test("question, prediction, both panels and the controls are above the fold at 1280 × 720", async (t) => {
  const page = await open(t, exported.url);
  await predict(page, "1");
  const bottom = await page.locator(".controls").evaluate((element) => element.getBoundingClientRect().bottom);
  assert.ok(bottom <= 720, `they end at ${bottom}`);
});

test("who wants no motion sees the whole at once, and can still step", async (t) => {
  const page = await open(t, exported.url, { reducedMotion: "reduce" });
  await predict(page, "1 s");
  await page.locator(".verdict.right").waitFor();
  assert.equal(await page.locator(".controls output").innerText(), "1.000 s");
  await page.keyboard.press("ArrowLeft");
  assert.equal(await page.locator(".controls output").innerText(), "0.900 s");
});

test("the quiz says after each answer whether it is right", async (t) => {
  const page = await open(t, exported.url);
  await page.getByRole("button", { name: "Questions on this scenario" }).click();
  const form = page.locator(".quiz form");
  await form.waitFor();
  for (let i = 0; i < 2; ++i) {
    const choices = form.locator('input[type="radio"]');
    if (await choices.count() > 0) await choices.last().check();
    else await form.locator('input[type="text"]').fill("7 ms");
    await page.getByRole("button", { name: "Answer", exact: true }).click();
    assert.match(await page.locator(".quiz .verdict").innerText(), /^(✓ Right\.|✗ No: )/);
    await page.locator(".quiz .verdict button").click();
  }
});

test("raised hands become a histogram of before and after", async (t) => {
  const page = await open(t, exported.url);
  await page.waitForSelector(".vote");
  const fields = page.locator(".vote input");
  await fields.nth(0).fill("12");
  await fields.nth(1).fill("3");
  const [before, afterwards] = await page.locator(".vote .bars").first().evaluate((cell) => [...cell.children].map((bar) => bar.getBoundingClientRect().width));
  assert.ok(before > 3.5 * afterwards);
  assert.equal(await page.locator(".vote tr.right").count(), 0, "what is right is not marked before the prediction");
  await predict(page, "1");
  assert.equal(await page.locator(".vote tr.right").count(), 2, "one of each arm");
  assert.equal(await fields.nth(0).inputValue(), "12");
});

test("a printed page is a handout without any answer", async (t) => {
  const page = await open(t, exported.url);
  await page.waitForSelector("#guess");
  await page.emulateMedia({ media: "print" });
  assert.equal(await page.locator("main").isVisible(), false);
  assert.equal(await page.locator(".sheet-panel svg").count(), 2);
  assert.doesNotMatch(await page.locator(".handout").innerText(), /1\.00 s|1000 ms/);
});

test("a browser that is too old gets the recorded lanes and a sentence", async (t) => {
  const page = await open(t, exported.url, {}, () => { delete window.HTMLDialogElement; });
  assert.match(await page.locator(".old").innerText(), /It was recorded on real servers/);
  assert.equal(await page.locator(".old img").isVisible(), true);
});

test("the page runs under a policy that allows its own files alone", async (t) => {
  const server = await served(exported.path);
  t.after(() => server.close());
  const page = await open(t, server.url);
  await predict(page, "1 s");
  await page.locator('.settings input[type="range"]').first().focus();
  await page.keyboard.press("ArrowRight");
  await page.locator(".settings output", { hasText: "20" }).waitFor();
  await page.locator(".verdict", { hasText: "You predicted something else" }).waitFor();
});
