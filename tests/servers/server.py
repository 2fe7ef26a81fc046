"""A server of which /work does what its steps say, one after the other, and /ping answers at once.

usage: server.py MODEL ADDRESS STEP…
MODEL: loop (asyncio), one (http.server), each (a thread for each connection) or a number of threads.
ADDRESS: a port, ::1:PORT, tls:PORT (cert.pem and key.pem are here) or unix:PATH.
STEP, times in milliseconds, the same in every language here:
  wait=50         nothing else waits meanwhile
  block=50        holds its thread, in a loop all others
  burn=30         computes
  lock=10         one at a time
  pool=5:60       five at a time
  refuse=8:503    the ninth that is in flight gets this status
  rate=10:429     beyond ten a second, and a bucket of 20, the same
  delay=20        twenty a second; the others are delayed
  sometimes=10:200  ten of a hundred hold their thread so long and are done
  seldom=10:200   ten of a hundred take so much longer, and nobody else
  warm=300        the first one takes so much longer
  cache=300:1000  so long, where nobody asked for it in that time (0: ever) before
  close=0         the connection, after the reply
"""
import asyncio
import contextlib
import http.server
import queue
import random
import ssl
import sys
import threading
import time


class Steps:
    """`gate` makes what lets in so many: a semaphore of asyncio or of threads."""

    def __init__(self, texts, gate):
        self.steps = [(name, *(float(each) for each in values.split(":"))) for name, values in (text.split("=") for text in texts)]
        self.gates = [gate(1 if step[0] == "lock" else int(step[1])) if step[0] in ("lock", "pool") else None for step in self.steps]
        self.in_flight, self.asked, self.due, self.fresh = 0, 0, 0.0, 0.0
        self.tokens, self.filled = 20.0, time.monotonic()
        self.closes = any(step[0] == "close" for step in self.steps)

    def refuses(self, name, most):
        if name == "refuse":
            return self.in_flight > most
        now = time.monotonic()
        self.tokens = min(20, self.tokens + most * (now - self.filled))
        self.filled = now
        has_one = self.tokens >= 1
        self.tokens -= has_one
        return not has_one

    def run(self):
        """Yields what a request waits for, a call or seconds, and at last its status."""
        self.in_flight += 1
        self.asked += 1
        first = self.asked == 1
        try:
            for (name, value, *more), gate in zip(self.steps, self.gates):
                span = value / 1000
                if name == "wait" or (name == "warm" and first):
                    yield span
                elif name == "block":
                    time.sleep(span)
                elif name == "burn":
                    end = time.thread_time() + span
                    while time.thread_time() < end:
                        pass
                elif gate:
                    yield gate.acquire
                    yield (more[0] if more else value) / 1000
                    yield gate.release
                elif name in ("refuse", "rate") and self.refuses(name, value):
                    yield int(more[0])
                    return
                elif name == "delay":
                    self.due = max(self.due + 1 / value, time.monotonic())
                    yield self.due - time.monotonic()
                elif name == "sometimes" and random.random() * 100 < value:
                    time.sleep(more[0] / 1000)
                    break
                elif name == "seldom" and random.random() * 100 < value:
                    yield more[0] / 1000
                elif name == "cache" and time.monotonic() >= self.fresh:
                    yield span
                    self.fresh = time.monotonic() + more[0] / 1000 if more[0] else float("inf")
            yield 200
        finally:
            self.in_flight -= 1

    async def work(self):
        for effect in self.run():
            if isinstance(effect, int):
                return effect
            waits = asyncio.sleep(effect) if isinstance(effect, float) else effect()
            if waits is not None:
                await waits

    def work_in_thread(self):
        for effect in self.run():
            if isinstance(effect, int):
                return effect
            time.sleep(max(0, effect)) if isinstance(effect, float) else effect()


def in_loop(address, texts):
    async def serve():
        steps = Steps(texts, asyncio.Semaphore)
        reply = "HTTP/1.1 {} OK\r\nContent-Length: 2\r\n" + ("Connection: close\r\n" if steps.closes else "") + "\r\nok"

        async def talk(reader, writer):
            try:
                while head := await reader.readuntil(b"\r\n\r\n"):
                    writer.write(reply.format(await steps.work() if b" /work" in head else 200).encode())
                    await writer.drain()
                    if steps.closes:
                        break
            except (asyncio.IncompleteReadError, OSError):
                pass
            finally:
                writer.close()
        kind, _, place = address.rpartition(":")
        if kind == "unix":
            server = await asyncio.start_unix_server(talk, place, backlog=256)
        else:
            context = None
            if kind == "tls":
                context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
                context.load_cert_chain("cert.pem", "key.pem")
            server = await asyncio.start_server(talk, "::1" if kind == "::1" else "127.0.0.1", int(place), ssl=context, backlog=256)
        await server.serve_forever()
    asyncio.run(serve())


def in_threads(model, port, texts):
    steps = Steps(texts, threading.Semaphore)

    class Handler(http.server.BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.0" if model == "one" or steps.closes else "HTTP/1.1"

        def do_GET(self):
            self.send_response(steps.work_in_thread() if self.path == "/work" else 200)
            self.send_header("Content-Length", "2")
            self.end_headers()
            self.wfile.write(b"ok")

        def log_message(self, *_):
            pass

    class Pool(http.server.HTTPServer):
        """As many threads as MODEL says: each takes a connection and keeps it."""
        request_queue_size = 256

        def __init__(self, *args):
            super().__init__(*args)
            self.waiting = queue.Queue()
            for _ in range(int(model)):
                threading.Thread(target=self.take, daemon=True).start()

        def take(self):
            while True:
                with contextlib.suppress(OSError):
                    super().process_request(*self.waiting.get())

        def process_request(self, request, client_address):
            self.waiting.put((request, client_address))

    class Each(http.server.ThreadingHTTPServer):
        request_queue_size = 256
    server = {"one": http.server.HTTPServer, "each": Each}.get(model, Pool)  # a backlog of 5, as people have it
    server(("127.0.0.1", int(port)), Handler).serve_forever()


if __name__ == "__main__":
    _, kind, where, *rest = sys.argv
    in_loop(where, rest) if kind == "loop" else in_threads(kind, where, rest)
