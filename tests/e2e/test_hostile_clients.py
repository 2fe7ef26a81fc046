"""Clients that mean no good, by the hundreds: heads and bodies that come byte by byte, replies that nobody reads. What the
lab answers to malformed requests: lab/servers/http_cases.txt."""
import contextlib
import os
import resource
import select
import socket
import threading
import time
import unittest
from pathlib import Path

from labcase import MODES, PATIENCE, LabCase, counted, descendants, figures, measured, wait_until

SCENARIO = '''
question = "Who waits for slow clients?"
[routes.ping]
request = "GET /ping"
steps   = []
[routes.upload]
request  = "POST /upload"
deadline = "1s"
steps    = []
[[load]]
route    = "ping"
arrivals = "burst"
requests = 1
[[arms]]
id   = "loop"
mode = "async-loop"
'''
CHAT = '''
[routes.chat]
request = "WS /chat"
steps   = []
'''
PING = b"GET /ping HTTP/1.1\r\nHost: lab\r\n\r\n"
HEAD = b"GET /ping HTTP/1.1\r\nHost: lab\r\nX: "
BODY = b"POST /upload HTTP/1.1\r\nHost: lab\r\nContent-Length: 1000000\r\n\r\n"
CHUNKED = b"POST /upload HTTP/1.1\r\nHost: lab\r\nTransfer-Encoding: chunked\r\n\r\n"
UPGRADE = (b"GET /chat HTTP/1.1\r\nHost: lab\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
           b"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n")
MESSAGE = b"\x81\x81\0\0\0\x001"  # "1", with a mask of zeros
FULL = bool(os.environ.get("LAB_FULL"))
HEADER_DEADLINE, WRITE_DEADLINE, SLACK = 10, 30, 1
LIMIT = 2_000_000  # bytes of memory that a hostile connection may cost


def resident(pid):
    """Bytes of memory that this process has."""
    return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")


def descriptors(pid):
    return len(os.listdir(f"/proc/{pid}/fd"))


def works(pid):
    """Whether it computes at this time."""
    def ticks():
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[11:13]
    before = ticks()
    time.sleep(0.2)
    return ticks() != before


class Slow:
    """Connections that begin with these bytes and send one more of them now and then."""

    def __init__(self, port, count, begin):
        self.began = time.monotonic()
        self.open = {}
        self.ended = []  # after so many seconds, each
        for _ in range(count):
            connection = socket.socket()
            for buffer in (socket.SO_SNDBUF, socket.SO_RCVBUF):  # a client's own would take megabytes
                connection.setsockopt(socket.SOL_SOCKET, buffer, 8192)
            connection.connect(("127.0.0.1", port))
            connection.setblocking(False)
            connection.send(begin)
            self.open[connection.fileno()] = connection

    def drip(self):
        poll = select.poll()
        for connection in self.open:
            poll.register(connection, select.POLLIN)
        for connection, _ in poll.poll(0):
            self.ended.append(time.monotonic() - self.began)
            self.open.pop(connection).close()
        for connection in self.open.values():
            with contextlib.suppress(OSError):
                connection.send(b"x")

    def close(self):
        for connection in self.open.values():
            connection.close()


class Unread(Slow):
    """Connections that ask as fast as the server takes it, and read nothing."""

    def __init__(self, port, count):
        super().__init__(port, count, PING)
        self.sent = dict.fromkeys(self.open, 0)

    def drip(self):
        """Whether any of them got something across."""
        before = dict(self.sent)
        for key, connection in list(self.open.items()):
            try:
                self.sent[key] += connection.send((PING * 1000)[self.sent[key] % len(PING):])
            except BlockingIOError:
                continue
            except ConnectionError:
                self.ended.append(time.monotonic() - self.began)
                self.open.pop(key).close()
        return before != self.sent


def fill(connection, data, once=False):
    """Sends it, again and again, and reads nothing, until the other side takes no more."""
    connection.setblocking(False)
    writable = select.poll()
    writable.register(connection, select.POLLOUT)
    sent = 0
    with contextlib.suppress(ConnectionError):
        while not (once and sent == len(data)) and writable.poll(50):
            with contextlib.suppress(BlockingIOError):
                sent += connection.send(data[sent % len(data):])


