"""lab diagnose --server and --pid: which line makes requests wait, and what an edit changed."""
import contextlib
import importlib.util
import json
import os
import re
import shlex
import signal
import socket
import subprocess
import sys
import textwrap
import time
import unittest
from pathlib import Path

from labcase import LabCase, lab_program, timed

PYTHON = sys.executable
QUICK = ("--budget", "3s", "--max-concurrency", "8")
SICK = """
import time
from fastapi import Depends, FastAPI
app = FastAPI()
def load():
    time.sleep(0.02)
def user():
    time.sleep(0.05)
@app.get("/blocked")
async def blocked():
    load()
    return 1
@app.get("/needs-user")
async def needs_user(_=Depends(user)):
    return 1
@app.get("/health")
async def health():
    return 1
"""
UVICORN = f"{PYTHON} -m uvicorn main:app --port {{port}} --log-level warning"


def needs(*modules):
    missing = [module for module in modules if importlib.util.find_spec(module) is None]
    return unittest.skipIf(missing, f"needs {', '.join(missing)}")


class Inside(LabCase):
    def write(self, text, name="main.py"):
        path = Path(self.work) / name
        path.write_text(textwrap.dedent(text))
        return path

    def line_of(self, text, name="main.py"):
        return 1 + (Path(self.work) / name).read_text()[:(Path(self.work) / name).read_text().index(text)].count("\n")

    def diagnose(self, *args, code=0):
        said = self.lab_json("diagnose", *args, "--quiet", code=code)
        self.assert_obeys(said, "diagnose")
        self.assertEqual(self.running(), [])
        return said

    def start_script(self, text):
        """A server that is run by hand. Its port is its last argument."""
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            port = free.getsockname()[1]
        process = subprocess.Popen([PYTHON, self.write(text, "server.py"), str(port)], cwd=self.work, env=self.environment,
                                   stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        self.addCleanup(process.wait)
        self.addCleanup(process.kill)
        for _ in range(500):
            with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port)):
                return process, port
            time.sleep(0.02)
        self.fail("it does not listen")


@needs("fastapi", "uvicorn")
@timed
class Lines(Inside):
    def kept(self):
        """The document that the last diagnosis left for --against."""
        said = json.loads(sorted(Path(self.environment["HOME"]).rglob("diagnoses/*.json"))[-1].read_text())
        self.assert_obeys(said, "diagnose")
        return said

    def test_a_sleep_on_the_loop_is_named_and_its_repair_is_judged(self):
        (Path(self.work) / "own").mkdir()
        self.write("import os\nos.environ['OWN'] = 'ran'\n", "own/sitecustomize.py")  # it runs all the same
        self.environment["PYTHONPATH"] = str(Path(self.work) / "own")
        sick = SICK.replace("def load():", "import os\nassert os.environ['OWN'] == 'ran'\ndef load():")
        self.write(sick)
        ask = ("--server", UVICORN, "/blocked", "--ping", "/health", *QUICK)
        ran = self.lab("diagnose", *ask, "--threshold", "blocked<5ms", "--threshold", "parallelism<1000", code=1)
        self.assert_fits(ran.out, 80)
        text = " ".join(ran.out.split())
        self.assertRegex(text, r"LAB101 event loop blocked: main.py:\d+ in load\(\): time.sleep\(0.02\)")
        self.assertRegex(text, r"FIX await .*; by the model \d+ at once then take about [\d.]+ ms, now ")
        self.assertRegex(text, r"MORE lab advise --work block ")
        self.assertRegex(text, r"MISS blocked<5ms: [\d.]+ ms of each request PASS parallelism<1000: 1\b")
        prove = shlex.split(re.search(r"(?ms)^PROVE +(.*?[^\\])$", ran.out).group(1).replace("\\\n", ""))  # as a shell does
        inside = self.kept()["inside"]
        (place,) = inside["places"]
        self.assertEqual((place["id"], place["cause"], place["function"], place["line"], place["source"]),
                         ("LAB101", "blocked_loop", "load", self.line_of("time.sleep(0.02)"), "time.sleep(0.02)"), place)
        self.assertEqual(place["file"], str(Path(self.work) / "main.py"))
        self.assertIn("blocked", [caller["function"] for caller in place["called_from"]])
        self.assertGreater(place["share"], 0.5)
        self.assertTrue(place["fixes"])
        self.assertEqual(inside["probes"][0]["language"], "python")
        self.write(sick.replace("    load()", "    await asyncio.sleep(0.02)").replace("import time", "import asyncio, time"))
        self.assertEqual(prove[:2], ["lab", "diagnose"])
        said = self.diagnose(*prove[2:], "--check", "--threshold", "blocked<5ms", "--threshold", "ping.max<1h")
        self.assertEqual(said["inside"]["places"], [])
        self.assertEqual(len(said["against"]["gone"]), 1)
        self.assertLess(said["against"]["p"], 0.05)
        self.assertLess(said["against"]["now_s"], said["against"]["before_s"])

    def test_a_dependency_that_fills_the_pool_is_named_in_sarif_too(self):
        self.write(SICK)
        ran = self.lab("diagnose", "--server", UVICORN, "/needs-user", "--budget", "4s", "--max-concurrency", "64", "--format", "sarif")
        (result,) = json.loads(ran.out)["runs"][0]["results"]
        self.assertEqual(result["ruleId"], "LAB102")
        place = result["locations"][0]["physicalLocation"]
        self.assertEqual((place["artifactLocation"]["uri"], place["region"]["startLine"]), ("main.py", self.line_of("time.sleep(0.05)")))
        (place,) = self.kept()["inside"]["places"]
        self.assertEqual((place["cause"], place["function"], place["limit"]), ("full_pool", "user", 40), place)


