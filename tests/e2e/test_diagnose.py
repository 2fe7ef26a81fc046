"""lab diagnose: how a server executes, told from outside; and what it does about servers that fail."""
import contextlib
import http.server
import json
import signal
import socket
import sys
import threading
import time
import unittest

import jsonschema

from labcase import PATIENCE, ROOT, LabCase, alone, figures, measured, timed

sys.path.insert(0, str(ROOT / "tests/servers"))
import score  # noqa: E402
import servers  # noqa: E402

SCHEMA = json.loads((ROOT / "results/schema/diagnose.schema.json").read_text())
QUICK = ("--budget", f"{int(10 * PATIENCE)}s", "--max-concurrency", "16")


class Scripted(http.server.BaseHTTPRequestHandler):
    """Answers as its server's `answer` says, each connection in a thread of its own."""
    protocol_version = "HTTP/1.1"

    def do_GET(self):
        status = self.server.answer(self.path)
        self.send_response(status)
        self.send_header("Content-Length", "2")
        self.end_headers()
        with contextlib.suppress(OSError):
            self.wfile.write(b"ok")

    do_POST = do_GET

    def log_message(self, *_):
        pass


@contextlib.contextmanager
def scripted(answer):
    class Server(http.server.ThreadingHTTPServer):
        request_queue_size = 256
        daemon_threads = True
    with Server(("127.0.0.1", 0), Scripted) as server:
        server.answer = answer
        threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
        try:
            yield server.server_port
        finally:
            server.shutdown()


class Diagnose(LabCase):
    def diagnose(self, port, path, *args, code=0):
        return self.diagnose_url(f"http://127.0.0.1:{port}{path}", *args, code=code)

    def diagnose_url(self, url, *args, code=0):
        said = self.lab_json("diagnose", url, *args, code=code)
        jsonschema.validate(said, SCHEMA)
        books = said["requests"]
        self.assertEqual(books["sent"], books["ok"] + sum(books["errors"].values()) + books["unfinished"], books)
        return said

    def diagnose_server(self, name, *args, at_once=16, budget=QUICK[1]):
        """A server of tests/servers."""
        server = servers.named(name)
        if not server.is_here():
            self.skipTest(f"needs {', '.join(server.programs())}")
        with servers.Workshop("lab", self.environment) as workshop, workshop.running(server) as url:
            return self.diagnose_url(url + server.path, "--budget", budget, "--max-concurrency", str(at_once), *server.options, *args)

    @measured
    def assert_told(self, port, path, expected, *args):
        said = self.diagnose(port, path, *QUICK, *args)
        with figures():
            self.assertEqual({key: said[key] for key in expected}, expected, json.dumps(said, indent=1))
        return said


@timed
class Verdicts(Diagnose):
    def test_a_blocked_loop_is_serial_and_stops_a_build(self):
        with self.serving("blocking-loop") as server:
            said = self.assert_told(server.port, "/delay?ms=20", {"execution": "serial", "parallelism": 1,
                                                                  "bound_by": "waiting", "loop_blocked": True},
                                    "--ping", "/ping")
            self.assertGreaterEqual(said["process"]["processes"], server.workers)
            self.assertGreater(said["confidence"], 0.6)
            self.assertIn("lab run sync-driver", said["try"])
            url = f"http://127.0.0.1:{server.port}/delay?ms=20"
            ran = self.lab("diagnose", url, "--ping", "/ping", "--check", *QUICK[:2], "--max-concurrency", "4", code=None)
            self.assertEqual(ran.code, 1, ran)
            self.assertIn("SERIAL", ran.out)
            self.assertRegex(ran.out, r"makespan .* = \d+ ms × n, residual")
            self.assertRegex(ran.err, r"^will send at most \d+ requests, at most 4 at once")
            self.assert_fits(ran.out + ran.err, 80)

    def test_a_loop_that_awaits_is_concurrent(self):
        with self.serving("async-loop") as server:
            said = self.assert_told(server.port, "/delay?ms=30", {"execution": "concurrent", "loop_blocked": False,
                                                                  "parallelism": 16, "balanced": None},
                                    "--ping", f"http://127.0.0.1:{server.port}/ping", "--check")
            self.assertTrue(said["parallelism_is_at_least"])

    def test_a_pool_is_counted(self):
        with self.serving("thread-pool", "--threads", "5") as server:
            said = self.assert_told(server.port, "/delay?ms=30", {"execution": "pool", "parallelism": 5,
                                                                  "bound_by": "waiting", "loop_blocked": None})
            self.assertEqual(said["pairs"]["waited"], 0)

    def test_threads_that_hold_their_connections_are_a_pool(self):
        with self.serving("thread-per-request", "--threads", "4") as server:
            self.assert_told(server.port, "/delay?ms=30", {"execution": "pool", "parallelism": 4})

    def test_workers_are_distinguished_from_a_pool_by_their_connections(self):
        with self.serving("blocking-loop", "--workers", "3") as server:
            said = self.assert_told(server.port, "/delay?ms=30", {"execution": "workers", "parallelism": 3,
                                                                  "balanced": True})
            self.assertGreater(said["pairs"]["waited"], 0)
            self.assertGreater(said["pairs"]["tried"], said["pairs"]["waited"])

    @alone
    def test_computing_is_distinguished_from_waiting(self):
        with self.serving("async-loop") as server:
            self.assert_told(server.port, "/cpu?ms=20", {"execution": "serial", "bound_by": "cpu"})

    def test_a_backlog_that_overflows_is_reported_and_not_taken_for_workers(self):
        said = self.diagnose_server("http.server")
        self.assertRegex(" ".join(said["unsure"]), r"its backlog overflowed at \d+")
        with figures():
            self.assertEqual((said["execution"], said["parallelism"]), ("serial", 1), said)


