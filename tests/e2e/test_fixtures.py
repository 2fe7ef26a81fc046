"""What experiments need beside their servers: a database, an upstream, files, worker processes to kill."""
import contextlib
import signal
import time
import unittest
from pathlib import Path

from labcase import PATIENCE, LabCase, descendants, wait_until

FAST = ("--scale", "0.1", "--repeat", "1", "--no-save")


class Postgres(LabCase):
    @staticmethod
    def postgres_below(pid):
        for child in descendants(pid):
            with contextlib.suppress(OSError):
                if "postgres" in Path(f"/proc/{child}/cmdline").read_text(errors="replace"):
                    return True
        return False

    def test_without_one_the_arms_are_not_run_and_say_why(self):
        report = self.lab_json("run", "sync-driver", *FAST)
        self.assertEqual({arm["makespan_s"]["median"] for arm in report["arms"]}, {None})
        for arm in report["arms"]:
            self.assertIn("--postgres local", arm["not_run"])
        self.assertIn("not run: no PostgreSQL", self.lab("run", "sync-driver", *FAST).out)

    def test_a_run_goes_on_without_the_arms_that_need_it(self):
        report = self.lab_json("run", "sync-client", "sync-driver", *FAST)
        measured = [arm["makespan_s"]["median"] is not None for run in report["runs"] for arm in run["arms"]]
        self.assertIn(True, measured)
        self.assertIn(False, measured)

    def test_a_private_server_is_started(self):
        report = self.lab_json("run", "sync-driver", "--postgres", "local", *FAST)
        for arm in report["arms"]:
            self.assertIsNotNone(arm["makespan_s"]["median"], arm)
            self.assertEqual(arm["books"]["errors"], {})

    def test_an_interrupted_run_leaves_no_server(self):
        process = self.start("run", "sync-driver", "--postgres", "local", "--set", "d=2s", "--no-save")
        self.assertTrue(wait_until(lambda: self.postgres_below(process.pid), 10), "no PostgreSQL was started")
        process.send_signal(signal.SIGINT)
        self.assertEqual(self.finish(process, within=10).code, 130)

    def test_a_killed_run_leaves_no_process(self):
        process = self.start("run", "sync-driver", "--postgres", "local", "--set", "d=2s", "--no-save")
        self.assertTrue(wait_until(lambda: self.postgres_below(process.pid), 10), "no PostgreSQL was started")
        process.kill()
        process.wait()
        self.assertTrue(wait_until(lambda: not self.running(), 5), self.running())

    def test_one_that_does_not_answer_stops_the_run(self):
        ran = self.lab("run", "sync-driver", "--postgres", "host=/nowhere", *FAST, code=3)
        self.assert_one_line_reason(ran, 3, "--postgres", "/nowhere")


class Files(LabCase):
    def test_a_file_that_is_not_there_is_named_before_anything_is_started(self):
        scenario = self.work / "reader.toml"
        scenario.write_text('question = "?"\nroutes.r = { request = "GET /r", steps = [{ read = "/no/such/file" }] }\n'
                            '[[load]]\nroute = "r"\narrivals = "burst"\nrequests = 1\n'
                            '[[arms]]\nid = "a"\nmode = "async-loop"\n')
        self.assert_one_line_reason(self.lab("run", scenario, code=2), 2, "/no/such/file")

    def test_the_file_that_the_lab_makes_is_there_while_it_is_read(self):
        process = self.start("run", "file-read", *FAST)
        self.assertTrue(wait_until(lambda: list(self.temporary.iterdir()), 10), "no file was made")
        # 3: reading was faster than when it was calibrated, which is no matter here.
        self.assertIn(self.finish(process).code, (0, 3))


class Words(LabCase):
    def test_a_loop_is_shown_step_by_step(self):
        out = self.lab("run", "loop-cycle", "--quick", "--no-save", "--details").out
        for words in ("ready queue", "waiting list", "A awaits", "A is ready", "A goes on", "D yields"):
            self.assertIn(words, out)
        self.assertRegex(out, r"AWAIT what \w's await did, in four steps:\n +1 At .*\n +2 It is on the waiting list")
        self.assert_fits(out, 80)

    def test_a_request_is_shown_hop_by_hop_in_every_mode(self):
        out = self.lab("run", "request-path", "--quick", "--no-save", "--details").out
        self.assertRegex(out, r"PATH\s+median\s+accept\s+parse\s+route\s+handler\s+write\s+reply")
        self.assert_fits(out, 80)

    def test_predictions_report_the_loop_too(self):
        self.assertIn("A awaits", self.lab("predict", "loop-cycle", "--details").out)


class Killed(LabCase):
    def test_requests_of_a_killed_worker_are_reset_and_the_books_balance(self):
        report = self.lab_json("run", "worker-crash", "--scale", "0.5", "--quick", "--no-save")
        errors = [arm["books"]["errors"].get("reset", 0) for arm in report["arms"]]
        self.assertGreater(max(errors), 0)
        for arm in report["arms"]:
            self.assert_books_balance(arm["books"])

    def test_a_process_pool_and_a_shared_queue_die_with_the_program(self):
        for name in ("three-models", "task-queue", "sync-client", "switch-cost"):
            process = self.start("run", name, "--no-save", "--repeat", "99")
            self.assertTrue(wait_until(lambda: len(descendants(process.pid)) > 1, 10), f"{name} has no children")
            time.sleep(max(0.3, 0.1 * PATIENCE))
            self.assertIsNone(process.poll(), f"{name} ended by itself")
            process.kill()
            process.wait()
            self.assertTrue(wait_until(lambda: not self.running(), 5), f"{name}: {self.running()}")


if __name__ == "__main__":
    unittest.main()
