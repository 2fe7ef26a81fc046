#!/usr/bin/env python3
"""Keep-alive GET / of `lab serve async-loop` against FastAPI under uvicorn with uvloop and httptools.

Both servers run at the same time on their own ports; `wrk -t1 -c64` visits them in turns, so that a noisy moment
hits both. Prints requests per second of every round, the medians and their ratio.

  python3 bench/against_fastapi.py build/release/lab [--rounds 5] [--seconds 3]

Needs Debian's wrk, uvicorn, python3-fastapi, python3-uvloop and python3-httptools.
"""

import argparse
import pathlib
import re
import socket
import statistics
import subprocess
import sys
import tempfile
import time

APP = """
from fastapi import FastAPI

app = FastAPI()


@app.get("/")
async def root():
    return {"message": "Hello", "worker_id": 1}
"""


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def wait_for(port, process):
    for _ in range(200):
        if process.poll() is not None:
            sys.exit(f"the server on port {port} ended with {process.returncode}")
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.05)
    sys.exit(f"nothing listens on port {port}")


def wrk(port, seconds):
    out = subprocess.run(
        ["wrk", "-t1", "-c64", f"-d{seconds}s", f"http://127.0.0.1:{port}/"], check=True, capture_output=True, text=True
    ).stdout
    if "Non-2xx" in out or "Socket errors" in out:
        sys.exit(f"wrk saw errors on port {port}:\n{out}")
    return float(re.search(r"Requests/sec:\s+([\d.]+)", out).group(1))


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("lab", help="the program, as build/release/lab")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=int, default=3)
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        pathlib.Path(folder, "main.py").write_text(APP)
        lab_port, fastapi_port = free_port(), free_port()
        servers = [
            subprocess.Popen([args.lab, "serve", "async-loop", "--port", str(lab_port)], stdout=subprocess.DEVNULL),
            subprocess.Popen(
                ["/usr/bin/python3", "-m", "uvicorn", "main:app", "--port", str(fastapi_port), "--loop", "uvloop",
                 "--http", "httptools", "--no-access-log", "--log-level", "error"],
                cwd=folder,
            ),
        ]
        try:
            for port, process in zip((lab_port, fastapi_port), servers):
                wait_for(port, process)
                wrk(port, 1)
            ours, theirs = [], []
            for number in range(1, args.rounds + 1):
                ours.append(wrk(lab_port, args.seconds))
                theirs.append(wrk(fastapi_port, args.seconds))
                print(f"round {number}: lab {ours[-1]:9.0f}/s   FastAPI {theirs[-1]:9.0f}/s   {ours[-1] / theirs[-1]:5.1f} x")
        finally:
            for process in servers:
                process.terminate()
            for process in servers:
                process.wait(timeout=10)
    ratio = statistics.median(a / b for a, b in zip(ours, theirs))
    print(f"median: lab {statistics.median(ours):.0f}/s, FastAPI {statistics.median(theirs):.0f}/s, ratio {ratio:.1f}")


if __name__ == "__main__":
    main()
