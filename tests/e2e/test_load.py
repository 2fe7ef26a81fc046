"""lab load against servers whose every reply is scripted, so that every number of the report is known beforehand."""
import json
import os
import shutil
import signal
import socket
import subprocess
import threading
import time
import unittest
from pathlib import Path

from labcase import BINARY, PATIENCE, alone, descendants, figures, lab_program, measured
from loadcase import LoadCase, problems_of, reply

SLOW = 3 if PATIENCE > 1 else 1  # rates are lowered by that where a sanitizer makes everything slower


class Oracles(LoadCase):
    @measured
    def test_a_burst_on_a_server_that_answers_one_after_another_takes_1_2_3_steps(self):
        turn, lock = 0.1, threading.Lock()

        def one_by_one(_, connection):
            with lock:
                time.sleep(turn)
            connection.sendall(reply())
        expected = {"min": turn, "median": 5 * turn, "max": 10 * turn}  # nearest rank: the fifth of ten
        found = self.load(self.scripted(one_by_one).url(), "--arrivals", "burst", "-n", "10")
        latency = found["latency_s"]
        with figures():
            for stat, value in expected.items():
                self.assertAlmostEqual(latency[stat], value, delta=0.3 * turn, msg=stat)
        self.assertEqual([latency["p90"], latency["p95"], latency["p99"]], [None] * 3, "ten values carry none of them")
        self.assertEqual(found["books"], {"planned": 10, "unsent": 0, "sent": 10, "ok": 10, "errors": {}, "unfinished": 0,
                                          "not_sent": {}})

    def test_a_percentile_is_reported_from_29_59_and_299_replies_on(self):
        server = self.answers(reply())
        for n, told in ((28, []), (29, ["p90"]), (59, ["p90", "p95"]), (299, ["p90", "p95", "p99"])):
            latency = self.load(server.url(), "-n", str(n), "-c", "1")["latency_s"]
            self.assertEqual([key for key in ("p90", "p95", "p99") if latency[key] is not None], told, n)

    @measured
    def test_littles_law_holds_between_the_three_figures(self):
        def slow(_, connection):
            time.sleep(0.02)
            connection.sendall(reply())
        server = self.scripted(slow)
        found = self.load(server.url(), "-c", "8", "-n", "800", "--threshold", "mean<1h")
        # Each of the eight clients has a request under way all the time: L = lambda W, but for the last round.
        mean = found["thresholds"][0]["value"]
        with figures():
            self.assertAlmostEqual(found["requests_per_second"] * mean, 8, delta=0.02 * 8)

    @measured
    def test_a_frozen_server_is_in_the_corrected_latencies_and_not_in_the_uncorrected_ones(self):
        port, pid = self.serve()
        rate = 200 // SLOW
        running = self.start("load", f"http://127.0.0.1:{port}/ping", "--rate", str(rate), "--duration", "4s",
                             "--max-connections", "1", "-c", "1", "--format", "json", "--quiet")
        time.sleep(1.5)
        for number in (signal.SIGSTOP, signal.SIGCONT):
            for worker in descendants(pid):
                os.kill(worker, number)
            time.sleep(1 if number == signal.SIGSTOP else 0)
        found = json.loads(self.finish(running).out)
        self.check_books(found)
        os.kill(pid, signal.SIGTERM)
        self.assertGreater(found["latency_s"]["p90"], 0.4, "a quarter of the requests was due in the second of silence")
        with figures():
            self.assertLess(found["uncorrected_latency_s"]["p90"], 0.05, "only one request was under way in it")
        self.assertGreater(found["latency_s"]["max"], 0.95)
        self.assertGreater(found["waited_for_connection"], rate // 2)
        self.assertEqual(found["books"]["planned"], 4 * rate)

    def test_a_server_killed_in_mid_run_leaves_no_request_unaccounted_for(self):
        port, pid = self.serve()
        running = self.start("load", f"http://127.0.0.1:{port}/delay?ms=20", "--rate", "200", "--duration", "2s",
                             "--timeout", "1s", "--format", "json", "--quiet")
        time.sleep(1)
        os.kill(pid, signal.SIGKILL)
        ran = self.finish(running, within=10)
        found = json.loads(ran.out)
        self.check_books(found)
        self.assertEqual(ran.code, 1, ran)
        self.assertEqual(found["books"]["planned"], 400)
        self.assertGreater(found["books"]["ok"], 50)
        self.assertGreater(found["books"]["not_sent"].get("refused", 0), 50, "a refused connect is nothing sent")
        self.assertNotIn("refused", found["books"]["errors"])


class Loads(LoadCase):
    @measured
    def test_an_open_loop_sends_at_its_rate(self):
        server = self.answers(reply())
        for arrivals in ("constant", "staggered"):
            args = ["--duration", "1s"] if arrivals == "constant" else ["-n", "100"]
            found = self.load(server.url(), "--arrivals", arrivals, "--rate", "100", *args)
            self.assertEqual(found["books"]["planned"], 100)
            with figures():
                self.assertAlmostEqual(found["span_s"], 1, delta=0.2)
        found = self.load(server.url(), "--arrivals", "poisson", "--rate", "200", "--duration", "1s")
        self.assertAlmostEqual(found["books"]["planned"], 200, delta=60)
        again = self.load(server.url(), "--arrivals", "poisson", "--rate", "200", "--duration", "1s")
        self.assertEqual(found["books"]["planned"], again["books"]["planned"], "the same seed, the same arrivals")

    def test_a_ramp_sends_the_integral_of_its_rate(self):
        server = self.answers(reply())
        self.assertEqual(self.load(server.url(), "--rate", "0..200", "--duration", "1s")["books"]["planned"], 100)
        self.assertEqual(self.load(server.url(), "--rate", "100", "--ramp", "1s", "--duration", "2s")["books"]["planned"], 150)

    def test_weights_deal_requests_exactly(self):
        server = self.answers(reply())
        self.load("3@" + server.url("/a"), server.url("/b"), "-n", "40", "-c", "1")
        paths = [request.split()[1] for request in server.requests]
        self.assertEqual((paths.count("/a"), paths.count("/b")), (30, 10))

    def test_two_servers_share_a_load(self):
        one, other = self.answers(reply()), self.answers(reply())
        self.load(one.url(), other.url(), "-n", "20", "-c", "2")
        self.assertEqual((len(one.requests), len(other.requests)), (10, 10))

    def test_the_request_says_what_it_was_to_say(self):
        server = self.answers(reply())
        (self.work / "body.json").write_text('{"a": 1}')
        self.load(server.url("/x?y=1"), "-n", "1", "--body", "@body.json", "--header", "X-Key: v")
        head, _, body = server.requests[0].partition("\r\n\r\n")
        self.assertEqual(head.split("\r\n"), [
            "POST /x?y=1 HTTP/1.1", f"Host: 127.0.0.1:{server.port}", "X-Key: v", "Content-Type: application/json",
            "Content-Length: 8"])
        self.assertEqual(body, '{"a": 1}')

    def test_what_the_target_itself_takes_of_the_cores_is_no_noise(self):
        def computes(_, connection):
            end = time.thread_time() + 0.05
            while time.thread_time() < end:
                pass
            connection.sendall(reply())
        found = self.load(self.scripted(computes).url(), "-c", "2", "-n", "20")
        shares = {key: float(value) for key, value in found["environment"].items() if key == "others_share"}
        self.assertGreater(shares["others_share"], 0.15, "the server took less than would be noise")
        self.assertNotIn("others", found["environment"]["noise"])

    def test_fresh_connections_are_opened_for_every_request(self):
        server = self.answers(reply())
        found = self.load(server.url(), "-n", "12", "-c", "3", "--connections", "fresh")
        self.assertEqual((server.connections, found["connections_opened"]), (12, 12))

    def test_the_warm_up_is_sent_and_not_counted(self):
        server = self.answers(reply())
        found = self.load(server.url(), "-n", "10", "-c", "1", "--warmup", "200ms")
        self.assertEqual(found["books"]["planned"], 10)
        self.assertGreater(found["warm_up_requests"], 0)
        self.assertEqual(len(server.requests), 10 + found["warm_up_requests"])

    def test_several_threads_share_a_load(self):
        server = self.answers(reply())
        found = self.load(server.url(), "-n", "101", "-c", "5", "--threads", "2")
        self.assertEqual((found["books"]["ok"], found["threads"]), (101, 2))

    def test_thresholds_decide_the_exit_code(self):
        server = self.answers(reply())
        few, many = ["-n", "20", "-c", "2"], ["-n", "300", "-c", "2"]
        self.load(server.url(), *many, "--threshold", "p99<10s", "--threshold", "errors<1%")
        missed = self.load(server.url(), *many, "--threshold", "max<1ns", code=1)
        self.assertFalse(missed["thresholds"][0]["passed"])
        uncarried = self.load(server.url(), *few, "--threshold", "p99<10s", code=1)
        self.assertEqual(uncarried["thresholds"][0]["measured"], "20 replies are too few for this percentile; it needs 299")

    def test_every_format_is_spelled(self):
        server = self.answers(reply())
        text = self.lab("load", server.url(), "-n", "40", "--other-tools", "--ascii").out
        self.assertIn("planned 40 = sent 40 + unsent 0", text)
        self.assertIn("hey", text)
        self.assertLessEqual(max(map(len, text.splitlines())), 80)
        self.assertTrue(text.isascii())
        self.assertIn("books,ok,40,", self.lab("load", server.url(), "-n", "40", "--format", "csv").out)
        self.assertIn("| latency |", self.lab("load", server.url(), "-n", "40", "--format", "md").out)

    def test_help_offers_the_formats_that_there_are(self):
        told = self.lab("load", "--help").out
        self.assertNotIn("svg", told)
        self.assertIn("json", told)

    def test_a_terminal_gets_the_load_once(self):
        server = self.answers(reply())
        told = self.in_terminal("load", server.url(), "-n", "5", "-c", "1").out
        self.assertEqual(told.count("closed loop, 1 client"), 1, told)

    def test_progress_is_for_a_terminal_alone(self):
        server = self.answers(reply())
        self.assertIn("under way", self.in_terminal("load", server.url(), "--duration", "500ms", "-c", "1").out)
        self.assertNotIn("under way", self.lab("load", server.url(), "--duration", "500ms", "-c", "1").err)


@unittest.skipIf(PATIENCE > 1, "Open MPI leaks by the measure of the sanitizers")
@unittest.skipUnless(shutil.which("mpirun") and BINARY.with_name("lab_mpi.so").exists(), "built without Open MPI")
class Mpi(LoadCase):
    def setUp(self):
        super().setUp()
        plugin = BINARY.with_name("lab_mpi.so")
        shutil.copy2(plugin, Path(lab_program()).parent)
        self.environment.update(OMPI_ALLOW_RUN_AS_ROOT="1", OMPI_ALLOW_RUN_AS_ROOT_CONFIRM="1",
                                OMPI_MCA_btl="self,vader", OMPI_MCA_btl_vader_single_copy_mechanism="none")

    def mpirun(self, ranks, *args):
        return subprocess.run(["mpirun", "--oversubscribe", "-n", str(ranks), lab_program(), "load", *args],
                              capture_output=True, text=True, cwd=self.work, env=self.environment, timeout=60 * PATIENCE)

    @alone
    def test_ranks_share_a_load_and_one_of_them_reports_all(self):
        server = self.answers(reply())
        for args in (["-n", "101", "-c", "6"], ["--rate", "100", "--duration", "1s"], ["--arrivals", "burst", "-n", "9"]):
            ran = self.mpirun(2, server.url(), *args, "--format", "json", "--quiet")
            self.assertEqual(ran.returncode, 0, ran.stderr)
            found = json.loads(ran.stdout)
            self.assertEqual(problems_of(found), [])
            self.check_books(found)
            self.assertEqual((found["books"]["ok"], found["ranks"]), (int(args[1]) if args[0] != "--arrivals" else 9, 2))
            self.assertEqual(len(found["clocks"]["offset_s"]), 2)
            self.assertLess(abs(found["clocks"]["offset_s"][1]), 0.001, "one machine has one clock")
        self.assertEqual(len(server.requests), 101 + 100 + 9)

    def test_a_rank_that_cannot_begin_ends_them_all(self):
        with socket.create_server(("127.0.0.1", 0)) as unused:
            port = unused.getsockname()[1]
        ran = self.mpirun(2, f"http://127.0.0.1:{port}/", "-n", "10")
        self.assertEqual(ran.returncode, 3, ran.stderr)
        self.assertIn("nothing listens at", ran.stderr)


if __name__ == "__main__":
    unittest.main()
