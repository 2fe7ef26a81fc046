"""A server through kills, stops, reloads and loads at random moments: nobody is left, and nothing grows.

Seconds here; an hour by hand: LAB_SOAK=3600 (and LAB_SOAK_SEED for the moments that a failure names).
"""
import contextlib
import os
import random
import signal
import socket
import threading
import time
import unittest
from pathlib import Path

from labcase import PATIENCE, LabCase, alone, descendants, timed, wait_until

SPAN = float(os.environ.get("LAB_SOAK", "8"))
SEED = int(os.environ.get("LAB_SOAK_SEED", "19"))
# What the second half of the time may have more than the first: an allocator's arena, a thread that has just begun.
MEMORY = 3 << 20  # bytes of the master and of its largest worker
DESCRIPTORS = 40  # of the master and of all its workers: connections that are open at that moment


def resident(pid):
    with contextlib.suppress(OSError):
        return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")
    return 0


def descriptors(pid):
    with contextlib.suppress(OSError):
        return len(os.listdir(f"/proc/{pid}/fd"))
    return 0


class Clients:
    """They connect, ask and go, some on connections that they keep, some in the middle of it."""

    def __init__(self, port, seed):
        self.port, self.seed, self.over = port, seed, threading.Event()
        self.answered = self.lost = 0
        self.strange = []
        self.threads = [threading.Thread(target=self.ask, args=(number,)) for number in range(4)]
        for thread in self.threads:
            thread.start()

    def ask(self, number):
        chance = random.Random(f"{self.seed} {number}")
        while not self.over.is_set():
            try:
                with socket.create_connection(("127.0.0.1", self.port), timeout=20) as connection:
                    for _ in range(chance.choice((1, 1, 1, 5))):
                        path = chance.choice(("/ping", "/delay?ms=20", "/cpu?ms=2", "/nothing"))
                        connection.sendall(f"GET {path} HTTP/1.1\r\nHost: lab\r\n\r\n".encode())
                        if chance.random() < 0.05:
                            break  # and never reads
                        reply = connection.recv(65536)
                        if not reply:
                            self.lost += 1
                            break
                        self.answered += 1
                        if not reply.startswith((b"HTTP/1.1 200", b"HTTP/1.1 404")):
                            self.strange.append(reply[:80])
            except ConnectionRefusedError:
                self.strange.append("refused")
            except OSError:
                self.lost += 1

    def end(self):
        self.over.set()
        for thread in self.threads:
            thread.join()


@alone
@timed
@unittest.skipIf(PATIENCE > 1, "a sanitizer keeps what was given back")
class Soak(LabCase):
    def soak(self, server, span, chance):
        """Does harm for so long; gives what was used twenty times a second: (bytes of the master, bytes of its largest worker, descriptors)."""
        used, end = [], time.monotonic() + span
        while time.monotonic() < end:
            children = descendants(server.pid)
            # Gentle enough to be no crash loop: more than five young deaths in ten seconds end a server, rightly.
            harm = chance.choice(("kill", "reload", "reload", "stop", "nothing", "nothing"))
            if children and harm in ("kill", "stop"):
                victim = chance.choice(children)
                with contextlib.suppress(ProcessLookupError):
                    os.kill(victim, signal.SIGKILL if harm == "kill" else signal.SIGSTOP)
                    if harm == "stop":
                        time.sleep(chance.uniform(0, 0.5))
                        os.kill(victim, signal.SIGCONT)
            elif harm == "reload":
                server.send_signal(signal.SIGHUP)
            until = time.monotonic() + (chance.uniform(0.3, 0.5) if harm != "kill" else chance.uniform(1.2, 2.2))
            while time.monotonic() < until:
                self.assertIsNone(server.poll(), f"the server ended: {server.stderr.read() if server.poll() is not None else ''}")
                family = [server.pid, *descendants(server.pid)]
                used.append((resident(server.pid), max((resident(pid) for pid in family[1:]), default=0),
                             sum(descriptors(pid) for pid in family)))
                time.sleep(0.05)
        return used

    def test_kills_stops_and_reloads_leave_nothing_behind(self):
        modes = ("async-loop", "thread-pool", "thread-per-request", "task-queue")
        with contextlib.ExitStack() as stack:
            chance = random.Random(SEED)
            for number, mode in enumerate(modes):
                server = stack.enter_context(self.serving(mode, "--workers", "2"))
                clients = Clients(server.port, SEED + number)
                stack.callback(clients.end)
                used = self.soak(server, SPAN / len(modes), chance)
                clients.end()
                where = f"{mode}, LAB_SOAK={SPAN:g} LAB_SOAK_SEED={SEED}"
                with self.subTest(where):
                    self.assertTrue(wait_until(lambda: len(descendants(server.pid)) == 2, 10), f"{where}: {descendants(server.pid)}")
                    self.assertEqual(clients.strange, [])
                    self.assertGreater(clients.answered, 10 * clients.lost)
                    half = len(used) // 2
                    for name, column, slack in (("the master's memory", 0, MEMORY), ("a worker's memory", 1, MEMORY),
                                                ("descriptors", 2, DESCRIPTORS)):
                        first, second = (max(row[column] for row in part) for part in (used[:half], used[half:]))
                        self.assertLessEqual(second, first + slack, f"{name}: {where}")
                server.send_signal(signal.SIGTERM)
                self.assertEqual(server.wait(10 * PATIENCE), 0)


if __name__ == "__main__":
    unittest.main(verbosity=2)
