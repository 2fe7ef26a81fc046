"""lab export: every arm as source that Python and Node accept, and some of it at work under uvicorn and gunicorn."""
import ast
import base64
import contextlib
import http.client
import importlib.util
import json
import os
import re
import shlex
import shutil
import signal
import socket
import subprocess
import threading
import time
import tomllib
import unittest
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from labcase import PATIENCE, ROOT, LabCase, figures, lab_program, measured, timed, wait_until

PYTHON = "/usr/bin/python3"
NEEDED = ("fastapi", "uvicorn", "gunicorn", "httpx", "websockets")
INSTALLED = all(importlib.util.find_spec(module) for module in NEEDED)
MODES_ON_A_LOOP = ("async-loop", "blocking-loop", "offload", "processes", "task-queue")
CHECK_SCRIPTS = """
for (const file of process.argv.slice(1))
  try { new (require('vm').Script)(require('fs').readFileSync(file, 'utf8')); } catch (e) { console.log(file, e.message); }
"""


# Steps in each other, names that Python has itself: more than the catalogue has of everything.
ODD = r'''
question = "Odd \"\"\" things \\ here?"
[routes.time]
request = "PUT /time/{name}"
steps = [{ repeat = 3, steps = [{ increment = true }, { wait = "1ms" }] },
         { pooled = [{ increment = true }, { wait = "1ms", connection = true }, { repeat = 2, steps = [{ cpu = "1ms" }] }] }]
[routes.1st]
request = "DELETE /1st"
depends = [{ steps = [{ wait = "10ms" }, { increment = true }] }, { async = true, steps = [{ wait = "10ms" }] }, { steps = [] }]
steps = [{ gather = [[{ wait = "1ms" }], [{ cpu = "1ms" }, { call = "5ms" }], []] }, { gather = 5, steps = [{ wait = "1ms" }] },
         { gather = 4, steps = [{ query = "1ms" }] }, { increment = true }, { ready = true }, { yield = true }]
[routes.background]
request = "POST /background"
steps = [{ background = [{ wait = "1ms" }, { increment = true }] }, { background = [{ pooled = [{ cpu = "1ms" }, { wait = "2ms" }] }] },
         { call = "10s", connection = "new" }, { call = "6s" }, { wait = "1ms", connection = true },
         { query = "select '%', \"a\"", takes = "1ms" }]
[routes.class]
request = "GET /class/{class}"
steps = [{ forget = [{ cpu = "1ms" }, { wait = "1ms" }] }, { enqueue = "class", steps = [{ cpu = "1ms" }, { increment = true }] },
         { wait = "1ms" }]
[routes.got]
request = "GET /got/{id}"
steps = [{ result = "class" }]
[routes.ws]
request = "WS /ws"
steps = [{ increment = true }, { wait = "1ms" }, { qrcode = "1ms" }, { read = "1MB" }, { infer = "2ms" }, { sqrt_sum = 1000 }]
[[load]]
route = "background"
arrivals = "burst"
requests = 1
body = "1kB"
[[arms]]
id = "async-loop"
mode = "async-loop"
cancel = true
connections = 3
[[arms]]
id = "blocking-loop"
mode = "blocking-loop"
workers = 2
counters = "shared"
[[arms]]
id = "offload"
mode = "offload"
connections = 3
[[arms]]
id = "processes"
mode = "offload"
pool = "processes"
[[arms]]
id = "task-queue"
mode = "task-queue"
queues.class.scope = "shared"
threads = 7
'''


def catalogue():
    """All arms of all scenarios: (scenario, arm)."""
    for file in sorted((ROOT / "scenarios").glob("*.toml")):
        for arm in tomllib.loads(file.read_text(encoding="utf-8"))["arms"]:
            yield file.stem, arm["id"]


