"""What every end-to-end test needs: the real binary in an installation of its own, a clean environment, a terminal.

Each test has an empty HOME, results folder, working directory and folder for temporary files. A test fails when a process
that it started, however far down, is still there at its end, or a temporary file: processes carry a mark in their environment.
"""
import atexit
import contextlib
import fcntl
import functools
import http.client
import json
import os
import pty
import re
import select
import shutil
import signal
import socket
import struct
import subprocess
import tempfile
import termios
import time
import unicodedata
import unittest
import uuid
from pathlib import Path

ROOT = Path(os.environ.get("LAB_ROOT", Path(__file__).resolve().parents[2]))
BINARY = Path(os.environ.get("LAB", ROOT / "build/release/bin/lab"))
PAGE = BINARY.resolve().parents[1] / "page"  # the classroom page, where it was built
PAGE_BUILT = (PAGE / "web/index.html").exists()
PATIENCE = float(os.environ.get("LAB_PATIENCE", "1"))  # a sanitizer's build takes that much longer
MODES = ("blocking-loop", "async-loop", "thread-pool", "offload", "thread-per-request", "task-queue")
MARK = "LAB_TEST_MARK"
ESCAPE = "\x1b"
LISTENING = re.compile(r"^listening on http://127\.0\.0\.1:(\d+) mode=([a-z-]+) pid=(\d+) workers=(\d+)$")

# Two routes, each with an execution model of its own: one slow request beside ten pings.
FROZEN = '''
question = "One report sleeps 1 s. What do other users notice?"
params   = { d = "1s" }
[routes.slow]
request = "GET /slow"
steps   = [{ wait = "$d" }]
[routes.ping]
request = "GET /ping"
steps   = []
[[load]]
route = "slow"
arrivals = "burst"
requests = 1
[[load]]
route = "ping"
arrivals = "constant"
every = "100ms"
from  = "50ms"
until = "$d"
[[arms]]
id = "blocking"
mode = "blocking-loop"
documented = { "ping.latency.max" = "~1s" }
[[arms]]
id = "def-beside-async"
mode = { slow = "thread-pool", ping = "async-loop" }
[[checks]]
stat = "ping.latency.max"
arm = "blocking"
within = "15%"
'''


