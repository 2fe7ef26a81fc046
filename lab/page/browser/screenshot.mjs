// The picture of the page in the README:  node browser/screenshot.mjs FOLDER OUT.png [SCENARIO] [GUESS]
// FOLDER is what `lab demo --export FOLDER` wrote.
import { resolve } from "node:path";
import { browser, predict, toEnd } from "./pages.mjs";

const [folder, out, scenario = "blocking-async", guess = "0.1 s"] = process.argv.slice(2);
if (!out) {
  console.error("node browser/screenshot.mjs FOLDER OUT.png [SCENARIO] [GUESS]");
  process.exit(2);
}
const page = await browser.newPage({ viewport: { width: 1280, height: 720 } });
await page.goto(`file://${resolve(folder)}/index.html#${scenario}`);
await predict(page, guess);
await toEnd(page);
await page.evaluate(async () => {
  await document.fonts.ready;
  document.activeElement.blur();
});
await page.screenshot({ path: out });
await browser.close();
