#!/usr/bin/env python3
"""What each execution model and accept policy costs beside a bare epoll loop, and FastAPI beside both.

All servers are up at once, each pinned to the server's core; a client on another core visits them in turns, and every
visit is paired with one to the bare loop, so that a noisy moment hits both. The route is a scenario's without steps; the
lab's events are on and read by another process, as under `lab run`. CPU is that of the server's worker processes, from
/proc/PID/task/*/schedstat. Prints the table of bench/README.md (medians over the rounds).

  python3 bench/throughput.py build/release [--rounds 5] [--seconds 1] [--client load|wrk] [--only 'async-loop|FastAPI.*']

Needs a build with -DLAB_BENCH=ON and, for its rows, Debian's uvicorn, python3-fastapi, python3-uvloop, python3-httptools.
"""

import argparse
import contextlib
import json
import os
import pathlib
import re
import socket
import statistics
import subprocess
import sys
import tempfile
import time

MODES = ("async-loop", "blocking-loop", "thread-pool", "offload", "thread-per-request", "task-queue")
APP = """
import os
from fastapi import FastAPI

app = FastAPI()


@app.get("/nothing")
async def nothing():
    return {"message": "Response at once", "worker_id": os.getpid()}
"""
SCENARIO = """
question = "What does a request cost that asks for nothing?"
[routes.nothing]
request = "GET /nothing"
steps   = []
[[load]]
route = "nothing"
arrivals = "burst"
requests = 1
[[arms]]
id = "async-loop"
mode = "async-loop"
"""
TARGETS = "async-loop: rate >= 0.85 and CPU <= 1.20 of the bare loop, and >= 9 times FastAPI"


def children(pid):
    found = []
    for task in pathlib.Path(f"/proc/{pid}/task").glob("*/children"):
        for child in map(int, task.read_text().split()):
            found += [child, *children(child)]
    return found


def cpu_ns(pids):
    return sum(int(file.read_text().split()[0]) for pid in pids for file in pathlib.Path(f"/proc/{pid}/task").glob("*/schedstat"))


class Server:
    """One server on the server's core. `group`: which of its processes serve, given its own pid and its first line.

    `stack` stops it, also where a later one does not start.
    """

    def __init__(self, stack, name, command, core, group, folder=None, port=None):
        self.name = name
        self.said = ""
        self.process = subprocess.Popen(["taskset", "-c", str(core), *map(str, command)], cwd=folder, stdout=subprocess.PIPE, text=True)
        stack.callback(self.stop)
        if port is None:
            line = self.process.stdout.readline()
            found = re.search(r"http://127\.0\.0\.1:(\d+)", line)
            if not found:
                sys.exit(f"{name}: no line that says where it listens: {line!r}")
            self.port = int(found[1])
        else:
            line, self.port = "", port
            wait_for(port, self.process)
        self.pids = group(self.process.pid, line)

    def url(self):
        return f"http://127.0.0.1:{self.port}/nothing"

    def stop(self):
        self.process.terminate()
        self.said, _ = self.process.communicate(timeout=20)


def wait_for(port, process):
    for _ in range(400):
        if process.poll() is not None:
            sys.exit(f"the server on port {port} ended with {process.returncode}")
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.05)
    sys.exit(f"nothing listens on port {port}")


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def reply_of(port):
    """The bytes that a server answers with, whole."""
    with socket.create_connection(("127.0.0.1", port)) as connection:
        connection.sendall(b"GET /nothing HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n")
        received = b""
        while b"}" not in received:
            part = connection.recv(65536)
            if not part:
                sys.exit(f"the server on port {port} closed before its reply was whole: {received!r}")
            received += part
    return received


def visit(server, args):
    """Requests a second, and the server's CPU nanoseconds per request."""
    before = cpu_ns(server.pids)
    began = time.monotonic()
    pin = ["taskset", "-c", str(args.client_core)]
    if args.client == "wrk":
        out = subprocess.run([*pin, "wrk", "-t1", f"-c{args.connections}", f"-d{args.seconds:g}s", server.url()], check=True,
                             capture_output=True, text=True).stdout
        count = int(re.search(r"(\d+) requests in", out)[1])
        rate = float(re.search(r"Requests/sec:\s+([\d.]+)", out)[1])
    else:
        out = subprocess.run([*pin, args.build / "bin/lab", "load", server.url(), "--arrivals", "closed", "-c", str(args.connections),
                              "--duration", f"{args.seconds:g}s", "--format", "json"], check=True, capture_output=True, text=True).stdout
        told = json.loads(out)
        if told["books"]["errors"]:
            sys.exit(f"{server.name}: errors: {told['books']}")
        count, rate = told["books"]["ok"], told["requests_per_second"]
    used = cpu_ns(server.pids) - before
    return rate, used / count, used / 1e9 / (time.monotonic() - began)


