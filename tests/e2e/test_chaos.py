"""What a dying disk, a full one, and limits that close in on a running lab do: no torn file, older results as they were, what
was recorded whole stays, one line says what happened, and no process is left."""
import json
import os
import random
import resource
import shutil
import signal
import subprocess
import time
import unittest

from labcase import LabCase, Ran, lab_program, wait_until

# Short repetitions with workers, and with a file in a temporary folder.
READING = '''question = "Is anything left of it?"
[routes.file]
request = "GET /file"
steps = [{ read = "100kB" }, { wait = "10ms" }]
[[load]]
route = "file"
arrivals = "burst"
requests = 5
[[arms]]
id = "one"
mode = "async-loop"
[[arms]]
id = "three"
mode = "thread-pool"
workers = 3
'''
SHORT = ("run", "blocking-async", "--arms", "async-loop", "--scale", "0.1", "--format", "json", "--save", "kept")


class Chaos(LabCase):
    def setUp(self):
        super().setUp()
        self.lab(*SHORT[:-1], "older", "--quick")
        self.before = (self.work / "older/run.jsonl").read_bytes()

    def records(self):
        """What there is of the run besides the older one: its folder, or what an unfinished run is called."""
        return [folder for folder in self.work.iterdir() if folder.name == "kept" or folder.name.startswith(".incomplete-")]

    def check_what_is_left(self, at_least=0):
        """Of the run nothing, or all repetitions that were recorded whole; of the older one all."""
        self.assertEqual((self.work / "older/run.jsonl").read_bytes(), self.before)
        self.assertLessEqual(len(self.records()), 1, self.records())
        for folder in self.records():
            ran = self.lab("report", folder, "--format", "csv")
            self.assertNotIn("damage", ran.err, ran)
            self.assertNotIn("torn", ran.err, ran)
        kept = [self.lab_json("report", folder)["arms"][0]["repetitions"] for folder in self.records()]
        self.assertGreaterEqual(sum(kept), at_least)
        self.assertEqual(self.running(), [])

    def remove_records(self):
        for folder in self.records():
            shutil.rmtree(folder)

    def assert_one_line(self, ran):
        said = [line for line in ran.err.splitlines() if line.startswith("lab: ")]
        self.assertEqual(len(said), 1, ran)
        return said[0]


class FailingCalls(Chaos):
    """Each system call on the record fails in turn, as strace makes it."""

    def run_with(self, call, error, nth):
        # With -D the lab keeps the shell's number, and that is in the record's temporary name: of all calls only those on
        # the record and on the folder above it are looked at.
        script = ('exec strace -D -qq -o /dev/null -e trace=$1 -e inject=$1:error=$2:when=$3 -P "$PWD" '
                  '-P "$PWD/.incomplete-kept-$$-1" -P "$PWD/.incomplete-kept-$$-1/run.jsonl" "${@:4}"')
        command = ["bash", "-c", script, "bash", call, error, str(nth), lab_program(), *SHORT, "--repeat", "2"]
        done = subprocess.run(command, cwd=self.work, env=self.environment, capture_output=True, text=True, timeout=60)
        if "ptrace" in done.stderr:
            self.skipTest("no process may be traced here: " + done.stderr.strip().splitlines()[0])
        return Ran(command[4:], done.returncode, done.stdout, done.stderr, 0)

    def fail_each(self, call, error, words):
        """Until a run makes fewer of these calls."""
        for nth in range(1, 20):
            ran = self.run_with(call, error, nth)
            self.assertTrue(wait_until(lambda: not self.running(), 2))
            if ran.code == 0:
                break
            self.assertEqual(ran.code, 3, ran)
            self.assertIn(words, self.assert_one_line(ran))
            self.check_what_is_left()
            self.remove_records()
            if ran.out:  # once it has begun nothing of the run itself is lost
                run = json.loads(ran.out)
                self.assertEqual((run["arms"][0]["books"]["ok"], run["path"] or ""), (20, ""), ran)
        self.assertEqual((ran.code, [folder.name for folder in self.records()]), (0, ["kept"]), ran)
        return nth - 1

    def test_a_full_disk_at_any_write(self):
        self.assertEqual(self.fail_each("write", "ENOSPC", "No space left"), 4)  # header, two repetitions, summary

    def test_a_bad_disk_at_any_write(self):
        self.assertEqual(self.fail_each("write", "EIO", "Input/output error"), 4)

    def test_a_bad_disk_at_any_sync(self):
        self.assertEqual(self.fail_each("fsync", "EIO", "Input/output error"), 3)  # the file, its folder, that above

    def test_a_name_that_cannot_be_given(self):
        self.assertEqual(self.fail_each("renameat2", "EROFS", "Read-only"), 1)

    def test_a_file_that_cannot_be_opened(self):
        self.assertGreaterEqual(self.fail_each("openat", "EMFILE", "Too many open files"), 3)

    def test_a_folder_that_cannot_be_made(self):
        self.assertEqual(self.fail_each("mkdir", "ENOSPC", "No space left"), 1)


