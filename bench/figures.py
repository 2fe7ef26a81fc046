#!/usr/bin/env python3
"""The figures that the lab promises, measured on this machine: medians, each beside what it should reach.

  python3 bench/figures.py build/release/bin/lab [--runs 3]

Leave the machine alone meanwhile: these are times.
"""

import argparse
import json
import re
import socket
import statistics
import subprocess
import time


def run_json(lab, *args):
    started = time.monotonic()
    out = subprocess.run([lab, *args, "--format", "json", "--quiet"], capture_output=True, text=True, check=True).stdout
    return json.loads(out), time.monotonic() - started


def row(what, value, reach, unit=""):
    print(f"{what:<52}{value:>10.4g} {unit:<3} reach {reach}")


def overheads(lab, runs):
    ratios, skews, extra, worst_workers, unexplained = {}, [], [], [], []
    for _ in range(runs):
        run, wall = run_json(lab, "run", "blocking-async", "--no-save")
        repetitions = 0
        measured = 0
        for arm in run["arms"]:
            makespans = arm["makespan_s"]["all"]
            repetitions += len(makespans)
            measured += sum(makespans)
            ratios.setdefault(arm["arm"], []).extend(value / arm["bound_s"] for value in makespans)
            skews.append(arm["burst_skew_s"])
            unexplained += [cause["s"] for cause in arm["above_bound"] if cause["cause"] == "unexplained"] or [0]
            if arm["arm"] == "workers-4":
                worst_workers.append(max(makespans) / arm["bound_s"])
        extra.append((wall - measured) / repetitions)
    for arm, reach in (("blocking-loop", 1.004), ("async-loop", 1.005), ("thread-pool", 1.008), ("offload", 1.008)):
        row(f"makespan / bound, {arm}", statistics.median(ratios[arm]), f"<= {reach}")
    row("makespan / bound, workers-4, every repetition", max(worst_workers), "<= 1.02")
    row("burst skew, median of arms", statistics.median(skews) * 1e6, "<= 150", "us")
    row("burst skew, worst arm", max(skews) * 1e6, "", "us")
    row("unexplained by WHY, worst", max(unexplained) * 1e3, "<= 1 ms or 1 %", "ms")
    row("lab run beyond its makespans, per repetition", statistics.median(extra), "<= 0.1", "s")


def first_reply(lab, runs):
    times = []
    for _ in range(5 * runs):
        started = time.monotonic()
        server = subprocess.Popen([lab, "serve", "async-loop", "--port", "0"], stdout=subprocess.PIPE, text=True)
        port = int(re.search(r":(\d+) ", server.stdout.readline()).group(1))
        with socket.create_connection(("127.0.0.1", port)) as client:
            client.sendall(b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n")
            client.recv(100)
        times.append(time.monotonic() - started)
        server.terminate()
        server.wait()
    row("start to first reply", statistics.median(times) * 1e3, "<= 20", "ms")


def predict(lab, runs):
    times = []
    for _ in range(5 * runs):
        started = time.monotonic()
        subprocess.run([lab, "predict", "blocking-async"], stdout=subprocess.DEVNULL, check=True)
        times.append(time.monotonic() - started)
    row("lab predict blocking-async", statistics.median(times) * 1e3, "<= 50", "ms")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("lab", help="the program, as build/release/bin/lab")
    parser.add_argument("--runs", type=int, default=3)
    args = parser.parse_args()
    overheads(args.lab, args.runs)
    first_reply(args.lab, args.runs)
    predict(args.lab, args.runs)


if __name__ == "__main__":
    main()