def start_all(stack, args, folder):
    wanted = lambda name: not args.only or re.fullmatch(args.only, name)
    (folder / "nothing.toml").write_text(SCENARIO)
    (folder / "main.py").write_text(APP)
    master = lambda pid, line: children(int(re.search(r"master=(\d+)", line)[1]))
    events = lambda mode, accept="handoff", workers=1: [args.build / "bench/serve_events", mode, accept, workers, args.client_core]
    plan = [(mode, events(mode)) for mode in MODES]
    plan += [(f"async-loop, accept {accept}", events("async-loop", accept)) for accept in ("greedy", "reuseport", "one")]
    plan += [("async-loop, 2 workers", events("async-loop", workers=2))]
    servers = [Server(stack, name, command, args.server_core, master) for name, command in plan if wanted(name)]
    serve = [args.build / "bin/lab", "serve", "async-loop", "--scenario", folder / "nothing.toml", "--port", "0"]
    name = "async-loop, no events (lab serve)"
    if wanted(name):
        servers.append(Server(stack, name, serve, args.server_core, lambda pid, line: children(pid)))
    for name, loop in (("FastAPI, uvloop", "uvloop"), ("FastAPI, asyncio", "asyncio")):
        if wanted(name):
            port = free_port()
            command = ["/usr/bin/python3", "-m", "uvicorn", "main:app", "--port", port, "--loop", loop, "--http", "httptools",
                       "--no-access-log", "--log-level", "error"]
            servers.append(Server(stack, name, command, args.server_core, lambda pid, line: [pid], folder, port))
    if not servers:
        sys.exit(f"--only '{args.only}' names no row")
    (folder / "reply").write_bytes(reply_of(servers[0].port))
    bare = Server(stack, "bare epoll loop", [args.build / "bench/bare_epoll", folder / "reply"], args.server_core,
                  lambda pid, line: [pid])
    return bare, servers


def options_of(about, seconds, connections):
    """What this and probes.py are asked for."""
    parser = argparse.ArgumentParser(description=about, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("build", type=lambda text: pathlib.Path(text).resolve(), help="the build folder, as build/release")
    parser.add_argument("--seconds", type=float, default=seconds)
    parser.add_argument("--connections", type=int, default=connections)
    parser.add_argument("--only", default="", help="rows that this regular expression matches whole")
    parser.add_argument("--server-core", type=int, default=min(os.sched_getaffinity(0)))
    parser.add_argument("--client-core", type=int, default=max(os.sched_getaffinity(0)))
    return parser


def parse(parser):
    args = parser.parse_args()
    if args.server_core == args.client_core:
        sys.exit("one core for the server and another for the client are needed")
    return args


def main():
    parser = options_of(__doc__, seconds=1, connections=64)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--client", choices=("load", "wrk"), default="load")
    args = parse(parser)
    with tempfile.TemporaryDirectory() as name, contextlib.ExitStack() as stack:
        bare, servers = start_all(stack, args, pathlib.Path(name))
        found = {server.name: [] for server in servers}
        bares = []
        for number in range(args.rounds):
            for server in servers:
                pair = visit(bare, args), visit(server, args)
                bares.append(pair[0])
                found[server.name].append(pair)
            print(f"round {number + 1} of {args.rounds}", file=sys.stderr)
    median = statistics.median
    print(f"| server, {args.connections} connections, client {args.client} | requests/s | of the bare loop's | CPU per request | of the bare loop's | core busy |")
    print("|---|---|---|---|---|---|")
    print(f"| bare epoll loop | {median(one[0] for one in bares):,.0f} | 1 | {median(one[1] for one in bares) / 1e3:.2f} µs | 1 "
          f"| {median(one[2] for one in bares):.0%} |")
    for server in servers:
        pairs = found[server.name]
        rate, cpu = median(own[0] / bare[0] for bare, own in pairs), median(own[1] / bare[1] for bare, own in pairs)
        print(f"| {server.name} | {median(own[0] for _, own in pairs):,.0f} | {rate:.2f} | {median(own[1] for _, own in pairs) / 1e3:.2f} µs "
              f"| {cpu:.2f} | {median(own[2] for _, own in pairs):.0%} |")
    rates = {name: median(own[0] for _, own in pairs) for name, pairs in found.items()}
    if "async-loop" in rates and "FastAPI, uvloop" in rates:
        print(f"\nasync-loop is {rates['async-loop'] / rates['FastAPI, uvloop']:.1f} times FastAPI under uvloop")
    print(f"targets: {TARGETS}")
    for server in [bare, *servers]:
        if dropped := re.search(r"dropped ([1-9]\d*)", server.said):
            print(f"{server.name}: its reader lost {dropped[1]} events", file=sys.stderr)


if __name__ == "__main__":
    main()