@timed
class Servers(Diagnose):
    """Some of tests/servers; score.py asks all of them, and is run by hand."""

    @measured
    def assert_right(self, name):
        server = servers.named(name)
        said = self.diagnose_server(name, "--ping", server.ping, at_once=4, budget=f"{int(2 * PATIENCE)}s")
        with figures():
            self.assertEqual(score.mistakes(server.expected, said, 0), ([], False), json.dumps(said, indent=1))

    def test_one_behind_a_unix_socket(self):
        self.assert_right("asyncio at a Unix socket blocks")

    def test_a_load_behind_a_unix_socket(self):
        with servers.Workshop("lab", self.environment) as workshop, workshop.running(servers.named("asyncio at a Unix socket blocks")) as url:
            load = self.lab_json("load", url + "/ping", "-n", "20", "--quiet")
        self.assertEqual(load["books"]["ok"], 20)

    def test_one_behind_tls(self):
        self.assert_right("asyncio over TLS waits")

    def test_a_mistake_is_found_and_what_is_left_open_is_no_mistake(self):
        said = {"execution": "serial", "parallelism": 1, "bound_by": "waiting", "loop_blocked": True, "limit": None,
                "service_s": 0.05, "ahead_s": None, "evidence": [{"at_once": 8, "makespan_s": 0.4}]}
        expected = {"execution": "serial", "parallelism": 1, "loop_blocked": True}
        self.assertEqual(score.mistakes(expected, said, 5), ([], False))
        found, left_open = score.mistakes({**expected, "execution": "workers"}, said, 5)
        self.assertEqual((found, left_open), (["execution serial"], False))
        self.assertEqual(score.mistakes(expected, {**said, "execution": "unknown", "parallelism": None}, 5)[1], True)
        self.assertEqual(score.mistakes(expected, said, 21)[0], ["21 s"])
        found, left_open = score.mistakes(expected, {**said, "service_s": 0.07}, 5)
        self.assertRegex(found[0], "^refuted: at 8 at least 0.560 s, measured 0.400")
        self.assertEqual(score.mistakes(expected, {**said, "limit": {"kind": "rate"}}, 5)[0], ["limit {'kind': 'rate'}"])