class Sources(LabCase):
    def export_all(self, target):
        """Files that were written, and the reasons of the arms that have no meaning there."""
        files, reasons = [], {}
        for scenario, arm in catalogue():
            folder = self.work / target / scenario / arm
            ran = self.lab("export", scenario, "--arm", arm, "--to", target, "--dir", folder, code=None)
            if ran.code == 0:
                files += [path for path in folder.iterdir()]
            else:
                self.assert_one_line_reason(ran, 2, arm, "cannot be exported to")
                reasons[scenario, arm] = ran.err
        return files, reasons

    @unittest.skipUnless(INSTALLED, "needs FastAPI")
    def test_the_line_that_is_printed_runs_as_it_stands(self):
        told = self.lab("export", "frozen-server", "--arm", "async-loop", "--to", "fastapi", "--dir", "it's mine",
                        "--set", "d=300ms").err
        line = re.search(r"(?m)^lab: to measure it beside the lab's own server: lab (run .*)$", told)[1]
        report = self.lab_json(*shlex.split(line), "--arms", "async-loop", "--quick", "--no-save", within=120)
        (own,) = [arm for arm in report["arms"] if arm["engine"] == "server"]
        self.assertIsNotNone(own["makespan_s"]["median"])
        self.assertEqual(own["books"]["errors"], {})

    def test_python_takes_every_arm_or_its_reason_is_said(self):
        files, reasons = self.export_all("fastapi")
        seen = {}
        for file in files:
            seen.setdefault(file.read_text(encoding="utf-8"), file)
        for text, file in seen.items():
            compile(text, str(file), "exec")
            if file.name.startswith("main"):
                self.assertNotIn("lab", text.replace("available", ""), file)
                self.assertLess(len(text.splitlines()), 90, file)
        self.assertEqual({reason.split(": ", 2)[2].split(";")[0].strip() for reason in reasons.values()}, {
            "Python 3.11 cannot run without its interpreter lock",
            "uvicorn's workers accept connections themselves, no master hands them out",
            "uvicorn's workers share one listening socket, none has a queue of its own (SO_REUSEPORT)",
            "Python's event loops ask the kernel with epoll, not io_uring",
            "FastAPI begins a handler whether its client is still there or not",
            "too long to be measured, only the model runs it"})

    def test_whatever_steps_are_combined_no_name_is_missing(self):
        (self.work / "odd.toml").write_text(ODD)
        for arm in MODES_ON_A_LOOP:
            self.lab("export", "./odd.toml", "--arm", arm, "--to", "fastapi", "--dir", arm)
        files = [str(self.work / arm / "main.py") for arm in MODES_ON_A_LOOP]
        for file in files:
            compile(Path(file).read_text(encoding="utf-8"), file, "exec")
        if not importlib.util.find_spec("pyflakes"):
            self.skipTest("no pyflakes to look for missing names")
        ran = subprocess.run([PYTHON, "-m", "pyflakes", *files], capture_output=True, text=True)
        self.assertEqual((ran.returncode, ran.stdout + ran.stderr), (0, ""))

    @unittest.skipUnless(shutil.which("node"), "no node")
    def test_node_takes_every_arm_or_its_reason_is_said(self):
        files, reasons = self.export_all("node")
        ran = subprocess.run(["node", "-e", CHECK_SCRIPTS, *map(str, files)], capture_output=True, text=True, check=True)
        self.assertEqual(ran.stdout, "")
        for scenario in ("blocking-async", "frozen-server", "cpu-chunks"):
            self.assertTrue(any(file.parts[-3] == scenario for file in files), scenario)
        self.assertIn(("gil", "threads"), reasons)


# The documents' four programs: the native model, how the handler waits, what it replies with, what uvicorn is told. The last
# one greets, too.
PROGRAMS = {
    "main-simple": ("blocking-loop", "time.sleep(3)", ["message", "start_time", "end_time"], ""),
    "main-sync": ("async-loop", "await asyncio.sleep(5)", ["message", "start_time", "end_time"], ""),
    "main-threadpool": ("offload", "await run_in_threadpool(time.sleep, 5)", ["message", "start_time", "end_time"], ""),
    "main-worker": ("blocking-loop", "time.sleep(3)", ["message", "start_time", "end_time", "worker_id"], ", workers=4"),
}
FEATURES = json.dumps({"features": [0.2, 0.8]})


