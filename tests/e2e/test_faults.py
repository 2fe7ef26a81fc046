"""What the environment does to a run: it ends with its exit code, keeps what it had, and leaves no process."""
import contextlib
import json
import os
import pty
import resource
import select
import shutil
import signal
import socket
import time
import unittest
from pathlib import Path

from labcase import MODES, PATIENCE, LabCase, descendants, lab_program, wait_until

LONG = '''question = "Long enough to be disturbed?"
[routes.slow]
request = "GET /slow"
steps = [{ wait = "400ms" }]
[[load]]
route = "slow"
arrivals = "closed"
clients = 8
requests = 24
[[arms]]
id = "four"
mode = "async-loop"
workers = 4
'''


# A repetition of it takes some 12 MB.
MANY = '''question = "Many requests?"
[routes.ping]
request = "GET /ping"
steps = []
[[load]]
route = "ping"
arrivals = "closed"
clients = 20
requests = 30000
[[arms]]
id = "loop"
mode = "async-loop"
'''


def with_limit(kind, value):
    """For preexec_fn: this resource and no more of it."""
    return lambda: resource.setrlimit(kind, (value, value))


class Ports(LabCase):
    def test_a_port_in_use_is_named_in_every_mode(self):
        with socket.create_server(("127.0.0.1", 0)) as taken:
            port = taken.getsockname()[1]
            for mode in MODES:
                with self.subTest(mode):
                    ran = self.lab("serve", mode, "--port", port, code=None, within=10)
                    self.assert_one_line_reason(ran, 3, str(port))
                    self.assertLess(ran.seconds, 1 * PATIENCE)

    def test_two_servers_do_not_share_a_port(self):
        for mode in MODES:
            with self.subTest(mode), self.serving(mode) as first:
                self.assert_one_line_reason(self.lab("serve", mode, "--port", first.port, code=None), 3, str(first.port))


class Descriptors(LabCase):
    def test_too_few_for_the_load_is_said_before_the_start(self):
        ran = self.lab("run", "blocking-async", "--requests", 200, "--no-save", code=None, within=20,
                       preexec_fn=with_limit(resource.RLIMIT_NOFILE, 64))
        self.assertEqual((ran.code, len(ran.err.strip().splitlines())), (3, 1), ran)
        self.assertIn("64", ran.err)
        self.assertIn("ulimit -n", ran.err)

    def test_too_few_for_a_server_to_start(self):
        for limit in (4, 5, 6, 8, 10):
            with self.subTest(limit):
                # The leak check of a sanitizer's build wants descriptors of its own at the end.
                ran = self.lab("run", "blocking-async", "--quick", "--no-save", code=None, within=20,
                               env={"ASAN_OPTIONS": "exitcode=99:detect_leaks=0"},
                               preexec_fn=with_limit(resource.RLIMIT_NOFILE, limit))
                self.assertEqual(ran.code, 3, ran)


class ResultsFolder(LabCase):
    ARGS = ("run", "blocking-async", "--arms", "async-loop", "--scale", "0.1", "--quick", "--format", "json")

    def test_a_folder_that_cannot_be_made_is_named(self):
        (self.work / "file").touch()
        for place in ("file/run", "/proc/nothing/run"):
            with self.subTest(place):
                ran = self.lab(*self.ARGS, "--save", place, code=3)
                self.assertIn(place, ran.err)

    def test_older_results_stay_as_they_are(self):
        self.lab(*self.ARGS, "--save", "kept")
        before = (self.work / "kept/run.jsonl").read_bytes()
        self.lab(*self.ARGS, "--save", "kept", code=None)
        self.assertEqual((self.work / "kept/run.jsonl").read_bytes(), before)


