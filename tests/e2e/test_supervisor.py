"""What the master of a server does about its workers: hung ones are replaced, reloads are not noticed, and a run says so."""
import contextlib
import json
import os
import signal
import socket
import threading
import time
import unittest
from pathlib import Path

from labcase import PATIENCE, LabCase, counted, descendants, figures, measured, wait_until

# A pipe that nobody writes to stands where a file was: open(2) does not return, and the step never ends.
READS = '''question = "Who notices a handler that never comes back?"
[routes.read]
request = "GET /read"
steps = [{{ read = "{file}" }}]
[routes.ping]
request = "GET /ping"
steps = []
[[load]]
route = "ping"
arrivals = "constant"
every = "20ms"
requests = 150
connections = "fresh"
[[load]]
route = "read"
arrivals = "burst"
requests = 1
from = "800ms"
[[arms]]
id = "two"
mode = "async-loop"
workers = 2
'''

POLICIES = '''question = "Who takes a connection?"
[routes.ping]
request = "GET /ping"
steps = []
[[load]]
route = "ping"
arrivals = "burst"
requests = 1
'''


def workers_of(master):
    """The pids of a server's workers, by their slot."""
    found = {}
    for pid in descendants(master):
        with contextlib.suppress(OSError):
            name = Path(f"/proc/{pid}/comm").read_text().strip()
            if name.startswith("lab-worker-"):
                found[int(name.removeprefix("lab-worker-"))] = pid
    return found


class Supervisor(LabCase):
    def reading_scenario(self):
        """A scenario whose handler reads a file, and that file."""
        file, scenario = self.work / "rows.csv", self.work / "reads.toml"
        file.write_text("1,2,3\n" * 100)
        scenario.write_text(READS.format(file=file))
        return scenario, file

    @staticmethod
    def replace_by_pipe(file):
        pipe = file.with_suffix(".pipe")
        os.mkfifo(pipe)
        pipe.rename(file)


class Hung(Supervisor):
    def test_a_worker_whose_handler_never_comes_back_is_replaced_in_every_kind_of_server(self):
        scenario, file = self.reading_scenario()
        with contextlib.ExitStack() as stack:
            modes = ("async-loop", "thread-pool", "thread-per-request", "task-queue")
            servers = [stack.enter_context(self.serving(mode, "--scenario", scenario, "--workers", "2")) for mode in modes]
            before = [workers_of(server.pid) for server in servers]
            self.replace_by_pipe(file)
            hung = [stack.enter_context(socket.create_connection(("127.0.0.1", server.port))) for server in servers]
            for client in hung:
                client.sendall(b"GET /read HTTP/1.1\r\nHost: lab\r\n\r\n")
            began = time.monotonic()
            for server, mode, were in zip(servers, modes, before, strict=True):
                with self.subTest(mode):
                    gone = wait_until(lambda: set(were.values()) - set(workers_of(server.pid).values()), 20)
                    self.assertEqual(len(gone), 1, (were, workers_of(server.pid)))
                    self.assertGreater(time.monotonic() - began, 1)
            file.unlink()
            file.write_text("4,5,6\n" * 100)
            for server in servers:
                self.assertTrue(wait_until(lambda: len(workers_of(server.pid)) == 2, 5))
                for _ in range(4):
                    self.assertEqual(self.http(server.port, "GET", "/read")[0], 200)

    def test_a_loop_that_is_blocked_on_purpose_is_not_hung(self):
        with self.serving("blocking-loop") as server:
            before = workers_of(server.pid)
            self.assertEqual(self.http(server.port, "GET", "/delay?ms=1400")[0], 200)
            self.assertEqual(workers_of(server.pid), before)

    def test_a_run_says_which_workers_died_and_hung(self):
        scenario, file = self.reading_scenario()
        process = self.start("run", scenario, "--quick", "--format", "json")
        self.assertTrue(wait_until(lambda: len(workers_of(process.pid)) == 2, 10))
        self.replace_by_pipe(file)
        time.sleep(0.5 * PATIENCE)
        os.kill(workers_of(process.pid)[1], signal.SIGUSR1)
        ran = self.finish(process, 40)
        report = json.loads(ran.out)
        self.assert_obeys(report, "run")
        killed, hung = report["arms"][0]["worker_deaths"]
        self.assertEqual((killed["worker"], killed["signal"], killed["hung_s"]), (1, signal.SIGUSR1, None))
        self.assertGreater(hung["hung_s"], 1)
        for death in killed, hung:
            self.assertLess(death["back_after_s"], 1)
        (finding,) = [one["text"] for one in report["arms"][0]["findings"] if one["id"] == "LAB116"]
        self.assertIn(f"by signal {signal.SIGUSR1:d}", finding)
        self.assertIn("since it had hung for", finding)
        self.assert_books_balance(report["arms"][0]["books"])
        file.unlink()
        file.write_text("4,5,6\n" * 100)
        # The record holds it, and each picture of the lanes shows it.
        again = self.lab_json("report", "last")
        self.assertEqual(again["arms"][0]["worker_deaths"], report["arms"][0]["worker_deaths"])
        self.assertRegex(self.lab("report", "last").out, r"(?m)^ *died +X")
        for format in "svg", "html":
            picture = self.lab("report", "last", "--format", format).out
            self.assertEqual(picture.count('class="death"/>'), 2, format)
        self.assertIn("worker 1 at", self.lab("report", "last", "--format", "md").out)