NOBODY = 65534


class Servers(Inside):
    LOOP = """
        import http.server, sys, time
        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self):
                time.sleep(0.02)
                self.send_response(200)
                self.send_header("Content-Length", "0")
                self.end_headers()
            def log_message(self, *_):
                pass
        http.server.HTTPServer.request_queue_size = 128
        http.server.HTTPServer(("127.0.0.1", int(sys.argv[1])), Handler).serve_forever()
        """

    @timed
    def test_a_server_that_runs_is_looked_into_by_its_process(self):
        process, port = self.start_script(self.LOOP)
        said = self.lab_json("diagnose", "--pid", str(process.pid), "/", *QUICK, "--quiet")
        self.assert_obeys(said, "diagnose")
        self.assertEqual(said["process"]["pid"], process.pid)
        self.assertEqual(said["url"], f"http://127.0.0.1:{port}/")
        self.assertEqual(said["inside"]["loop_calls"][0]["call"], "clock_nanosleep", said["inside"])
        self.assertIn(f"py-spy dump --pid {process.pid}", " ".join(said["inside"]["obstacles"]))
        self.assertIsNone(process.poll())

    def test_what_cannot_be_asked_for_is_refused_before_anything_starts(self):
        url = "http://127.0.0.1:1/"
        for words, *said in ((("/report",), "'/report' is a path", "--server"),
                             (("--server", "true {port}", url), "{port}"),
                             (("--server", "node server.js", "/"), "--server 'node server.js' has no {port}"),
                             (("--server", "'x {port}", "/"), "--server", "open quote"),
                             (("--server", "x {port}", "--pid", "1", "/"), "exclude each other"),
                             (("--pid", "4000000", "/"), "--pid 4000000: there is no such process"),
                             (("--pid", str(os.getpid()), "/"), "listens at no TCP port"),
                             (("--server", "x {port}", "/", "--against", "last"), "--against", "no diagnosis of"),
                             (("--against", "nowhere.json", url), "--against", "cannot be read"),
                             ((url, "--threshold", "p99<1s"), "--threshold: 'p99<1s': unknown measure", "ping.max"),
                             ((url, "--threshold", "ping.max<5", "--ping", "/x"), "--threshold", "unit"),
                             ((url, "--threshold", "ping.max<5ms"), "--threshold 'ping.max<5ms' needs --ping URL"),
                             ((url, "--threshold", "blocked<5ms"), "--threshold 'blocked<5ms' needs --ping URL, --server or --pid")):
            self.assert_one_line_reason(self.lab("diagnose", *words, code=None), 2, *said)

    def test_a_server_that_ends_forks_away_or_never_listens_is_said_to(self):
        self.assert_one_line_reason(self.lab("diagnose", "--server", "false {port}", "/", code=None), 3, "ended with exit code 1")
        self.write("import os\nos.fork() and os._exit(0)\nos.setsid()\nimport time\ntime.sleep(100)\n", "daemon.py")
        self.assert_one_line_reason(self.lab("diagnose", "--server", f"{PYTHON} daemon.py {{port}}", "/", code=None), 3,
                                    "must stay in the foreground")
        self.assertEqual(self.running(), [])

    @timed
    def test_a_worker_that_gave_up_its_rights_is_looked_into_and_nothing_is_written_beside_it(self):
        self.write("import time\ndef slow():\n    time.sleep(0.02)\n", "steps.py")
        given_up = f"os.setgroups([]), os.setgid({NOBODY}), os.setuid({NOBODY})" if os.getuid() == 0 else "None"
        self.write(f"""
            import asyncio, os, signal, socket, sys, steps
            async def serve(reader, writer):
                await reader.readuntil(b"\\r\\n\\r\\n")
                steps.slow()
                writer.write(b"HTTP/1.1 200 OK\\r\\nContent-Length: 0\\r\\nConnection: close\\r\\n\\r\\n")
                writer.close()
            async def main():
                await (await asyncio.start_server(serve, sock=listening)).serve_forever()
            listening = socket.create_server(("127.0.0.1", int(sys.argv[1])), backlog=256)
            if os.fork() == 0:
                {given_up}
                asyncio.run(main())
            signal.pause()
            """, "server.py")
        before = sorted(Path(self.work).rglob("*"))
        (place,) = self.diagnose("--server", f"{PYTHON} server.py {{port}}", "/", *QUICK)["inside"]["places"]
        self.assertEqual((place["function"], place["line"]), ("slow", 3), place)
        self.assertEqual(sorted(Path(self.work).rglob("*")), before)

    @timed
    def test_why_no_probe_answers_is_said(self):
        self.write(self.LOOP, "server.py")
        inside = self.diagnose("--server", f"{PYTHON} -I server.py {{port}}", "/", "--budget", "2s", "--max-concurrency", "4")["inside"]
        self.assertEqual(inside["probes"], [])
        self.assertIn("it runs with -I, -E or -S", " ".join(inside["obstacles"]))

    @timed
    def test_a_process_that_ends_meanwhile_is_said_to(self):
        process, _ = self.start_script(self.LOOP.replace("time.sleep(0.02)", "time.sleep(0.02)\n                if next(counted) > 30: os._exit(0)")
                                       .replace("import http.server,", "import itertools, os, http.server,")
                                       .replace("class Handler", "counted = itertools.count()\n        class Handler"))
        said = self.lab_json("diagnose", "--pid", str(process.pid), "/", *QUICK, "--quiet")
        self.assertIn(f"process {process.pid} ended; what is said here is of the time before", said["inside"]["obstacles"])

    @timed
    @unittest.skipUnless(os.getuid() == 0, "only root can be two users")
    def test_of_somebody_elses_process_is_said_what_everybody_may_know(self):
        process, port = self.start_script(self.LOOP)
        Path(lab_program()).parents[1].chmod(0o711)
        ran = self.lab("diagnose", "--pid", process.pid, f"http://127.0.0.1:{port}/", "--budget", "2s", "--max-concurrency", "4", "--quiet",
                       "--no-save", "--check", "--format", "json", code=3, user=NOBODY, group=NOBODY, extra_groups=[], cwd="/")
        self.assertIn("its loop was not seen from inside; give --ping URL", ran.err)
        said = json.loads(ran.out)
        self.assert_obeys(said, "diagnose")
        self.assertEqual(said["bound_by"], "waiting", said)
        obstacles = " ".join(said["inside"]["obstacles"])
        self.assertIn(f"process {process.pid} belongs to user 0: run lab as that user or as root", obstacles)
        self.assertIn(f"sudo py-spy dump --pid {process.pid}", obstacles)

    def test_an_interrupted_diagnosis_leaves_no_server(self):
        self.write(self.LOOP, "server.py")
        process = self.start("diagnose", "--server", f"{PYTHON} server.py {{port}}", "/", "--max-concurrency", "64")
        process.stderr.readline()  # it says what it will send
        time.sleep(0.3)
        process.send_signal(signal.SIGINT)
        ran = self.finish(process)
        self.assertEqual(ran.code, 130, ran)
        self.assertEqual(self.running(), [])

    @timed
    def test_a_worker_that_is_killed_in_a_burst_ends_in_a_sentence(self):
        self.write("import os, sys\n" + textwrap.dedent(self.LOOP).replace("time.sleep(0.02)", "os._exit(3)"), "server.py")
        ran = self.lab("diagnose", "--server", f"{PYTHON} server.py {{port}}", "/", code=None)
        self.assert_one_line_reason(without_announcement(ran), 3, "exit code 3")


def without_announcement(ran):
    ran.err = "\n".join(line for line in ran.err.splitlines() if not line.startswith("will send"))
    return ran


if __name__ == "__main__":
    unittest.main()