class Interrupted(LabCase):
    # Many short repetitions, so that some have finished when the signal comes.
    ARGS = ("run", "blocking-async", "--arms", "async-loop", "--delay", "200ms", "--repeat", 200, "--save", "kept",
            "--format", "json")

    @staticmethod
    def has_kept_one(folder):
        return any('"type":"repetition","repetition":2' in file.read_text() for file in folder.glob(".incomplete-*/run.jsonl"))

    def interrupted_by(self, *numbers):
        process = self.start(*self.ARGS, start_new_session=True)
        self.assertTrue(wait_until(lambda: self.has_kept_one(self.work), 20), "a repetition is on disk")
        self.assertIsNone(process.poll(), "it is still running")
        sent = time.monotonic()
        for number in numbers:
            os.killpg(process.pid, number)
            time.sleep(0.003)
        ran = self.finish(process, 10)
        self.assertLess(time.monotonic() - sent, 2 * PATIENCE, ran)
        self.assertEqual(self.running(), [])
        return ran

    def check_partial_results(self, ran):
        for run in (json.loads(ran.out), self.lab_json("report", "kept")):
            self.assertFalse(run["complete"])
            arm = run["arms"][0]
            self.assertGreaterEqual(arm["repetitions"], 1)
            self.assertLess(arm["repetitions"], 200)
            self.assertEqual(len(arm["makespan_s"]["all"]), arm["repetitions"])
            self.assert_books_balance(arm["books"])
        self.assertIn("kept", [file.name for file in self.work.iterdir()])
        self.assertEqual(len(list(self.work.iterdir())), 1, "no temporary folder is left")

    def test_ctrl_c_keeps_finished_repetitions(self):
        ran = self.interrupted_by(signal.SIGINT)
        self.assertEqual(ran.code, 130, ran)
        self.check_partial_results(ran)

    def test_term_keeps_finished_repetitions(self):
        ran = self.interrupted_by(signal.SIGTERM)
        self.assertEqual(ran.code, 143, ran)
        self.check_partial_results(ran)

    def test_a_second_term_within_moments_as_timeout_sends_it_ends_no_sooner(self):
        ran = self.interrupted_by(signal.SIGTERM, signal.SIGTERM, signal.SIGCONT)
        self.assertEqual(ran.code, 143, ran)
        self.check_partial_results(ran)

    def test_quit_is_taken_as_term(self):
        ran = self.interrupted_by(signal.SIGQUIT)
        self.assertEqual(ran.code, 143, ran)
        self.check_partial_results(ran)

    def test_hup_is_taken_as_term_however_often_it_comes(self):
        ran = self.interrupted_by(signal.SIGHUP, signal.SIGCONT, signal.SIGHUP)
        self.assertEqual(ran.code, 143, ran)
        self.check_partial_results(ran)

    def test_a_terminal_that_closes_keeps_finished_repetitions_and_last_prefers_complete_runs(self):
        self.lab("run", "blocking-async", "--arms", "async-loop", "--quick", "--quiet")
        pid, master = pty.fork()
        if pid == 0:
            os.chdir(self.work)
            os.execve(lab_program(), ["lab", *map(str, self.ARGS[:-4])], self.environment)
        end = time.monotonic() + 20 * PATIENCE
        while not self.has_kept_one(self.runs) and time.monotonic() < end:
            if select.select([master], [], [], 0.01)[0]:  # read, lest it wait for its reader
                os.read(master, 65536)
        os.close(master)
        self.assertEqual(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]), 143)
        incomplete, complete = sorted(self.runs.iterdir(), reverse=True)
        self.assertFalse(incomplete.name.startswith("."), "it has its name")
        told = self.lab_json("report", incomplete.name)
        self.assertEqual((told["complete"], told["arms"][0]["repetitions"] > 0), (False, True))
        for words in (("report", "last"), ("report", "blocking-async"), ("compare", "last", "last")):
            ran = self.lab(*words, "--format", "json")
            self.assertIn(f"the newer {incomplete.name} is incomplete", ran.err)
        self.assertEqual(json.loads(self.lab("report", "last", "--format", "json").out)["path"], str(complete))
        shutil.rmtree(complete)
        ran = self.lab("report", "last", "--format", "json")
        self.assertIn("there is no complete one", ran.err)
        self.assertFalse(json.loads(ran.out)["complete"])

    def test_under_nohup_a_terminal_that_closes_is_nothing(self):
        process = self.start("run", "blocking-async", "--arms", "async-loop", "--repeat", 6, "--no-save", "--format", "json",
                             preexec_fn=lambda: signal.signal(signal.SIGHUP, signal.SIG_IGN))
        time.sleep(0.3 * PATIENCE)
        process.send_signal(signal.SIGHUP)
        ran = self.finish(process, 30)
        self.assertEqual((ran.code, json.loads(ran.out)["complete"]), (0, True), ran)

    def test_ctrl_c_before_the_first_repetition_ended(self):
        process = self.start("run", "blocking-async", "--arms", "blocking-loop", "--delay", "30s", "--no-save")
        self.assertTrue(wait_until(lambda: len(descendants(process.pid)) >= 2, 10))
        time.sleep(0.2)
        sent = time.monotonic()
        process.send_signal(signal.SIGINT)
        ran = self.finish(process, 10)
        self.assertEqual(ran.code, 130, ran)
        self.assertLess(time.monotonic() - sent, 2 * PATIENCE)

    def test_ctrl_c_on_a_terminal(self):
        ran = self.in_terminal("run", "blocking-async", "--arms", "async-loop", "--scale", "0.5", "--repeat", 500,
                               "--no-save", keys=b"\x03", within=30)
        self.assertEqual(ran.code, 130, ran)

    def test_a_reader_that_goes_away_is_no_crash(self):
        process = self.start("list")
        process.stdout.close()
        process.wait(10 * PATIENCE)
        self.assertNotEqual(process.returncode, -signal.SIGSEGV)
        self.assertNotEqual(process.returncode, -signal.SIGABRT)