class Reload(Supervisor):
    def reload_often(self, *words):
        """What two clients met who connected all the time, through ten HUPs."""
        met, over = [], threading.Event()

        def connect(server):
            while not over.is_set():
                try:
                    met.append(self.http(server.port, "GET", "/ping")[0])
                except OSError as problem:
                    met.append(repr(problem))

        with self.serving(*words) as server:
            before = set(workers_of(server.pid).values())
            clients = [threading.Thread(target=connect, args=(server,)) for _ in range(2)]
            for client in clients:
                client.start()
            for _ in range(10):
                server.send_signal(signal.SIGHUP)
                time.sleep(0.08)
            self.assertTrue(wait_until(lambda: not before & set(descendants(server.pid)), 10), "the first workers are still there")
            over.set()
            for client in clients:
                client.join()
        return met

    def test_ten_reloads_refuse_and_lose_nobody(self):
        (self.work / "policies.toml").write_text(POLICIES + "".join(
            f'[[arms]]\nid = "{accept}"\nmode = "async-loop"\nworkers = 2\naccept = "{accept}"\n'
            for accept in ("reuseport", "greedy")))
        for words in (("async-loop", "--workers", "2"), ("thread-per-request",), ("task-queue",),
                      ("async-loop", "--scenario", "policies.toml", "--arm", "reuseport"),
                      ("async-loop", "--scenario", "policies.toml", "--arm", "greedy")):
            with self.subTest(words):
                met = self.reload_often(*words)
                self.assertEqual({answer for answer in met if answer != 200}, set())
                self.assertGreater(len(met), 50)

    def test_a_slow_request_is_finished_while_the_next_worker_serves(self):
        with self.serving("async-loop", "--workers", "2") as server:
            answers = []
            client = threading.Thread(target=lambda: answers.append(self.http(server.port, "GET", "/delay?ms=1200")[0]))
            client.start()
            time.sleep(0.3)
            server.send_signal(signal.SIGHUP)
            for _ in range(6):
                self.assertEqual(self.http(server.port, "GET", "/ping")[0], 200)
            self.assertEqual(answers, [], "nobody waited for the slow one")
            client.join()
            self.assertEqual(answers, [200])

    def test_workers_of_a_shared_queue_are_reloaded_and_lose_no_job(self):
        (self.work / "jobs.toml").write_text(
            'question = "?"\n[routes.put]\nrequest = "POST /put"\nsteps = [{ wait = "100ms" }]\n[routes.get]\n'
            'request = "GET /result/{id}"\nsteps = [{ result = "jobs" }]\n[queues.jobs]\nworkers = 1\nscope = "shared"\n'
            '[[load]]\nroute = "put"\narrivals = "burst"\nrequests = 1\n'
            '[[arms]]\nid = "queue"\nmode = "task-queue"\nworkers = 2\n')
        with self.serving("task-queue", "--scenario", "jobs.toml") as server:
            ids = [json.loads(self.http(server.port, "POST", "/put")[2])["task_id"] for _ in range(6)]
            before = set(descendants(server.pid))
            server.send_signal(signal.SIGHUP)
            for task in ids:
                done = wait_until(lambda: '"done"' in self.http(server.port, "GET", f"/result/{task}")[2], 10, 0.05)
                self.assertTrue(done, self.http(server.port, "GET", f"/result/{task}"))
            self.assertTrue(wait_until(lambda: not before & set(descendants(server.pid)), 10))