class Programs(LabCase):
    def test_the_documents_four_programs_wait_reply_log_and_listen_as_theirs(self):
        for name, (_, wait, keys, workers) in PROGRAMS.items():
            text = self.lab("export", name, "--to", "fastapi").out
            functions = {each.name: each for each in ast.parse(text).body if isinstance(each, ast.AsyncFunctionDef)}
            handlers = ["delayed_response_threadpool" if name == "main-threadpool" else "delayed_response"]
            handlers = ["read_root", *handlers] if name == "main-worker" else handlers
            self.assertEqual(list(functions), handlers)
            delay = functions[handlers[-1]]
            self.assertEqual(ast.unparse(delay.decorator_list[0]), "app.post('/delay')")
            self.assertIn(wait, ast.unparse(delay))
            (reply,) = [each for each in ast.walk(delay) if isinstance(each, ast.Dict)]
            self.assertEqual([key.value for key in reply.keys], keys)
            for moment in ("start", "end"):
                self.assertIn(f"logger.info('{moment} POST /delay')", ast.unparse(delay))
            if name == "main-worker":
                self.assertIn("'worker_id': os.getpid()", ast.unparse(functions["read_root"]))
                self.assertIn("'message': 'Hello World'", ast.unparse(functions["read_root"]))
            module = name.replace("-", "_")
            self.assertTrue(ast.unparse(ast.parse(text).body[-1]).endswith(
                f"uvicorn.run('{module}:app', host='0.0.0.0', port=8005{workers})"), text)
            self.lab("export", name, "--to", "fastapi", "--dir", name)
            self.assertEqual({path.name for path in (self.work / name).iterdir()}, {f"{module}.py", "lab_stamps.py"})


class Verb(LabCase):
    def test_the_readable_file_alone_goes_to_standard_output(self):
        ran = self.lab("export", "blocking-async", "--arm", "async-loop", "--to", "fastapi")
        self.assertIn("    await asyncio.sleep(0.1)\n", ran.out)
        compile(ran.out, "main.py", "exec")
        self.assertIn("to start it by hand: uvicorn main:app", ran.err)
        self.assertIn("lab_stamps.py", ran.err)

    def test_without_an_arm_it_is_the_first_one_that_has_a_meaning_there(self):
        self.assertIn("arm 'blocking-loop' of blocking-async",
                      self.lab("export", "blocking-async", "--to", "fastapi").err)
        self.assertIn("arm 'threads-gil' of gil", self.lab("export", "gil", "--to", "fastapi").err)
        self.assert_one_line_reason(self.lab("export", "switch-cost", "--to", "node", code=2), 2, "not in Node")

    def test_a_parameter_can_be_set(self):
        ran = self.lab("export", "blocking-async", "--to", "fastapi", "--delay", "2500ms")
        self.assertIn("    time.sleep(2.5)\n", ran.out)

    def test_what_lies_in_a_folder_is_overwritten_only_by_force(self):
        words = ("export", "cpu-chunks", "--to", "fastapi", "--dir", "out")
        self.assertEqual(self.lab(*words).out, "")
        self.assertEqual({path.name for path in (self.work / "out").iterdir()}, {"main.py", "work.py", "lab_stamps.py"})
        (self.work / "out/main.py").write_text("mine")
        self.assert_one_line_reason(self.lab(*words, code=2), 2, "main.py exists already", "--force")
        self.assertEqual((self.work / "out/main.py").read_text(), "mine")
        self.lab(*words, "--force")
        self.assertNotEqual((self.work / "out/main.py").read_text(), "mine")

    def test_bad_words_are_named_with_the_nearest_good_one(self):
        for words, fragments in ((("--to", "fastapy"), ("--to", "fastapi")),
                                 (("--to", "node", "--uvloop"), ("--uvloop", "--to fastapi")),
                                 (("--to", "fastapi", "--force"), ("--force", "--dir")),
                                 (("--to", "fastapi", "--arm", "asyncloop"), ("'asyncloop'", "'async-loop'")),
                                 (("--to", "node", "--arm", "thread-pool"), ("thread-pool", "no pool")),
                                 (("--to", "fastapi", "--dir", "/proc/x"), ())):
            code = 3 if "--dir" in words else 2
            self.assert_one_line_reason(self.lab("export", "blocking-async", *words, code=code), code, *fragments)
        self.assertIn("Example: lab export", self.lab("export", "--help").out)


class Upstream(BaseHTTPRequestHandler):
    """Answers after the time that is asked for, as the lab's own does."""
    protocol_version = "HTTP/1.1"

    def do_GET(self):
        time.sleep(float(self.path.partition("ms=")[2]) / 1e3)
        self.send_response(200)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *_):
        pass