@unittest.skipIf(PATIENCE > 1, "a sanitizer keeps what was given back")
class Memory(LabCase):
    def peak_of(self, *args):
        """Megabytes of the program itself; its servers are processes of their own, and smaller."""
        process = self.start(*args)
        _, status, used = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
        self.assertEqual(process.returncode, 0, process.stderr.read())
        return used.ru_maxrss / 1024

    def test_the_peak_does_not_grow_with_repetitions(self):
        (self.work / "many.toml").write_text(MANY)
        for words in (("run", "many.toml", "--quiet", "--save"), ("run", "many.toml", "--arrivals", "poisson", "--rate",
                      "30000", "--duration", "1s", "--quiet", "--save")):
            folders = [f"{len(words)}-{repeat}" for repeat in (1, 4)]
            once, often = (self.peak_of(*words, folder, "--repeat", folder[-1]) for folder in folders)
            # Three repetitions more would be 36 MB.
            self.assertLess(often, once + 20, words)
            once, often = (self.peak_of("report", folder) for folder in folders)
            self.assertLess(often, once + 20, words)


class Room(LabCase):
    @unittest.skipIf(PATIENCE > 1, "a sanitizer takes address space for itself")
    def test_a_run_that_memory_does_not_hold_is_refused_before_a_server_is_started(self):
        (self.work / "many.toml").write_text(MANY)
        process = self.start("run", "many.toml", "--requests", 1_000_000, "--quick", "--no-save",
                             preexec_fn=with_limit(resource.RLIMIT_AS, 500 << 20))
        self.assert_one_line_reason(self.finish(process, 20), 3, "lower --requests")


class Killed(LabCase):
    def orphans_after_kill(self, process, victim):
        os.kill(victim, signal.SIGKILL)
        killed = time.monotonic()
        if victim == process.pid:
            process.wait()
        gone = wait_until(lambda: not self.running(), 2, every=0.002)
        self.assertTrue(gone, "processes outlive lab")
        return time.monotonic() - killed

    def test_no_process_outlives_a_killed_run(self):
        process = self.start("run", "blocking-async", "--arms", "workers-4", "--delay", "20s", "--no-save")
        self.assertTrue(wait_until(lambda: len(descendants(process.pid)) >= 5, 10))
        self.assertLess(self.orphans_after_kill(process, process.pid), 0.1 * PATIENCE + 0.4)

    def test_no_worker_outlives_a_killed_server(self):
        for mode in MODES:
            with self.subTest(mode), self.serving(mode, "--workers", "3") as server:
                self.assertLess(self.orphans_after_kill(server, server.pid), 0.1 * PATIENCE + 0.4)

    def test_a_worker_that_is_killed_in_mid_run_is_in_the_books(self):
        (self.work / "long.toml").write_text(LONG)
        process = self.start("run", "long.toml", "--quick", "--no-save", "--format", "json")
        self.assertTrue(wait_until(lambda: len(descendants(process.pid)) >= 5, 10))
        time.sleep(0.6)
        with contextlib.suppress(ProcessLookupError):
            os.kill(max(descendants(process.pid)), signal.SIGKILL)
        ran = self.finish(process, 60)
        arm = json.loads(ran.out)["arms"][0]
        self.assert_books_balance(arm["books"])
        self.assertEqual(arm["books"]["planned"], 24)
        self.assertGreaterEqual(sum(arm["books"]["errors"].values()), 1, ran)
        self.assertGreaterEqual(arm["books"]["ok"], 8, ran)

    def test_workers_that_keep_dying_end_the_server_with_the_cause(self):
        with self.serving("async-loop") as server:
            end = time.monotonic() + 20 * PATIENCE
            while server.poll() is None and time.monotonic() < end:
                for child in descendants(server.pid):
                    # Workers alone: what a leak checker starts at the end must live.
                    with contextlib.suppress(OSError):
                        if Path(f"/proc/{child}/comm").read_text().startswith("lab-worker"):
                            os.kill(child, signal.SIGKILL)
                time.sleep(0.02)
            self.assertEqual(server.poll(), 1)
            self.assertNotEqual(server.stderr.read().strip(), "")


if __name__ == "__main__":
    unittest.main(verbosity=2)