class Limits(Diagnose):
    """What refuses, delays or holds up some of the requests."""

    @measured
    def test_the_ninth_gets_503(self):
        said = self.diagnose_server("node, 503 beyond 8")
        with figures():
            self.assertEqual(said["limit"], {"kind": "in_flight", "in_flight": 8, "per_second": None, "status": 503})
            self.assertEqual((said["execution"], said["parallelism"]), ("concurrent", 8))
            self.assertIn("8 in flight, the 9th gets 503", said["says"])
            self.assertNotIn("failed", " ".join(said["unsure"]))

    @measured
    def test_a_part_that_blocks_the_loop_is_the_verdict(self):
        said = self.diagnose_server("node waits 90 ms, blocks 10", "--ping", "/ping")
        with figures():
            self.assertEqual((said["execution"], said["loop_blocked"]), ("concurrent", True), said)
            self.assertAlmostEqual(said["serial_part_s"], 0.011, delta=0.003)
            self.assertIn("runs one at a time and blocks the event loop", said["says"])
            self.assertNotIn("nothing to improve", said["advice"])

    @measured
    def test_a_loop_is_spoken_to_in_its_own_language(self):
        said = self.diagnose_server("node blocks", "--ping", "/ping", at_once=4)
        self.assertNotIn("def", said["advice"].split())
        with figures():
            self.assertEqual(said["execution"], "serial", said)
            self.assertIn("asynchronous call", said["advice"])

    @measured
    def test_kept_connections_that_wait_for_an_acknowledgement_are_named(self):
        with scripted(lambda _: time.sleep(0.02) or 200) as port:  # header and body are two writes, as Python sends them
            said = self.diagnose(port, "/", *QUICK)
        with figures():
            self.assertEqual(said["execution"], "concurrent", said)
            self.assertAlmostEqual(said["kept_lag_s"], 0.041, delta=0.008)
            self.assertIn("TCP_NODELAY", " ".join(said["notes"]))

    @measured
    def test_watch_finds_a_pause(self):
        began = time.monotonic()

        def answer(path):
            if path == "/ping" and 2 < (time.monotonic() - began) % 3:
                time.sleep(3 - (time.monotonic() - began) % 3)
            return time.sleep(0.005) or 200
        with scripted(answer) as port:
            said = self.diagnose(port, "/", "--budget", "1s", "--max-concurrency", "4", "--ping", "/ping", "--watch", "4s")
        with figures():
            self.assertGreaterEqual(len(said["pauses"]), 1, said)
            self.assertAlmostEqual(said["pauses"][0]["length_s"], 1, delta=0.2)


class Faults(Diagnose):
    def test_nothing_listens(self):
        ran = self.lab("diagnose", f"http://127.0.0.1:{servers.free_port()}/", code=3)
        self.assert_one_line_reason(ran, 3, "nothing listens", "start the server first")

    def test_a_failing_route_is_named_and_never_a_verdict(self):
        for status in (404, 503, 302):
            with scripted(lambda _: status) as port:
                ran = self.lab("diagnose", f"http://127.0.0.1:{port}/", code=None)
                self.assert_one_line_reason(ran, 3, f"status {status}")

    def test_a_check_that_cannot_decide_never_passes(self):
        with scripted(lambda path: 404 if path == "/nosuch" else time.sleep(0.02) or 200) as port:
            ran = self.lab("diagnose", f"http://127.0.0.1:{port}/", "--ping", "/nosuch", "--check", "--quiet", *QUICK, code=3)
            self.assertIn("--ping /nosuch answered with status 404", ran.err)
            self.assertNotIn("without --ping", ran.out)
            ran = self.lab("diagnose", f"http://127.0.0.1:{port}/", "--ping", "/x", "--check", "--quiet", "--budget", "45ms",
                           "--max-concurrency", "4", code=3)
            self.assertIn("--check cannot decide", ran.err)

    def test_a_server_that_refuses_the_second_of_two_is_unknown(self):
        busy = threading.Semaphore(1)

        def answer(_):
            if not busy.acquire(blocking=False):
                return 503
            time.sleep(0.03)
            busy.release()
            return 200
        with scripted(answer) as port:
            said = self.diagnose(port, "/", *QUICK)
            self.assertEqual(said["execution"], "unknown", said)
            self.assertGreater(said["requests"]["errors"]["status_503"], 0)
            self.assertIn("failed", said["reason"])

    def test_a_unix_socket_that_is_not_there(self):
        ran = self.lab("diagnose", f"unix:{self.folder}/socket:/x", code=3)
        self.assert_one_line_reason(ran, 3, "nothing listens", "/socket")

    def test_a_certificate_that_nobody_trusts_is_said(self):
        server = servers.named("asyncio over TLS waits")
        with servers.Workshop("lab", self.environment) as workshop, workshop.running(server) as url:
            ran = self.lab("diagnose", url + server.path, code=3)
        self.assert_one_line_reason(ran, 3, "self-signed certificate", "--insecure")

    def test_no_reply_is_a_timeout(self):
        with scripted(lambda _: time.sleep(2) or 200) as port:
            ran = self.lab("diagnose", f"http://127.0.0.1:{port}/", "--timeout", "200ms", code=3)
            self.assert_one_line_reason(ran, 3, "no reply within 200 ms", "--timeout")

    @measured
    def test_too_slow_for_the_budget_is_unknown(self):
        with scripted(lambda _: time.sleep(1) or 200) as port:
            said = self.diagnose(port, "/", "--budget", "2500ms", "--ping", "/x")
            self.assertEqual(said["execution"], "unknown", said)
            self.assertIn("too slow", said["reason"])
            with figures():
                self.assertLess(said["spent_s"], 3.5 * PATIENCE)

    def test_ctrl_c_ends_it(self):
        with self.serving("blocking-loop") as server:
            process = self.start("diagnose", f"http://127.0.0.1:{server.port}/delay?ms=300", "--format", "json")
            process.stderr.readline()
            process.send_signal(signal.SIGINT)
            ran = self.finish(process, within=10)
            self.assertEqual(ran.code, 130, ran)
            said = json.loads(ran.out)
            jsonschema.validate(said, SCHEMA)
            self.assertFalse(said["complete"])
            self.assertEqual(said["execution"], "unknown")


