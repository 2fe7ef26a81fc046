// A class votes with real phones' widths against the real program: `lab demo --class`. LAB names it; without it, or without the page in it, nothing is tried.
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";
import test, { after } from "node:test";
import { browser, open, violations } from "./pages.mjs";

after(() => browser.close());

/** The teacher's address and the students'; none where this program or this machine has no class. */
async function demo(t) {
  const lab = spawn(process.env.LAB, ["demo", "--class"], { stdio: ["ignore", "pipe", "ignore"] });
  const ended = once(lab, "exit");
  t.after(async () => {
    lab.kill("SIGINT");
    await ended;
  });
  const addresses = [];
  for await (const line of createInterface({ input: lab.stdout })) {
    addresses.push(line);
    if (addresses.length === 2) break;
  }
  return addresses;
}

test("a phone votes, the projector shows how many have, then the split before and after", { skip: !process.env.LAB }, async (t) => {
  const [address, join] = await demo(t);
  if (!join) return t.skip("this lab has no page, or this machine no network");
  const teacher = await open(t, address);
  await teacher.getByRole("button", { name: "Class vote" }).click();
  assert.equal(`${await teacher.locator(".address").innerText()}`, join);
  assert.equal(await teacher.getByRole("img", { name: `QR code of ${join}` }).isVisible(), true);
  const phone = await open(t, join, { width: 390, height: 844, isMobile: true, hasTouch: true });
  const status = phone.locator("p[role=status]"), projector = teacher.locator(".join [role=status]");
  await status.filter({ hasText: "appears here by itself" }).waitFor();
  await projector.filter({ hasText: "1 phone joined" }).waitFor();

  await teacher.getByRole("button", { name: "Ask the phones" }).click();
  const arms = phone.locator("fieldset");
  await arms.nth(1).waitFor();
  const commit = phone.getByRole("button", { name: "Commit" });
  assert.equal(await commit.isDisabled(), true, "each arm needs a guess");
  for (const arm of await arms.all()) await arm.locator("label").first().tap();
  await commit.tap();
  await projector.filter({ hasText: "1 of 1 phone voted" }).waitFor();
  await status.filter({ hasText: "Your guess is in" }).waitFor();
  assert.equal(await teacher.locator(".vote .bars span").count(), 0, "nobody follows the others");
  assert.deepEqual(await violations(phone), []);
  assert.ok(await phone.evaluate(() => document.documentElement.scrollWidth <= innerWidth), "the phone does not scroll sideways");
  await phone.reload();
  await status.filter({ hasText: "Your guess is in" }).waitFor();

  await teacher.getByRole("button", { name: "Close the vote" }).click();
  await status.filter({ hasText: "The vote is closed" }).waitFor();
  const rows = teacher.locator(".vote table").first().locator("tbody .bars");
  await rows.first().locator(".bar0").waitFor();
  await teacher.getByRole("button", { name: "Vote again" }).click();
  await status.filter({ hasText: "vote once more" }).waitFor();
  for (const arm of await arms.all()) await arm.locator("label").last().tap();
  await commit.tap();
  await projector.filter({ hasText: "1 of 1 phone voted" }).waitFor();
  await teacher.getByRole("button", { name: "Close the vote" }).click();
  await rows.last().locator(".bar1").waitFor();
  assert.deepEqual(await rows.evaluateAll((cells) => cells.map((cell) => cell.getAttribute("aria-label")).filter((words) => words !== "0 before, 0 after")),
    ["1 before, 0 after", "0 before, 1 after"]);
  assert.deepEqual(await violations(teacher), []);
});