def counted(full):
    """How often something is tried: that often with LAB_FULL=1, which is run by hand, else a tenth of it."""
    return full if os.environ.get("LAB_FULL") else max(1, full // 10)


class Spoiled(AssertionError):
    """A figure is not what theory says, which may be the machine's doing."""


@contextlib.contextmanager
def figures():
    """Around assertions that a busy machine may spoil, and around those only: books, bounds, exit codes and orphans
    are never its doing."""
    if PART == "beside":
        raise RuntimeError("what holds figures is timed: decorate it with measured, or with timed where a helper is")
    try:
        yield
    except AssertionError as wrong:
        raise Spoiled(str(wrong)) from wrong


def timed(test):
    """Decorates a test or a class whose tests hold something against a clock and leave the cores idle most of the time: of
    the suite there is one other such program beside it, and nothing else."""
    test.part = "paired"
    return test


def alone(test):
    """Decorates one that needs the cores for itself: nothing else of the suite runs meanwhile. It stands above `measured`."""
    test.part = "alone"
    return test


def part_of(names, case):
    """Those of a class's tests that this program is to run."""
    def part(name):
        return getattr(getattr(case, name), "part", None) or getattr(case, "part", "beside")
    return [name for name in names if PART in (None, part(name))]


PART = os.environ.get("LAB_TEST_PART")  # `alone`, `paired` or `beside`; all where it is not set
_all_names = unittest.defaultTestLoader.getTestCaseNames
unittest.defaultTestLoader.getTestCaseNames = lambda case: part_of(_all_names(case), case)

PAUSE = 30  # seconds at most before the second attempt
_second_attempts = []
_door, _room = (open(file, "rb") for file in (__file__, BINARY))  # noqa: SIM115


def take_room(how):
    """Timed tests of two programs share a room, and a second attempt has it for itself. Who waits for it keeps the door, lest
    others go in before."""
    if PART != "paired":
        return
    fcntl.flock(_room, fcntl.LOCK_UN)
    fcntl.flock(_door, fcntl.LOCK_EX)
    fcntl.flock(_room, how)
    fcntl.flock(_door, fcntl.LOCK_UN)


def await_steady():
    """Until this machine wakes who sleeps in time for a moment, or PAUSE is over: others may have spoilt the first attempt, and a
    second one beside them tells no more. At which speed it computes is no criterion: a core that is half of one has two."""
    until = time.monotonic() + PAUSE
    while time.monotonic() < until:
        late = []
        for _ in range(200):
            began = time.perf_counter()
            time.sleep(0.002)
            late.append(time.perf_counter() - began - 0.002)
        if max(late) < 0.001:
            return


_took = []  # (seconds, test)


@atexit.register
def report_what_took_long():
    for seconds, name in _took:
        if seconds >= 1:
            print(f"{seconds:.2f} s: {name}", flush=True)


@atexit.register
def report_attempts():
    for name, why in _second_attempts:
        print(f"second attempt: {name}: {why}", flush=True)


def measured(test):
    """Decorates what asserts `figures`: a busy machine may spoil one attempt, so there are two, and the end of the output
    tells who needed both; more would hide what fails every other time. Whatever else fails, fails at once. (Not for a
    `subTest`, which swallows what fails.)"""
    @timed
    @functools.wraps(test)
    def attempts(case, *args):
        try:
            return test(case, *args)
        except Spoiled as wrong:
            _second_attempts.append((case.id(), str(wrong).strip().splitlines()[0][:200]))
        take_room(fcntl.LOCK_EX)
        await_steady()
        try:
            return test(case, *args)
        finally:
            take_room(fcntl.LOCK_SH)
    return attempts


def install():
    """A folder as `cmake --install` leaves it, removed at exit; so that no test writes into the checkout."""
    prefix = Path(tempfile.mkdtemp(prefix="lab-e2e-"))
    atexit.register(shutil.rmtree, prefix, ignore_errors=True)
    (prefix / "bin").mkdir()
    shutil.copy2(BINARY, prefix / "bin/lab")
    io_uring = BINARY.with_name("lab-io-uring")
    if io_uring.exists():
        shutil.copy2(io_uring, prefix / "bin")
    scenarios = prefix / "share/lab/scenarios"
    scenarios.mkdir(parents=True)
    for file in (ROOT / "scenarios").glob("*.toml"):
        shutil.copy2(file, scenarios)
    shutil.copy2(ROOT / "results/claims.toml", scenarios.parent)
    shutil.copytree(ROOT / "results/reference", scenarios.parent / "reference")
    return prefix / "bin/lab"


_installed = None


def lab_program():
    global _installed
    if _installed is None:
        _installed = install()
    return str(_installed)


class Ran:
    """A program that has ended: its exit code, what it wrote and how long it took."""

    def __init__(self, args, code, out, err, seconds):
        self.args, self.code, self.out, self.err, self.seconds = args, code, out, err, seconds

    def __str__(self):
        command = " ".join(self.args).encode("unicode_escape").decode()[:300]
        return f"$ lab {command}\nexit {self.code} after {self.seconds:.3f} s\n--- stdout\n{self.out[-3000:]}\n--- stderr\n{self.err[-3000:]}"


def cells(line):
    """Columns that a line takes on a terminal."""
    return sum(0 if unicodedata.combining(c) else 2 if unicodedata.east_asian_width(c) in "WF" else 1 for c in line)


def descendants(pid):
    """Pids of all live children, theirs included, parents first."""
    children = {}
    for file in Path("/proc").glob("[0-9]*/stat"):
        with contextlib.suppress(OSError):
            state, parent = file.read_text().rpartition(")")[2].split()[:2]
            if state != "Z":
                children.setdefault(int(parent), []).append(int(file.parent.name))
    found, look_at = [], [pid]
    while look_at:
        below = sorted(children.get(look_at.pop(0), []))
        found += below
        look_at += below
    return found


def wait_until(condition, seconds, every=0.01):
    """The condition's first true value, or its last one when the time is over."""
    end = time.monotonic() + seconds * PATIENCE
    while not (value := condition()) and time.monotonic() < end:
        time.sleep(every)
    return value


class LabCase(unittest.TestCase):
    maxDiff = None

    def setUp(self):
        take_room(fcntl.LOCK_SH)
        began = time.monotonic()
        self.addCleanup(lambda: _took.append((time.monotonic() - began, self.id().partition(".")[2])))
        folder = tempfile.TemporaryDirectory(prefix="lab-case-")
        self.addCleanup(folder.cleanup)
        self.folder = Path(folder.name)
        self.folder.chmod(0o711)  # started by root, PostgreSQL is somebody else
        self.work = self.folder / "work"
        self.work.mkdir()
        self.temporary = self.folder / "tmp"
        self.temporary.mkdir()
        self.was_killed = False
        self.runs = self.folder / "data/lab/runs"
        self.mark = uuid.uuid4().hex
        self.environment = {
            "PATH": os.environ["PATH"], "HOME": str(self.folder), "LANG": "C.UTF-8", "TERM": "xterm-256color",
            "XDG_DATA_HOME": str(self.folder / "data"), "XDG_CONFIG_HOME": str(self.folder / "config"),
            "TMPDIR": str(self.temporary), MARK: self.mark,
            **{key: value for key, value in os.environ.items() if key.endswith("SAN_OPTIONS")}}
        self.addCleanup(self.check_nothing_is_left)
        self.addCleanup(self.check_nothing_runs)

    # --- processes that are left over

    def running(self):
        """Pids of live processes that a test's command left, wherever they were adopted."""
        wanted, found = f"{MARK}={self.mark}".encode(), []
        for folder in Path("/proc").iterdir():
            if not folder.name.isdigit() or int(folder.name) == os.getpid():
                continue
            with contextlib.suppress(OSError):
                if wanted in (folder / "environ").read_bytes().split(b"\0"):
                    if folder.joinpath("stat").read_text().rpartition(")")[2].split()[0] != "Z":
                        found.append(int(folder.name))
        return found

    def check_nothing_runs(self):
        if wait_until(lambda: not self.running(), 2):
            return
        left = self.running()
        for pid in left:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        self.fail(f"processes left running: {left}")

    def check_nothing_is_left(self):
        """Of temporary files, but what a server said that failed, where no program was killed before it could tidy up."""
        if not self.was_killed:
            left = [path.name for path in self.temporary.iterdir() if not path.name.startswith("lab-server-")]
            self.assertEqual(left, [], "temporary files are left")

    # --- running the program

    def start(self, *args, env=None, cwd=None, stdin=subprocess.DEVNULL, **options):
        """The program in the background, with pipes; killed at the end of the test if it still runs."""
        process = subprocess.Popen([lab_program(), *map(str, args)], stdin=stdin, stdout=subprocess.PIPE,
                                   stderr=subprocess.PIPE, text=True, encoding="utf-8", errors="backslashreplace",
                                   cwd=cwd or self.work, env={**self.environment, **(env or {})}, **options)
        self.addCleanup(self.reap, process)
        process.began, process.words = time.monotonic(), [str(arg) for arg in args]
        return process

    def reap(self, process):
        if process.poll() is None:
            process.kill()
        self.was_killed |= process.wait() < 0
        process.stdout.close()
        process.stderr.close()

    def finish(self, process, within=60):
        try:
            out, err = process.communicate(timeout=within * PATIENCE)
        except subprocess.TimeoutExpired:
            for pid in (process.pid, *self.running()):  # a child that was left may hold the pipes
                with contextlib.suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)
            out, err = process.communicate()
            self.fail(f"still running after {within * PATIENCE:.0f} s\n"
                      f"{Ran(process.words, None, out, err, within * PATIENCE)}")
        return Ran(process.words, process.returncode, out, err, time.monotonic() - process.began)

    def lab(self, *args, code=0, within=60, **options):
        """Runs the program to its end and checks its exit code (None: any)."""
        ran = self.finish(self.start(*args, **options), within)
        self.assertNotIn("Sanitizer", ran.err, ran)
        if code is not None:
            self.assertEqual(ran.code, code, ran)
        return ran

    def lab_json(self, *args, code=0, **options):
        """Exactly one JSON document on standard output, and nothing else."""
        return json.loads(self.lab(*args, "--format", "json", code=code, **options).out)

    def in_terminal(self, *args, columns=80, rows=40, env=None, keys=b"", within=60):
        """Runs the program on a terminal of that size, sends `keys` once it has written something. Returns Ran, whose
        `out` is everything the terminal received."""
        began = time.monotonic()
        pid, master = pty.fork()
        if pid == 0:
            os.chdir(self.work)
            fcntl.ioctl(0, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))
            os.execve(lab_program(), ["lab", *map(str, args)], {**self.environment, **(env or {})})
        fcntl.ioctl(master, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))
        received = b""
        try:
            while time.monotonic() < began + within * PATIENCE:
                if not select.select([master], [], [], 0.1)[0]:
                    continue
                try:
                    data = os.read(master, 65536)
                except OSError:  # the last process on the terminal has closed it
                    break
                received += data
                if keys and b"\n" in received:
                    os.write(master, keys)
                    keys = b""
            else:
                os.kill(pid, signal.SIGKILL)
        finally:
            os.close(master)
        status = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
        return Ran([str(arg) for arg in args], status, received.decode("utf-8", "replace"), "", time.monotonic() - began)

    # --- servers

    @contextlib.contextmanager
    def serving(self, mode, *args, **options):
        """`lab serve MODE --port 0`; yields the process with .port, .pid_said and .workers."""
        process = self.start("serve", mode, "--port", "0", *args, **options)
        ready = select.select([process.stdout], [], [], 20 * PATIENCE)[0]
        line = process.stdout.readline().rstrip("\n") if ready else "silence"
        found = LISTENING.match(line)
        if not found:
            process.kill()
            self.fail(f"no line that says where it listens: {line!r}\n{process.communicate()[1]}")
        process.port, process.mode = int(found[1]), found[2]
        process.pid_said, process.workers = int(found[3]), int(found[4])
        try:
            yield process
        finally:
            if process.poll() is None:
                process.send_signal(signal.SIGTERM)
                with contextlib.suppress(subprocess.TimeoutExpired):
                    process.wait(10 * PATIENCE)

    def http(self, port, method, path, body=None, headers=None, host="127.0.0.1"):
        """One request on a connection of its own: (status, headers, text)."""
        connection = http.client.HTTPConnection(host, port, timeout=30 * PATIENCE)
        try:
            connection.request(method, path, body, headers or {})
            reply = connection.getresponse()
            return reply.status, reply.headers, reply.read().decode()
        finally:
            connection.close()

    def raw(self, port, data, half_close=False, within=10):
        """Sends bytes as they are and returns all that comes back until the server closes or falls silent."""
        received = b""
        with socket.create_connection(("127.0.0.1", port), timeout=within * PATIENCE) as connection:
            connection.sendall(data)
            if half_close:
                connection.shutdown(socket.SHUT_WR)
            with contextlib.suppress(TimeoutError, ConnectionResetError):
                while data := connection.recv(65536):
                    received += data
        return received

    def assert_obeys(self, document, name):
        """The JSON document against results/schema/NAME.schema.json."""
        import jsonschema
        schema = json.loads((ROOT / "results/schema" / f"{name}.schema.json").read_text(encoding="utf-8"))
        kind = jsonschema.validators.validator_for(schema)
        kind.check_schema(schema)
        self.assertEqual([problem.message for problem in kind(schema).iter_errors(document)], [])

    # --- what many tests assert

    def assert_one_line_reason(self, ran, code, *fragments):
        self.assertEqual(ran.code, code, ran)
        self.assertEqual(ran.out, "", ran)
        self.assertEqual(len(ran.err.strip().splitlines()), 1, ran)
        self.assertNotIn(ESCAPE, ran.err)
        for fragment in fragments:
            self.assertIn(fragment, ran.err, ran)

    def assert_books_balance(self, books):
        self.assertEqual(books["planned"], books["sent"] + books["unsent"], books)
        self.assertEqual(books["sent"], books["ok"] + sum(books["errors"].values()) + books["unfinished"], books)

    def assert_fits(self, text, columns):
        for line in text.splitlines():
            self.assertLessEqual(cells(line), columns, repr(line))
