#!/usr/bin/env python3
"""What the probes of `lab diagnose --server` cost a server: each one with and without its probe, at full load.

A pair of servers is up at once, both pinned to the server's core; a client on another core visits them in turns, and the one
that it does not visit is stopped. Each pair is started anew several times, because two processes of one program differ by
more than a probe costs. Prints the table of bench/README.md: medians over the starts, with a 95 % interval of their order.
Exit code 1 where a probe takes more than 2 % of the throughput.

  python3 bench/probes.py build/release [--starts 9] [--pairs 4] [--seconds 0.5] [--only 'FastAPI.*']

Needs Debian's uvicorn, python3-fastapi, python3-uvloop, gunicorn and nodejs for their rows, g++ and libboost-dev for the last.
"""

import contextlib
import math
import os
import pathlib
import re
import signal
import statistics
import subprocess
import sys
import tempfile

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))
from throughput import APP, Server, children, free_port, options_of, parse, visit  # noqa: E402

ROOT = pathlib.Path(__file__).resolve().parents[1]
PROBES = ROOT / "harness/inside/probes"
PYTHON = "/usr/bin/python3"
MOST = 0.02  # of the throughput
WSGI = """
def app(environ, start):
    start("200 OK", [("Content-Type", "text/plain"), ("Content-Length", "2")])
    return [b"ok"]
"""
NODE = 'require("http").createServer((request, response) => response.end("ok")).listen(Number(process.argv[2]), "127.0.0.1");\n'


def rows(folder):
    uvicorn = [PYTHON, "-m", "uvicorn", "main:app", "--no-access-log", "--log-level", "error", "--port", "{port}", "--loop"]
    gunicorn = [PYTHON, "-m", "gunicorn", "app:app", "--threads", "4", "--log-level", "error", "-b", "127.0.0.1:{port}"]
    return {"FastAPI, asyncio": [*uvicorn, "asyncio"], "FastAPI, uvloop": [*uvicorn, "uvloop"], "WSGI, gunicorn, 4 threads": gunicorn,
            "Node, http": ["node", "server.js", "{port}"], "Boost.Asio, loop_watch.hpp": [folder / "asio_server", "{port}"]}


def prepare(folder, wanted):
    (folder / "main.py").write_text(APP)
    (folder / "app.py").write_text(WSGI)
    (folder / "server.js").write_text(NODE)
    (folder / "written").mkdir()
    if wanted("Boost.Asio, loop_watch.hpp"):
        subprocess.run(["g++", "-std=c++20", "-O2", "-pthread", f"-I{ROOT}", "-o", folder / "asio_server", ROOT / "tests/sick/asio_server.cpp"], check=True)


def order_interval(values):
    """The narrowest pair of values around the median that has it with a probability of 95 %."""
    n, ranked = len(values), sorted(values)
    beyond, below = 0.0, 0
    while below < n // 2 and 2 * (beyond + math.comb(n, below) / 2**n) <= 0.05:
        beyond += math.comb(n, below) / 2**n
        below += 1
    return ranked[max(0, below - 1)], ranked[n - max(1, below)]


def ratios_of_start(name, command, args, folder):
    """Of one pair of processes: throughput and CPU per request with the probe, as shares of those without."""
    inside = [f"LAB_INSIDE={folder / 'written'}", f"PYTHONPATH={PROBES}", f"NODE_OPTIONS=--require {PROBES / 'probe.js'}"]
    with contextlib.ExitStack() as stack:
        pair = []
        for variables in (["-u", "LAB_INSIDE"], inside):
            port = free_port()
            words = ["env", *variables, "PYTHONHASHSEED=0", *(str(word).replace("{port}", str(port)) for word in command)]
            pair.append(Server(stack, name, words, args.server_core, lambda pid, line: [pid], folder, port))
        for server in pair:
            server.pids = [server.process.pid, *children(server.process.pid)]
            stack.callback(send, server, signal.SIGCONT)  # before it is to end
        seen = {True: [], False: []}
        for number in range(args.pairs + 1):
            for probed in (False, True) if number % 2 else (True, False):
                send(pair[not probed], signal.SIGSTOP)
                send(pair[probed], signal.SIGCONT)
                seen[probed].append(visit(pair[probed], args))
        of = lambda probed, what: statistics.median(one[what] for one in seen[probed][1:])  # the first one warms up
        return of(True, 0) / of(False, 0), of(True, 1) / of(False, 1), of(False, 0), of(False, 2)


def send(server, number):
    for pid in server.pids:
        os.kill(pid, number)


def main():
    parser = options_of(__doc__, seconds=0.5, connections=32)
    parser.add_argument("--starts", type=int, default=9)
    parser.add_argument("--pairs", type=int, default=4)
    args = parse(parser)
    args.client = "load"
    wanted = lambda name: not args.only or re.fullmatch(args.only, name)
    missed = False
    print(f"| server, {args.connections} connections | requests/s | core busy | throughput with the probe | CPU per request with it |\n|---|---|---|---|---|")
    with tempfile.TemporaryDirectory(prefix="lab-probes-") as name:
        folder = pathlib.Path(name)
        prepare(folder, wanted)
        for row, command in rows(folder).items():
            if not wanted(row):
                continue
            starts = [ratios_of_start(row, command, args, folder) for _ in range(args.starts)]
            rate, cpu, alone, busy = ([start[what] for start in starts] for what in range(4))
            text = lambda ratios: "{:.3f} ({:.3f} to {:.3f})".format(statistics.median(ratios), *order_interval(ratios))
            missed |= statistics.median(rate) < 1 - MOST
            print(f"| {row} | {statistics.median(alone):,.0f} | {statistics.median(busy):.0%} | {text(rate)} | {text(cpu)} |", flush=True)
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main())
