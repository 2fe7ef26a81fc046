#!/usr/bin/env python3
"""lab load beside wrk: the same bare epoll server, one client core each, in interleaved pairs; and how late lab load sends.

  python3 bench/against_wrk.py build/release [--rounds 9] [--seconds 2] [--connections 64] [--url http://…]

Without --url it starts build/…/bench/bare_epoll (a build with -DLAB_BENCH=ON) on core 0; the clients run on core 1. Prints
each pair, the medians, their ratio (to reach: 1.2) and the lateness at 1,000 requests/s (to reach: 1 us at the median,
100 us at p99). wrk is Debian's.
"""

import argparse
import json
import pathlib
import re
import resource
import statistics
import subprocess
import tempfile

REPLY = b'HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 15\r\n\r\n{"pong": true}\n'
CLIENT = ["taskset", "-c", "1"]


def cpu_seconds():
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def by_wrk(url, seconds, connections):
    before = cpu_seconds()
    out = subprocess.run([*CLIENT, "wrk", "-t1", f"-c{connections}", f"-d{seconds}s", url], capture_output=True, text=True,
                         check=True).stdout
    requests = int(re.search(r"(\d+) requests in", out).group(1))
    return float(re.search(r"Requests/sec:\s+([\d.]+)", out).group(1)), (cpu_seconds() - before) / requests


def by_lab(lab, url, *options):
    before = cpu_seconds()
    out = subprocess.run([*CLIENT, lab, "load", url, *options, "--format", "json", "--quiet"], capture_output=True,
                         text=True, check=True).stdout
    found = json.loads(out)
    assert found["books"]["ok"] == found["books"]["planned"] == found["latency_s"]["n"], "every request is recorded"
    return found, (cpu_seconds() - before) / found["books"]["ok"]


def compare(lab, url, args):
    rates, costs = {"wrk": [], "lab": []}, {"wrk": [], "lab": []}
    print("round      wrk/s      lab/s   ratio    CPU/request: wrk   lab")
    for number in range(args.rounds):
        for who in ("wrk", "lab") if number % 2 == 0 else ("lab", "wrk"):
            if who == "wrk":
                rate, cost = by_wrk(url, args.seconds, args.connections)
            else:
                found, cost = by_lab(lab, url, "-c", str(args.connections), "--duration", f"{args.seconds}s")
                rate = found["requests_per_second"]
            rates[who].append(rate)
            costs[who].append(cost * 1e6)
        print(f"{number + 1:5} {rates['wrk'][-1]:10,.0f} {rates['lab'][-1]:10,.0f} {rates['lab'][-1] / rates['wrk'][-1]:7.2f}"
              f" {costs['wrk'][-1]:17.2f} us {costs['lab'][-1]:.2f} us", flush=True)
    ratios = [ours / theirs for ours, theirs in zip(rates["lab"], rates["wrk"])]
    print(f"median {statistics.median(rates['wrk']):9,.0f} {statistics.median(rates['lab']):10,.0f}"
          f" {statistics.median(ratios):7.2f} {statistics.median(costs['wrk']):17.2f} us {statistics.median(costs['lab']):.2f} us"
          f"    reach 1.2 ({min(ratios):.2f} to {max(ratios):.2f})")


def lateness(lab, url, args):
    medians, tails = [], []
    for _ in range(args.rounds):
        lag = by_lab(lab, url, "--rate", "1000", "--duration", f"{args.seconds}s")[0]["lag_s"]
        medians.append(lag["median"] * 1e6)
        tails.append(lag["p99"] * 1e6)
    print(f"late at 1,000/s: median {statistics.median(medians):.2f} us (reach 1), p99 {statistics.median(tails):.1f} us (reach 100)")


def skew(lab, url, args):
    skews = [by_lab(lab, url, "--arrivals", "burst", "-n", "10")[0]["burst_skew_s"] * 1e6 for _ in range(args.rounds)]
    print(f"ten at once leave within {statistics.median(skews):.0f} us (reach 150)")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("build", type=pathlib.Path, help="the build folder, as build/release")
    parser.add_argument("--rounds", type=int, default=9)
    parser.add_argument("--seconds", type=int, default=2)
    parser.add_argument("--connections", type=int, default=64)
    parser.add_argument("--url", help="a server that is already there")
    args = parser.parse_args()
    lab, server, url = str(args.build / "bin/lab"), None, args.url
    with tempfile.NamedTemporaryFile() as reply:
        reply.write(REPLY)
        reply.flush()
        if not url:
            server = subprocess.Popen(["taskset", "-c", "0", args.build / "bench/bare_epoll", reply.name],
                                      stdout=subprocess.PIPE, text=True)
            url = server.stdout.readline().split()[-1] + "/ping"
        try:
            compare(lab, url, args)
            lateness(lab, url, args)
            skew(lab, url, args)
        finally:
            if server:
                server.terminate()
                server.wait()


if __name__ == "__main__":
    main()
