#!/usr/bin/env python3
"""What viewers of the classroom page cost the servers that it shows: p99 of a run that several watch, beside one that nobody does.

  python3 bench/viewers.py build/release/bin/lab [--pairs 20] [--viewers 4]

Starts `lab demo`; in each pair 1,000 requests at once wait 200 ms on an async loop, once with nobody at the event stream and
once with viewers who read it as fast as it comes. Prints each pair and the median of their ratios (to reach: below 1.01).
"""

import argparse
import contextlib
import http.client
import json
import pathlib
import socket
import statistics
import subprocess
import tempfile
import threading
import time
from urllib.parse import parse_qs, urlsplit

RUN = {"scenario": "blocking-async", "options": {"arms": ["async-loop"], "requests": "1000", "delay": "200ms"}}
ENDED = 4  # seconds after which a run surely has; asking would make the page's server work


def read_all(viewer):
    with contextlib.suppress(OSError):
        while viewer.recv(65536):
            pass


class Page:
    def __init__(self, work, address):
        self.work = work
        self.host, self.port = address.hostname, address.port
        reply = self.ask("GET", f"/?token={parse_qs(address.query)['token'][0]}")
        self.fields = {"Lab-Token": reply.headers["Set-Cookie"].partition("=")[2].partition(";")[0]}

    def ask(self, method, path, body=None, fields=None):
        connection = http.client.HTTPConnection(self.host, self.port, timeout=30)
        connection.request(method, path, body, fields or {})
        reply = connection.getresponse()
        assert reply.status < 300, (path, reply.status, reply.read())
        return reply

    def document(self):
        """Of the last run."""
        for line in self.ask("GET", "/api/events", fields=self.fields):
            if line.startswith(b"data:") and b'"type":"document"' in line:
                return json.loads(line[5:])["document"]
        raise AssertionError("the stream ended")

    def viewer(self):
        """A connection to the stream, which a thread reads until it is shut down."""
        viewer = socket.create_connection((self.host, self.port))
        fields = {"Host": f"{self.host}:{self.port}", **self.fields}
        viewer.sendall(("GET /api/events HTTP/1.1\r\n" + "".join(f"{name}: {value}\r\n" for name, value in fields.items()) + "\r\n").encode())
        threading.Thread(target=read_all, args=(viewer,), daemon=True).start()
        return viewer

    def p99(self, viewers):
        """Of one run, in seconds."""
        watching = [self.viewer() for _ in range(viewers)]
        self.ask("POST", "/api/run", json.dumps(RUN), {**self.fields, "Content-Type": "application/json"})
        time.sleep(ENDED)
        for viewer in watching:
            viewer.shutdown(socket.SHUT_RDWR)
        record = self.work / self.document()["report"]["path"] / "run.jsonl"
        lines = [json.loads(line) for line in record.read_text().splitlines()]
        latencies = sorted(one["received_ns"] - one["intended_ns"] for one in lines if one["type"] == "request")
        assert len(latencies) == 1000, len(latencies)
        return latencies[989] * 1e-9


def compare(page, args):
    ratios = []
    for number in range(args.pairs):
        watched = {viewers: page.p99(viewers) for viewers in ((0, args.viewers) if number % 2 == 0 else (args.viewers, 0))}
        ratios.append(watched[args.viewers] / watched[0])
        print(f"{number + 1:3}  nobody {watched[0] * 1e3:7.2f} ms   {args.viewers} viewers {watched[args.viewers] * 1e3:7.2f} ms   {ratios[-1]:.4f}", flush=True)
    print(f"median of the ratios: {statistics.median(ratios):.4f}")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("lab")
    parser.add_argument("--pairs", type=int, default=20)
    parser.add_argument("--viewers", type=int, default=4)
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as work:
        command = [pathlib.Path(args.lab).resolve(), "demo", "--port", "0"]
        with subprocess.Popen(command, cwd=work, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True) as demo:
            try:
                compare(Page(pathlib.Path(work), urlsplit(demo.stdout.readline().strip())), args)
            finally:
                demo.terminate()


if __name__ == "__main__":
    main()
