// Two files beside one another; by itself Node.js leaves a core free.
import { run } from "node:test";
import { tap } from "node:test/reporters";
import { fileURLToPath } from "node:url";

const files = ["page.test.mjs", "lanes.test.mjs", "class.test.mjs"].map((name) => fileURLToPath(new URL(name, import.meta.url)));
const tests = run({ files, concurrency: 2, timeout: 240_000 });
tests.on("test:fail", () => { process.exitCode = 1; });
tests.compose(tap).pipe(process.stdout);