class Hostile(LabCase):
    def setUp(self):
        super().setUp()
        hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
        resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
        self.file = self.work / "slow.toml"
        self.file.write_text(SCENARIO + CHAT)

    @measured
    def test_a_live_client_notices_nothing_of_slow_ones_and_they_are_gone_in_time(self):
        count = counted(1000)
        with self.serving("async-loop", "--scenario", self.file) as server, contextlib.ExitStack() as cleanup:
            worker = max(descendants(server.pid))
            before = descriptors(worker)
            unread = Unread(server.port, count if FULL else 20)
            while unread.drip() or works(worker):  # what was asked so far is answered: from now on they are only slow
                pass
            unread.began = time.monotonic()
            slow = [Slow(server.port, count, HEAD), Slow(server.port, count, BODY), unread]
            for each in slow:
                cleanup.callback(each.close)
            over = threading.Event()

            def drip():
                while not over.wait(0.2):
                    for each in slow:
                        each.drip()
            dripping = threading.Thread(target=drip)
            dripping.start()
            try:
                found = self.lab_json("load", f"http://127.0.0.1:{server.port}/ping", "-c", "10", "--rate", "200",
                                      "--duration", "2s", "--quiet")
                if FULL:
                    left = unread.began + WRITE_DEADLINE + SLACK - time.monotonic()
                    wait_until(lambda: descriptors(worker) <= before, left / PATIENCE, every=0.1)
                    took = time.monotonic() - unread.began
            finally:
                over.set()
                dripping.join()
            print(f"live p99 {found['latency_s']['p99'] * 1000:.2f} ms beside slow heads, bodies and reads; of {count} each so "
                  f"many ended, the last after s: {[(len(each.ended), round(max(each.ended, default=0), 2)) for each in slow]}",
                  flush=True)
            self.assertEqual((found["books"]["ok"], len(slow[1].ended)), (400, count))
            with figures():
                self.assertLess(found["latency_s"]["p99"], 0.05)
                self.assertLess(max(slow[1].ended), 1 + SLACK)
                if FULL:
                    print(f"the last after {took:.1f} s", flush=True)
                    self.assertEqual((descriptors(worker), len(slow[0].ended)), (before, count))
                    self.assertLess(max(slow[0].ended), HEADER_DEADLINE + SLACK)

    def test_no_connection_costs_the_server_much_memory(self):
        """Some of each kind at a time, on a server of their own."""
        count = counted(100)
        part = b"\xfe\xff\xfe\0\0\0\0" + b"a" * 65534  # of a message that goes on
        kinds = {"head": HEAD + b"a" * 8000, "fields": PING[:-2] + b"X: y\r\n" * 99, "body": BODY + b"x" * 999_999,
                 "chunks": CHUNKED + b"1;a=b\r\nx\r\n" * 9000, "extension": CHUNKED + b"5;" + b"a" * 1000,
                 "trailers": CHUNKED + b"0\r\nX: " + b"a" * 8000, "replies": PING * 1000,
                 "message": UPGRADE + b"\x01" + part + (b"\0" + part) * 14,
                 "two messages": UPGRADE + b"\x01" + part + (b"\0" + part) * 13 + b"\x80" + part +
                                 b"\x01" + part + (b"\0" + part) * 14, "messages": UPGRADE + MESSAGE * 10_000}
        for mode in MODES if FULL else ("async-loop", "thread-per-request"):
            sizes = {}
            self.file.write_text(SCENARIO if mode == "thread-per-request" else SCENARIO + CHAT)
            for kind, data in kinds.items():
                if mode == "thread-per-request" and data.startswith(UPGRADE):
                    continue
                with self.serving(mode, "--scenario", self.file) as server, contextlib.ExitStack() as cleanup:
                    worker = max(descendants(server.pid))
                    self.assertEqual(self.http(server.port, "GET", "/ping")[0], 200)
                    before = resident(worker)
                    for _ in range(count):
                        connection = cleanup.enter_context(socket.create_connection(("127.0.0.1", server.port)))
                        connection.sendall(data[:len(UPGRADE)])
                        if data.startswith(UPGRADE):
                            self.assertIn(b" 101 ", connection.recv(1000))
                        fill(connection, data[len(UPGRADE):], once=kind not in ("replies", "messages"))
                    self.assertEqual(self.http(server.port, "GET", "/ping")[0], 200)
                    sizes[kind] = (resident(worker) - before) // count
            print(f"{mode}: bytes of memory by hostile connection: {sizes}", flush=True)
            self.assertLess(max(sizes.values()), LIMIT, mode)


if __name__ == "__main__":
    unittest.main(verbosity=2)
