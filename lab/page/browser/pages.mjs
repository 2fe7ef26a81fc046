// A page as somebody gets it, in Debian's chromium: as a folder from file://, or from a server with the strictest rules.
import { copyFileSync, cpSync, existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:http";
import { tmpdir } from "node:os";
import { extname, join } from "node:path";
import { fileURLToPath } from "node:url";
import axe from "axe-core";
import { chromium } from "playwright-core";

const root = fileURLToPath(new URL("..", import.meta.url));
const kTypes = { ".html": "text/html", ".js": "text/javascript", ".css": "text/css", ".svg": "image/svg+xml" };
export const kRules = "default-src 'none'; script-src 'self' 'wasm-unsafe-eval'; style-src 'self'; img-src 'self' data:; font-src 'self'; connect-src 'self'; worker-src blob:";

export const browser = await chromium.launch({ executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium", args: [
  "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking", "--disable-component-update",
  "--disable-sync"] });

/** LAB_PAGE is an exported folder; without it the page stands on the stand-in for the model. */
export function folder(config = {}) {
  const made = mkdtempSync(join(tmpdir(), "lab-page-"));
  const exported = process.env.LAB_PAGE;
  cpSync(exported ?? join(root, "dist"), made, { recursive: true });
  if (!exported) copyFileSync(join(root, "test/stand_in.js"), join(made, "model.js"));
  const index = join(made, "index.html");
  if (!exported || Object.keys(config).length > 0) {
    const data = JSON.stringify({ source: "model", scenario: "blocking-async", ...config }).replace(/</g, "\\u003c");
    writeFileSync(index, readFileSync(index, "utf8").replace(/(id="lab-config">)[^]*?(<\/script>)/, (_, before, after) => before + data + after));
  }
  return { path: made, url: `file://${index}`, remove: () => rmSync(made, { recursive: true }) };
}

/** The folder behind a server that allows nothing but its own files; `answer` comes before them. */
export async function served(path, answer = () => false) {
  const server = createServer((request, reply) => {
    if (answer(request, reply)) return;
    const file = join(path, request.url === "/" ? "index.html" : request.url.split("?")[0]);
    if (!file.startsWith(path) || !existsSync(file)) return void reply.writeHead(404).end();
    reply.writeHead(200, { "Content-Type": kTypes[extname(file)] ?? "text/plain", "Content-Security-Policy": kRules }).end(readFileSync(file));
  });
  server.unref(); // a test that fails leaves nothing behind that the others wait for
  await new Promise((listening) => server.listen(0, "127.0.0.1", listening));
  return { url: `http://127.0.0.1:${server.address().port}/`, close: () => { server.closeAllConnections?.(); server.close(); } };
}

/** A fresh page; whatever it complains of is a failure of the test that opened it. */
export async function open(t, url, { width = 1280, height = 720, ...more } = {}, before = undefined) {
  const context = await browser.newContext({ viewport: { width, height }, ...more });
  context.setDefaultTimeout(5000);
  const page = await context.newPage(), complaints = [];
  page.on("pageerror", (error) => complaints.push(error.message));
  page.on("console", (message) => { if (message.type() === "error") complaints.push(message.text()); });
  t.after(async () => {
    await context.close();
    if (complaints.length > 0 && !more.lenient) throw new Error(complaints.join("\n"));
  });
  if (before) await page.addInitScript(before);
  await page.goto(url);
  return page;
}

export async function predict(page, guess) {
  await page.fill("#guess", guess);
  await page.keyboard.press("Enter");
  await page.waitForSelector("#play");
}

/** The end of the replay, without waiting for it. */
export const toEnd = (page) => page.locator('input[aria-label="Moment"]').evaluate((slider) => {
  slider.value = slider.max;
  slider.dispatchEvent(new Event("input", { bubbles: true }));
});

/** How much of a canvas is neither empty nor text: the lanes that are seen. */
export const painted = (page, index = 0) => page.locator(".lanes canvas").nth(index).evaluate((canvas) => {
  const { data } = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height);
  let count = 0;
  for (let i = 0; i < data.length; i += 4) if (data[i + 3] > 200 && Math.max(data[i], data[i + 1], data[i + 2]) - Math.min(data[i], data[i + 1], data[i + 2]) > 60) ++count;
  return Math.round((1000 * count) / (canvas.width * canvas.height)); // of a thousand: the edges of letters are none
});

/** What axe finds wrong, in a line each. */
export async function violations(page) {
  await page.evaluate(axe.source);
  const found = await page.evaluate(() => globalThis.axe.run(document, { resultTypes: ["violations"], preload: false }));
  return found.violations.map(({ id, nodes }) => `${id}: ${nodes.map((node) => node.html).slice(0, 3).join(" | ")}`);
}