class ClosingLimits(Chaos):
    """A run of many repetitions to which something is refused from some moment on."""

    def recorded(self):
        return sum(file.read_text().count('"type":"repetition"') for file in self.work.glob(".incomplete-*/run.jsonl"))

    def begin(self, repeat):
        process = self.start(*SHORT, "--repeat", repeat)
        self.assertTrue(wait_until(lambda: self.recorded() >= 2, 20, every=0.002), "two repetitions are on disk")
        return process

    def close_in(self, kind, limit, codes=(3,)):
        """What it says in the end."""
        process = self.begin(20)
        resource.prlimit(process.pid, kind, (limit(process.pid),) * 2)
        ran = self.finish(process, 30)
        self.assertIn(ran.code, codes, ran)
        self.check_what_is_left(at_least=2)
        self.remove_records()
        return self.assert_one_line(ran) if ran.code else ""

    def test_files_that_may_not_grow(self):
        process = self.begin(20)
        limit = max(file.stat().st_size for file in self.work.glob(".incomplete-*/run.jsonl"))
        resource.prlimit(process.pid, resource.RLIMIT_FSIZE, (limit, limit))
        ran = self.finish(process, 30)
        self.assertEqual(ran.code, 3, ran)
        self.assertIn("File too large", ran.err)
        self.check_what_is_left(at_least=2)

    def test_descriptors_that_run_out(self):
        for more in (0, 1, 3):
            with self.subTest(more):
                said = self.close_in(resource.RLIMIT_NOFILE, lambda pid, more=more: len(os.listdir(f"/proc/{pid}/fd")) + more)
                self.assertRegex(said, "descriptors|open files")

    def test_memory_that_runs_out(self):
        def size_of(pid):
            with open(f"/proc/{pid}/statm", encoding="ascii") as file:
                return int(file.read().split()[0]) * resource.getpagesize()
        self.assertIn("memory", self.close_in(resource.RLIMIT_AS, size_of))
        for more in range(200, 1001, 200):  # kilobytes: it runs out later, and elsewhere, or does not
            with self.subTest(more):
                said = self.close_in(resource.RLIMIT_AS, lambda pid, more=more: size_of(pid) + more * 1024, codes=(0, 3))
                self.assertRegex(said, "^$|memory")

    def test_a_disk_that_fills_up_in_mid_run(self):
        if os.geteuid() != 0:
            self.skipTest("only root may mount a small disk")
        mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=1m", "lab-test", self.work], capture_output=True, text=True)
        if mounted.returncode != 0:
            self.skipTest("no disk may be mounted here: " + mounted.stderr.strip())
        self.addCleanup(subprocess.run, ["umount", "-l", self.work], check=True)
        (self.work / "older").mkdir()
        (self.work / "older/run.jsonl").write_bytes(self.before)
        process = self.begin(20)
        with self.assertRaises(OSError), open(self.work / "somebody-else", "wb", buffering=0) as file:
            while True:
                file.write(bytes(1024))
        ran = self.finish(process, 30)
        self.assertEqual(ran.code, 3, ran)
        self.assertIn("No space left", self.assert_one_line(ran))
        self.assertEqual(json.loads(ran.out)["arms"][0]["books"]["ok"], 200)
        self.check_what_is_left(at_least=2)


class RandomMoments(LabCase):
    def check_partial_run(self, folder):
        """It can be reported, and says itself that it is not complete."""
        run = self.lab_json("report", folder)
        self.assertFalse(run["complete"])
        for arm in run["arms"]:
            if arm["not_run"] is None:
                self.assert_books_balance(arm["books"])

    def test_a_run_that_is_interrupted_at_any_moment_leaves_nothing_but_what_it_recorded(self):
        draw = random.Random(19)
        (self.work / "reading.toml").write_text(READING)
        command = ("run", "reading.toml", "--repeat", 100, "--save", "kept", "--quiet")
        ended = []
        for left in reversed(range(500 if os.environ.get("LAB_FULL") else 20)):
            # The last one is killed in its middle: each run removes what others left.
            number, moment = draw.choice((signal.SIGINT, signal.SIGTERM, signal.SIGKILL)), draw.uniform(0, 0.5)
            if left == 0:
                number, moment = signal.SIGKILL, 0.4
            process = self.start(*command)
            time.sleep(moment)
            sent = time.monotonic()
            process.send_signal(number)
            ran = self.finish(process, 10)
            gone = wait_until(lambda: not self.running(), 0.5, every=0.005)
            self.assertTrue(gone, f"processes outlive it: {ran}")
            self.assertLess(time.monotonic() - sent, 2, ran)
            # Until its handlers stand a signal ends it by itself.
            self.assertIn(ran.code, (-number, 128 + number), ran)
            for folder in self.work.glob("*kept*"):
                self.assertEqual(folder.name == "kept", ran.code > 0, "only what was killed keeps its temporary name")
                if any('"type":"repetition"' in file.read_text() for file in folder.glob("run.jsonl")):
                    self.check_partial_run(folder)
                    ended.append(number)
                shutil.rmtree(folder)
        self.assertEqual(set(ended), {signal.SIGINT, signal.SIGTERM, signal.SIGKILL}, "each came in the middle of some run")
        self.assertNotEqual(list(self.temporary.iterdir()), [], "those that were killed left their files")
        self.lab("run", "reading.toml", "--quick", "--no-save")
        self.assertEqual(list(self.temporary.iterdir()), [], "which the next one removes")


if __name__ == "__main__":
    unittest.main()
