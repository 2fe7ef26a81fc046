"""`lab serve MODE`: one server by itself, as curl, wrk and scripts use it."""
import contextlib
import json
import os
import signal
import socket
import subprocess
import threading
import time
import unittest

from labcase import FROZEN, MODES, PATIENCE, LabCase, descendants, wait_until


class Serve(LabCase):
    def test_says_where_it_listens_and_answers_in_every_mode(self):
        for mode in MODES:
            with self.subTest(mode), self.serving(mode) as server:
                self.assertEqual((server.mode, server.workers), (mode, 1))
                self.assertEqual(server.pid_said, server.pid)
                status, _, text = self.http(server.port, "GET", "/")
                self.assertEqual(status, 200)
                self.assertLessEqual({"message", "worker_id"}, json.loads(text).keys())
                began = time.monotonic()
                status, _, text = self.http(server.port, "POST", "/delay?ms=50")
                self.assertGreaterEqual(time.monotonic() - began, 0.05)
                self.assertEqual(status, 200)
                self.assertLessEqual({"message", "start_time", "end_time", "worker_id"}, json.loads(text).keys())
                self.check_front_page(server)
                self.assertEqual(self.http(server.port, "GET", "/delay?ms=1")[0], 200)
                self.assertEqual(self.http(server.port, "GET", "/cpu?ms=1")[0], 200)
                self.assertEqual(self.http(server.port, "GET", "/ping")[0], 200)
                self.assertEqual(self.http(server.port, "GET", "/nothing")[0], 404)
                status, headers, _ = self.http(server.port, "DELETE", "/ping")
                self.assertEqual((status, "GET" in (headers["Allow"] or "")), (405, True))
                self.assertEqual(self.http(server.port, "GET", "/delay?ms=x")[0], 400)
                server.send_signal(signal.SIGTERM)
                self.assertEqual(server.wait(10 * PATIENCE), 0)

    def check_front_page(self, server):
        """A browser gets a page at `/`, everybody else JSON, as before."""
        browser = {"Accept": "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"}
        status, fields, page = self.http(server.port, "GET", "/", headers=browser)
        self.assertEqual((status, fields["Content-Type"], fields["Vary"]), (200, "text/html; charset=utf-8", "Accept"))
        self.assertIn("default-src 'none'", fields["Content-Security-Policy"])
        self.assertIn('<a href="/delay?ms=100">', page)
        self.assertIn("at most six requests", page)
        status, head, nothing = self.http(server.port, "HEAD", "/", headers=browser)
        same = ("Content-Type", "Content-Length", "Content-Security-Policy", "Vary")
        self.assertEqual((status, [head[name] for name in same], nothing), (200, [fields[name] for name in same], ""))
        for accept in ("*/*", "application/json", "application/json, text/html", "text/html;q=0", "text/plain"):
            _, fields, text = self.http(server.port, "GET", "/", headers={"Accept": accept})
            self.assertEqual(fields["Content-Type"], "application/json", accept)
            self.assertIn("worker_id", json.loads(text), accept)
        self.assertEqual(self.http(server.port, "GET", "/ping", headers=browser)[1]["Content-Type"], "application/json")

    def test_its_routes_stand_on_stderr(self):
        for words, routes in ((["async-loop"], ["/delay?ms=100 waits", "/ping answers"]),
                              (["async-loop", "--scenario", "frozen-server"], ["GET /slow", "GET /ping"])):
            with self.serving(*words) as server:
                server.send_signal(signal.SIGTERM)
                _, err = server.communicate(timeout=10 * PATIENCE)
                for route in routes:
                    self.assertIn(route, err)

    def test_curl_agrees(self):
        with self.serving("blocking-loop", "--workers", "4") as server:
            self.assertEqual(server.workers, 4)
            ran = subprocess.run(["curl", "-sS", "-f", "-X", "POST", f"http://127.0.0.1:{server.port}/delay?ms=10"],
                                 capture_output=True, text=True, timeout=30)
            self.assertEqual(ran.returncode, 0, ran.stderr)
            self.assertIn("worker_id", json.loads(ran.stdout))

    def test_workers_take_connections_in_turn(self):
        with self.serving("blocking-loop", "--workers", "4") as server:
            ids = [json.loads(self.http(server.port, "GET", "/")[2])["worker_id"] for _ in range(8)]
            self.assertEqual(len(set(ids[:4])), 4, ids)
            self.assertEqual(ids[:4], ids[4:])

    def test_term_finishes_what_is_in_flight(self):
        for mode in MODES:
            with self.subTest(mode), self.serving(mode) as server:
                answers = []
                client = threading.Thread(target=lambda: answers.append(self.http(server.port, "GET", "/delay?ms=600")[0]))
                client.start()
                time.sleep(0.3)
                server.send_signal(signal.SIGTERM)
                client.join()
                self.assertEqual(answers, [200])
                self.assertEqual(server.wait(10 * PATIENCE), 0)

    def test_quit_finishes_what_is_in_flight_as_term_does(self):
        with self.serving("async-loop", "--workers", "2") as server:
            answers = self.asked_before(server, signal.SIGQUIT)
            self.assertEqual(answers, [200] * 8)
            self.assertEqual(server.wait(10 * PATIENCE), 0)

    def test_hup_finishes_what_is_in_flight_and_starts_other_workers(self):
        for words in (("async-loop",), ("thread-pool", "--workers", "2"), ("thread-per-request",)):
            with self.subTest(words), self.serving(*words) as server:
                before = set(descendants(server.pid))
                self.assertEqual(self.asked_before(server, signal.SIGHUP), [200] * 8)
                self.assertTrue(wait_until(lambda: not before & set(descendants(server.pid)), 5 * PATIENCE))
                for _ in range(4):
                    self.assertEqual(self.http(server.port, "GET", "/ping")[0], 200)
                server.send_signal(signal.SIGTERM)
                self.assertEqual(server.wait(10 * PATIENCE), 0)

    def test_a_websocket_that_never_pauses_stops_neither_others_nor_the_end(self):
        upgrade = (b"GET /ws HTTP/1.1\r\nHost: lab\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
                   b"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n")
        message = b"\x81\x81\0\0\0\x001"  # "1", with a mask of zeros
        with self.serving("async-loop", "--scenario", "websocket") as server, \
                socket.create_connection(("127.0.0.1", server.port)) as flood:
            flood.sendall(upgrade)
            self.assertIn(b" 101 ", flood.recv(4096))

            def send():
                with contextlib.suppress(OSError):
                    while True:
                        flood.sendall(message * 20_000)

            def receive():
                with contextlib.suppress(OSError):
                    while flood.recv(65536):
                        pass
            threads = [threading.Thread(target=work) for work in (send, receive)]
            for thread in threads:
                thread.start()
            time.sleep(0.3)
            for _ in range(3):
                self.assertEqual(self.http(server.port, "GET", "/ping")[0], 404)
            server.send_signal(signal.SIGTERM)
            self.assertEqual(server.wait(10 * PATIENCE), 0)
            for thread in threads:
                thread.join()

    def asked_before(self, server, number):
        """What eight clients are answered that have asked before that signal comes."""
        answers = []
        clients = [threading.Thread(target=lambda: answers.append(self.http(server.port, "GET", "/delay?ms=600")[0]))
                   for _ in range(8)]
        for client in clients:
            client.start()
        time.sleep(0.3)
        server.send_signal(number)
        for client in clients:
            client.join()
        return answers

    def test_an_address_that_others_reach_is_warned_of(self):
        process = self.start("serve", "async-loop", "--host", "0.0.0.0", "--port", "0")
        self.assertIn("listening on http://0.0.0.0:", process.stdout.readline())
        process.send_signal(signal.SIGTERM)
        self.assertIn("warning: with --host 0.0.0.0 everybody on the network", self.finish(process).err)

    def test_a_worker_that_somebody_stopped_is_replaced(self):
        with self.serving("async-loop", "--workers", "2") as server:
            victim = max(descendants(server.pid))
            os.kill(victim, signal.SIGSTOP)
            stopped = time.monotonic()
            self.assertTrue(wait_until(lambda: victim not in descendants(server.pid), 10 * PATIENCE))
            self.assertGreater(time.monotonic() - stopped, 1)
            for _ in range(4):
                self.assertEqual(self.http(server.port, "GET", "/ping")[0], 200)

    def test_a_worker_that_goes_on_in_time_is_kept(self):
        with self.serving("async-loop", "--workers", "2") as server:
            before = sorted(descendants(server.pid))
            os.kill(before[1], signal.SIGSTOP)
            time.sleep(0.5)
            os.kill(before[1], signal.SIGCONT)
            time.sleep(2.5)
            self.assertEqual(sorted(descendants(server.pid)), before)

    def test_ctrl_c_ends_it(self):
        ran = self.in_terminal("serve", "async-loop", "--port", "0", "--workers", "2", keys=b"\x03", within=20)
        self.assertEqual(ran.code, 0, ran)
        self.assertIn("listening on", ran.out)

    def test_a_killed_worker_is_replaced(self):
        with self.serving("async-loop", "--workers", "2") as server:
            before = set(descendants(server.pid))
            victim = max(before)
            os.kill(victim, signal.SIGKILL)
            replaced = wait_until(lambda: len(set(descendants(server.pid)) - {victim}) == len(before), 5)
            self.assertTrue(replaced, (before, descendants(server.pid)))
            for _ in range(4):
                self.assertEqual(self.http(server.port, "GET", "/")[0], 200)

    def test_serves_the_routes_of_a_scenario(self):
        file = self.work / "frozen-report.toml"
        file.write_text(FROZEN)
        with self.serving("async-loop", "--scenario", file) as server:
            self.assertEqual(self.http(server.port, "GET", "/ping")[0], 200)
            began = time.monotonic()
            self.assertEqual(self.http(server.port, "GET", "/slow")[0], 200)
            self.assertGreaterEqual(time.monotonic() - began, 1.0)

    def test_the_log_numbers_requests(self):
        for mode in MODES:
            with self.subTest(mode), self.serving(mode, "--log") as server:
                for headers in ({}, {"Lab-Request": "77"}, {}):
                    self.http(server.port, "GET", "/ping", headers=headers)
                server.send_signal(signal.SIGTERM)
                self.assertEqual(server.wait(10 * PATIENCE), 0)
                lines = [line.split() for line in server.stderr.read().splitlines() if " start " in line]
                self.assertEqual([words[-1] for words in lines], ["request=1", "request=77", "request=2"])

    def test_prints_exactly_one_line(self):
        with self.serving("thread-pool") as server:
            self.http(server.port, "GET", "/ping")
            server.send_signal(signal.SIGTERM)
            self.assertEqual(server.stdout.read(), "")


if __name__ == "__main__":
    unittest.main(verbosity=2)