class Usage(Diagnose):
    def test_bad_options_are_named(self):
        local = "http://127.0.0.1:9/"
        for args, fragment in ((("ftp://x/",), "http"),
                               (("https://127.0.0.1/", "--cacert", "/nowhere"), "/nowhere"),
                               (("https://127.0.0.1/", "--cacert", "x", "--insecure"), "exclude each other"),
                               ((local, "--check"), "--ping"),
                               ((local, "--ping", "http://127.0.0.1:10/"), "another server"),
                               ((local, "--header", "no colon"), "--header"),
                               ((local, "--header", "Content-Length: 3"), "content-length"),
                               ((local, "--method", "G T"), "--method"),
                               ((local, "--body", "@/nowhere"), "/nowhere"),
                               ((local, "--timeout", "5"), "--timeout"),
                               ((local, "--budget", "0s"), "--budget"),
                               ((local, "--watch", "2h"), "--watch"),
                               (("http+unix://%2Frun%2Fapp.sock/",), "write unix:/run/app.sock:/path"),
                               (("http://user:pw@127.0.0.1/",), "names a user"),
                               ((local, "--max-concurrency", "3"), "--max-concurrency"),
                               ((local, "--format", "csv"), "text, json or sarif")):
            self.assert_one_line_reason(self.lab("diagnose", *args, code=None), 2, fragment)

    def test_localhost_is_also_the_loopback_of_ipv6(self):
        class Six(http.server.ThreadingHTTPServer):
            address_family = socket.AF_INET6
        try:
            server = Six(("::1", 0), Scripted)
        except OSError:
            self.skipTest("no IPv6 here")
        with server:
            server.answer = lambda _: time.sleep(0.005) or 200
            threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
            url = f"http://localhost:{server.server_port}/"
            self.lab("diagnose", url, "--budget", "1s", "--max-concurrency", "4", "--quiet")
            self.lab("load", url, "-n", "5", "--quiet")
            server.shutdown()

    def test_strangers_servers_are_left_alone(self):
        ran = self.lab("diagnose", "http://192.0.2.1/", code=None)
        self.assert_one_line_reason(ran, 2, "--i-own-this-server")

    def test_method_body_and_headers_arrive(self):
        got = []

        class Keep(Scripted):
            def do_PUT(self):
                size = int(self.headers["Content-Length"])
                got.append((self.path, self.headers["X-Token"], self.headers["Host"], self.rfile.read(size)))
                self.server.answer(self.path)
                self.do_GET()
        file = self.folder / "body"
        file.write_bytes(b"\x00\xffbody")
        with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Keep) as server:
            server.answer = lambda _: time.sleep(0.005) or 200
            threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
            self.diagnose(server.server_port, "/a?b=c", "--method", "PUT", "--header", "X-Token: 1", "--body", f"@{file}",
                          "--max-concurrency", "4", "--budget", "2s")
            server.shutdown()
        self.assertEqual(set(got), {("/a?b=c", "1", f"127.0.0.1:{server.server_port}", b"\x00\xffbody")})


if __name__ == "__main__":
    unittest.main()
