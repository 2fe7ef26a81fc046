"""The probe of Node servers (harness/inside/probes/probe.js): what it writes of real ones, by itself."""
import http.client
import json
import shutil
import socket
import subprocess
import threading
import unittest

from labcase import ROOT, LabCase, wait_until

PROBE = ROOT / "harness/inside/probes/probe.js"
SICK = ROOT / "tests/sick"

# A call into C++ straight from the server's own function, behind which other calls stand.
PARSES = """\
const http = require("http");
const text = JSON.stringify(Array.from({ length: 150_000 }, (_, id) => ({ id, item: "tea" })));
function report() {
  const rows = JSON.parse(text);
  const count = rows.length;
  return String(count);
}
http.createServer((request, response) => response.end(request.url === "/report" ? report() : "ok")).listen(Number(process.argv[2]), "127.0.0.1");
"""


@unittest.skipUnless(shutil.which("node"), "nodejs is not here")
class NodeProbe(LabCase):
    def serve(self, script, folder=None, **environment):
        self.written = self.work / "written"
        self.written.mkdir(exist_ok=True)
        environment = {**self.environment, "LAB_INSIDE": str(folder or self.written), "NODE_OPTIONS": f"--require {PROBE}", **environment}
        for _ in range(5):  # another program may take the port between its choice and the server's start
            with socket.socket() as free:
                free.bind(("127.0.0.1", 0))
                self.port = free.getsockname()[1]
            server = subprocess.Popen(["node", script, str(self.port)], cwd=self.work, stderr=subprocess.PIPE, stdout=subprocess.PIPE,
                                      text=True, env=environment)
            self.addCleanup(server.communicate)
            self.addCleanup(server.kill)
            answers = wait_until(lambda: server.poll() is not None or self.asks("/"), 60)  # noqa: B023
            if server.poll() is None or "EADDRINUSE" not in server.communicate()[1]:
                break
        self.assertTrue(answers and server.poll() is None, "it does not answer")
        return server

    def asks(self, path):
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=20)
        try:
            connection.request("GET", path)
            return connection.getresponse().read()
        except OSError:
            return None
        finally:
            connection.close()

    def lines(self, server, kind):
        file = self.written / f"{server.pid}.jsonl"
        lines = [json.loads(line) for line in file.read_text().splitlines(keepends=True) if line.endswith("\n")] if file.exists() else []
        return [line for line in lines if line["kind"] == kind]

    def late_at(self, server, path, place):
        """Asks until the loop was seen late at that place; whether it was."""
        def seen():
            self.asks(path)
            return any(place == tuple(frame) for line in self.lines(server, "late") for frame in line["stack"] if not line.get("after"))
        return wait_until(seen, 20)

    def test_it_says_who_is_there_and_prints_nothing(self):
        server = self.serve(SICK / "healthy.js")
        hello = wait_until(lambda: self.lines(server, "hello"), 20)[0]
        self.assertEqual((hello["language"], hello["loop"], hello["pid"], hello["thread"]), ("node", "libuv", server.pid, server.pid))
        server.kill()
        self.assertEqual(server.communicate(), ("", ""))

    def test_a_loop_that_computes_is_seen_at_its_line(self):
        server = self.serve(SICK / "computing.js")
        line = next(number for number, text in enumerate((SICK / "computing.js").read_text().splitlines(), 1) if "for (let by" in text)
        self.assertTrue(self.late_at(server, "/report", (str(SICK / "computing.js"), line, "isPrime")), self.lines(server, "late")[-3:])

    def test_a_call_into_cpp_is_seen_at_its_own_line_and_not_at_the_next_one(self):
        script = self.work / "parses.js"
        script.write_text(PARSES)
        server = self.serve(script)
        self.assertTrue(self.late_at(server, "/report", (str(script), 4, "report")), self.lines(server, "late")[-3:])

    def test_who_waits_for_a_thread_of_libuv_is_seen_where_it_asked_for_one(self):
        server = self.serve(SICK / "crypto_pool.js")

        def seen():
            clients = [threading.Thread(target=self.asks, args=("/login",)) for _ in range(16)]
            for client in clients:
                client.start()
            for client in clients:
                client.join()
            return [line for line in self.lines(server, "pool") if line["holders"]]
        pools = wait_until(seen, 20)
        self.assertTrue(pools)
        self.assertEqual((pools[0]["what"], pools[0]["limit"], pools[0]["taken"]), ("libuv", 4, 4))
        self.assertGreater(pools[0]["waiting"], 0)
        self.assertEqual(pools[0]["holders"][0][0][::2], [str(SICK / "crypto_pool.js"), "login"])

    def test_without_a_folder_to_write_to_the_server_serves_all_the_same(self):
        server = self.serve(SICK / "healthy.js", folder=self.work / "no-such-folder")
        self.assertEqual(self.asks("/report"), b"ok")
        server.kill()
        self.assertEqual(server.communicate(), ("", ""))

    def test_promises_and_callbacks_of_built_in_modules_still_work(self):
        script = self.work / "uses.mjs"
        script.write_text("""\
import { readFile } from "node:fs";
import { readFile as promised, open } from "node:fs/promises";
import { promisify } from "node:util";
import { exists, read } from "node:fs";
import { randomBytes, scrypt } from "node:crypto";
import { lookup } from "node:dns";
import { gzip } from "node:zlib";
const say = [];
say.push((await promisify(readFile)(process.argv[1], "utf8")).length > 0, (await promised(process.argv[1], "utf8")).length > 0);
say.push(await promisify(exists)(process.argv[1]), randomBytes(4).length, (await promisify(randomBytes)(4)).length);
say.push((await promisify(scrypt)("a", "b", 8)).length, (await promisify(lookup)("127.0.0.1")).address, (await promisify(gzip)("x")).length > 0);
const file = await open(process.argv[1]);
say.push((await promisify(read)(file.fd, Buffer.alloc(4), 0, 4, 0)).bytesRead);
await file.close();
try { readFile(); } catch (problem) { say.push(problem.code); }
try { await promised("/no/such"); } catch (problem) { say.push(problem.code); }
console.log(JSON.stringify(say));
""")
        told = [subprocess.run(["node", script], capture_output=True, text=True, timeout=60,
                               env={**self.environment, "NODE_OPTIONS": options, "LAB_INSIDE": str(self.work)}) for options in ("", f"--require {PROBE}")]
        self.assertEqual(told[0].stderr, "")
        self.assertEqual((told[1].stdout, told[1].stderr, told[1].returncode), (told[0].stdout, "", 0))
        self.assertIn("ENOENT", told[1].stdout)


if __name__ == "__main__":
    unittest.main()