class Respawn(Supervisor):
    WORKERS = 8

    @measured
    def test_a_killed_worker_is_back_within_milliseconds_and_no_request_is_missing_in_the_books(self):
        kills, repetitions = min(50, counted(200)), max(1, counted(200) // 50)
        # Each worker lives for more than a second between two of its deaths: younger ones end a server, rightly.
        every = 150
        text = (f'question = "How soon is a worker back?"\n[routes.work]\nrequest = "GET /work"\nsteps = [{{ wait = "5ms" }}]\n'
                f'[[load]]\nroute = "work"\narrivals = "constant"\nevery = "3ms"\nconnections = "fresh"\n'
                f'requests = {(1500 + every * kills) // 3}\n'
                f'[[arms]]\nid = "many"\nmode = "async-loop"\nworkers = {self.WORKERS}\n')
        for number in range(kills):
            text += f'[[kill]]\nworker = {number % self.WORKERS}\nat = "{1100 + every * number}ms"\n'
        (self.work / "kills.toml").write_text(text)
        report = self.lab_json("run", "kills.toml", "--repeat", repetitions, "--save", "kills", within=120)
        books = report["arms"][0]["books"]
        self.assert_books_balance(books)
        lines = [json.loads(line) for line in (self.work / "kills/run.jsonl").read_text().splitlines()]
        took = []
        for repetition in (line for line in lines if line["type"] == "repetition"):
            killed = [repetition["began_ns"] + kill["at_ns"] for kill in repetition["killed"]]
            back = [at for at, kind, *_ in repetition["supervision"] if kind == "serving"]
            self.assertEqual((len(killed), len(back)), (kills, kills))
            took += [(serving - death) / 1e6 for death, serving in zip(killed, back, strict=True)]
        took.sort()
        print(f"{len(took)} kills: back after {took[len(took) // 2]:.1f} ms, 95 % within {took[len(took) * 95 // 100]:.1f} ms; "
              f"{books['planned']} requests, errors {books['errors']}, not sent {books.get('not_sent')}")
        with figures():
            self.assertLessEqual(took[len(took) * 95 // 100], 10 * PATIENCE)


class GivenUp(Supervisor):
    def test_a_run_whose_workers_keep_dying_ends_with_the_cause(self):
        scenario, _ = self.reading_scenario()
        scenario.write_text(scenario.read_text().replace("requests = 150", "requests = 30").replace("800ms", "100ms"))
        process = self.start("run", scenario, "--repeat", 3, "--save", "run")
        self.assertTrue(wait_until(lambda: workers_of(process.pid), 10))
        time.sleep(0.1 * PATIENCE)  # its load has begun
        end = time.monotonic() + 20 * PATIENCE
        while process.poll() is None and time.monotonic() < end:
            for pid in workers_of(process.pid).values():
                with contextlib.suppress(OSError):
                    os.kill(pid, signal.SIGKILL)
            time.sleep(0.02)
        ran = self.finish(process, 20)
        self.assertEqual(ran.code, 1, ran)
        self.assertIn("the last of too many, so the server gave up", ran.err)
        report = self.lab_json("report", "run")
        self.assertFalse(report["complete"])
        self.assertIn("gave up", report["complete_reason"])
        self.assertTrue(report["arms"][0]["worker_deaths"][-1]["gave_up"])


if __name__ == "__main__":
    unittest.main(verbosity=2)