class Reply:
    def __init__(self, response, body, sent):
        self.status, self.sent, self.received = response.status, sent, time.monotonic_ns()
        self.json = json.loads(body)
        self.stamps = {name.lower(): value for name, value in response.getheaders() if name.startswith(("Lab-", "lab-"))}
        self.read, self.started, self.finished = (int(self.stamps.get(f"lab-{word}", 0))
                                                  for word in ("read", "started", "finished"))
        self.held = []  # (resource, from, to)
        for entry in filter(None, self.stamps.get("lab-held", "").split(", ")):
            resource, interval = entry.split(" ")
            self.held.append((resource, *map(int, interval.split("-"))))

    def held_time(self, resource):
        return sum(end - begin for name, begin, end in self.held if name.partition(":")[0] == resource)


@unittest.skipUnless(INSTALLED and shutil.which("node"), "FastAPI or node is not installed")
class AtWork(LabCase):
    @contextlib.contextmanager
    def serving_export(self, scenario, arm, *words, to="fastapi", env=None):
        """The export under stamps, started as its `by hand` says; yields the port."""
        folder = self.work / f"{scenario}-{arm}"
        by_hand = self.lab("export", scenario, "--arm", arm, "--to", to, "--dir", folder, *words).err
        command = by_hand.partition("by hand: ")[2].split()
        with socket.create_server(("127.0.0.1", 0)) as found:
            port = found.getsockname()[1]
        if to == "node":
            command = [*command[:1], "-r", "./lab_stamps.js", *command[1:], str(port)]
        else:
            command = [PYTHON, "-m", *[re.sub(r"^main\w*:app", "lab_stamps:app", word) for word in command],
                       *(("-b", f"127.0.0.1:{port}") if command[0] == "gunicorn" else ("--port", str(port)))]
        output = (folder / "output").open("w+")
        process = subprocess.Popen(command, cwd=folder, env={**self.environment, **(env or {})}, stdout=output,
                                   stderr=subprocess.STDOUT, start_new_session=True)

        def answers():
            with contextlib.suppress(OSError):
                return self.ask(port, "GET", "/favicon.ico").status == 404
        try:
            if not wait_until(answers, 20, every=0.1):
                output.seek(0)
                self.fail(f"{' '.join(command)} does not answer: {output.read()}")
            yield port
        finally:
            process.terminate()
            try:
                process.wait(10 * PATIENCE)
            except subprocess.TimeoutExpired:
                os.killpg(process.pid, signal.SIGKILL)
                process.wait()
            output.close()

    def ask(self, port, method, path, body=None):
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30 * PATIENCE)
        with contextlib.closing(connection):
            sent = time.monotonic_ns()
            connection.request(method, path, body)
            response = connection.getresponse()
            return Reply(response, response.read(), sent)

    def burst(self, port, n, method, path, status=200, body=None):
        """So many requests at once; each reply has its stamps, in their order."""
        replies = [None] * n

        def one(i):
            replies[i] = self.ask(port, method, path, body)
        threads = [threading.Thread(target=one, args=(i,)) for i in range(n)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        for reply in replies:
            self.assertEqual(reply.status, status, reply.json)
            times = [reply.sent, reply.read, reply.started, reply.finished, reply.received]
            self.assertEqual(times, sorted(times), reply.stamps)
            self.assertGreater(int(reply.stamps["lab-worker"]), 1)
            self.assertLessEqual(len(reply.held), 30)
            for _, begin, end in reply.held:
                self.assertTrue(reply.read <= begin <= end <= reply.received, reply.stamps)
        return replies

    def test_a_blocking_handler_holds_the_loop_while_it_waits(self):
        for options in ((), ("--uvloop",), ("--gunicorn",)):
            with self.subTest(options), self.serving_export("blocking-async", "blocking-loop", *options, "--force") as port:
                replies = sorted(self.burst(port, 3, "POST", "/delay"), key=lambda reply: reply.started)
                for reply in replies:
                    self.assertGreaterEqual(reply.held_time("loop"), 99e6, reply.stamps)
                for before, after in zip(replies, replies[1:]):
                    self.assertGreaterEqual(after.started, before.finished)

    @measured
    def test_an_awaiting_handler_holds_nothing_while_it_waits(self):
        with self.serving_export("blocking-async", "async-loop", "--delay", "500ms") as port:
            for reply in self.burst(port, 3, "POST", "/delay"):
                self.assertGreaterEqual(reply.finished - reply.started, 499e6)
                with figures():
                    self.assertLess(reply.held_time("loop"), 400e6, reply.stamps)

    def test_a_def_holds_a_thread_of_the_pool(self):
        with self.serving_export("blocking-async", "thread-pool") as port:
            replies = self.burst(port, 3, "POST", "/delay")
            self.assertEqual(len({name for reply in replies for name, _, _ in reply.held}), 3)
            for reply in replies:
                self.assertGreaterEqual(reply.held_time("pool"), 99e6, reply.stamps)

    def test_workers_say_which_of_them_answered(self):
        with self.serving_export("worker-identity", "one") as port:  # gunicorn's sync worker: one at a time
            self.assertGreater(len({reply.stamps["lab-worker"] for reply in self.burst(port, 8, "POST", "/delay")}), 1)
        with self.serving_export("worker-state", "shared") as port:  # uvicorn's
            counts = [reply.json["count"] for reply in self.burst(port, 20, "POST", "/count")]
            self.assertEqual(sorted(counts), list(range(1, 21)))

    def test_a_job_is_done_after_its_id_was_given(self):
        for arm in ("one", "shared"):
            with self.subTest(arm), self.serving_export("task-queue", arm) as port:
                self.assertEqual(self.ask(port, "POST", "/predict", "{}").status, 422)
                ids = [reply.json["task_id"] for reply in self.burst(port, 4, "POST", "/predict", body=FEATURES)]
                self.assertEqual(len(set(ids)), 4)

                def all_done():
                    replies = [self.ask(port, "GET", f"/result/{task_id}") for task_id in ids]
                    return all(reply.json.get("status") == "done" for reply in replies)
                self.assertTrue(wait_until(all_done, 20, every=0.1))
                for unknown in ("123456", "none-of-ours"):  # an id is a text, as in the documents
                    self.assertEqual(self.ask(port, "GET", f"/result/{unknown}").status, 404)
                with self.serving("task-queue", "--scenario", "task-queue") as native:
                    _, _, text = self.http(native.port, "POST", "/predict", FEATURES)
                    path = f"/result/{json.loads(text)['task_id']}"
                    self.assertTrue(wait_until(lambda: "done" in self.http(native.port, "GET", path)[2], 20, every=0.1))
                    done = json.loads(self.http(native.port, "GET", path)[2])
                    self.assertEqual(self.http(native.port, "GET", "/result/none-of-ours")[0], 404)
                real = self.ask(port, "GET", f"/result/{ids[0]}").json
                self.assertEqual(real, {**done, "task_id": ids[0]})
                self.assertEqual(real["prediction"], 0.5)

    def test_the_documents_programs_reply_as_the_labs_own_servers_do(self):
        for name, (mode, _, keys, _) in PROGRAMS.items():
            arm = {"main-simple": "blocking-loop", "main-worker": "workers-4"}.get(name, mode)
            with self.subTest(name), self.serving_export(name, arm, "--delay", "250ms") as port, \
                    self.serving(mode, "--scenario", name, "--delay", "250ms") as native:
                real = self.ask(port, "POST", "/delay").json
                own = json.loads(self.http(native.port, "POST", "/delay")[2])
                self.assertEqual((list(real), list(own)), (keys, keys))
                self.assertEqual((real["message"], own["message"]), ("Response after 0.25 seconds delay",) * 2)
                for time_of_day in (real["start_time"], real["end_time"], own["start_time"], own["end_time"]):
                    self.assertRegex(time_of_day, r"^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\.\d{6}$")
                if name == "main-worker":
                    greetings = self.ask(port, "GET", "/").json, json.loads(self.http(native.port, "GET", "/")[2])
                    self.assertEqual([list(greeting) for greeting in greetings], [["message", "worker_id"]] * 2)
                    self.assertEqual([greeting["message"] for greeting in greetings], ["Hello World"] * 2)

    def test_main_worker_listens_where_the_documents_do(self):
        with contextlib.closing(socket.socket()) as probe:
            if probe.connect_ex(("127.0.0.1", 8005)) == 0:
                self.skipTest("port 8005 is taken")
        self.lab("export", "main-worker", "--to", "fastapi", "--dir", "theirs", "--delay", "50ms")
        commands = ([PYTHON, "main_worker.py"], [lab_program(), "serve", "--scenario", "main-worker", "--delay", "50ms", "--log"])
        for command in commands:
            with self.subTest(command), (self.work / "output").open("w+") as output:
                process = subprocess.Popen(command, cwd=self.work / "theirs", env=self.environment, stdout=output,
                                           stderr=subprocess.STDOUT, start_new_session=True)
                try:
                    def answers():
                        with contextlib.suppress(OSError):
                            return self.ask(8005, "GET", "/").status == 200
                    self.assertTrue(wait_until(answers, 20, every=0.1))
                    worker = self.ask(8005, "POST", "/delay").json["worker_id"]
                    self.assertNotEqual(worker, process.pid)
                    output.seek(0)
                    self.assertRegex(output.read(), rf"start POST /delay worker={worker}\b")
                finally:
                    process.terminate()
                    process.wait(20 * PATIENCE)

    @timed
    def test_an_upstream_is_awaited_or_holds_the_loop(self):
        upstream = ThreadingHTTPServer(("127.0.0.1", 0), Upstream)
        threading.Thread(target=upstream.serve_forever, daemon=True).start()
        self.addCleanup(upstream.server_close)
        self.addCleanup(upstream.shutdown)
        env = {"UPSTREAM": f"http://127.0.0.1:{upstream.server_port}"}
        for arm, resource in (("requests", "loop"), ("httpx", None), ("pool-4", "pool")):
            with self.subTest(arm), self.serving_export("sync-client", arm, "--delay", "500ms", env=env) as port:
                for reply in self.burst(port, 2, "GET", "/kept"):
                    self.assertGreaterEqual(reply.finished - reply.started, 499e6)
                    if resource is not None:
                        self.assertGreaterEqual(reply.held_time(resource), 499e6, reply.stamps)
                    else:
                        self.assertLess(reply.held_time("loop"), 450e6, reply.stamps)

    def test_the_reply_does_not_wait_for_what_comes_after_it(self):
        with self.serving_export("background-task", "async-loop", "--delay", "2s") as port:
            for reply in self.burst(port, 1, "POST", "/send-email"):
                self.assertLess(reply.received - reply.sent, 1.6e9)

    def test_a_message_of_a_websocket_is_answered(self):
        with self.serving_export("websocket", "async-loop") as port:
            with socket.create_connection(("127.0.0.1", port), timeout=20 * PATIENCE) as peer:
                key = base64.b64encode(b"0123456789abcdef").decode()
                peer.sendall(f"GET /ws HTTP/1.1\r\nHost: lab\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
                             f"Sec-WebSocket-Key: {key}\r\nSec-WebSocket-Version: 13\r\n\r\n".encode())
                received = b""
                while b"\r\n\r\n" not in received:
                    received += peer.recv(4096)
                self.assertIn(b" 101 ", received)
                peer.sendall(b"\x81\x82\0\0\0\0hi")  # a text of two letters, masked with zeros
                received = received.partition(b"\r\n\r\n")[2]
                while b"}" not in received:
                    received += peer.recv(4096)
                self.assertIn(b'"message"', received)

    def test_of_many_short_turns_the_nearest_are_reported_as_one(self):
        with self.serving_export("cpu-chunks", "async-loop") as port:
            for reply in self.burst(port, 2, "GET", "/chunks"):  # their hundred chunks alternate
                self.assertGreater(len(reply.held), 10)
                self.assertGreater(reply.held_time("loop"), 400e6)

    @measured
    def test_node_has_a_loop_too(self):
        with self.serving_export("blocking-async", "blocking-loop", to="node") as port:
            for reply in self.burst(port, 3, "POST", "/delay"):
                self.assertGreaterEqual(reply.held_time("loop"), 99e6, reply.stamps)
        with self.serving_export("blocking-async", "async-loop", "--delay", "500ms", to="node") as port:
            for reply in self.burst(port, 3, "POST", "/delay"):
                with figures():
                    self.assertLess(reply.held_time("loop"), 400e6, reply.stamps)


if __name__ == "__main__":
    unittest.main()
