#!/usr/bin/env python3
"""How often `lab diagnose` is right about servers whose way to execute is known (servers.toml).

usage: score.py LAB [-k 1] [-j 1] [--only PATTERN] [--json FILE] [--table FILE]
Starts each server, diagnoses it K times and prints what was wrong. Right: all that servers.toml says of it, within 20 s, and
nothing that the verdict's own table refutes. Unknown: nothing wrong was said, but not all. J servers at a time, those that
compute one by one. --table writes the table into a Markdown file, between its lines `<!-- servers -->`. Exit code 1 where
fewer than 57 of 60 are right, or a verdict was refuted.
"""
import argparse
import json
import os
import re
import signal
import subprocess
import sys
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))
import servers  # noqa: E402

MOST_SECONDS = 20.5  # with the program's start and end
OPEN = (None, "unknown")


def is_limit(said, expected):
    if not said:
        return False
    number = said["in_flight"] or said["per_second"]
    return said["kind"] == expected["kind"] and said["status"] == expected.get("status") and number and \
        0.8 * expected["number"] <= number <= 1.25 * expected["number"]


def is_as(key, said, expected):
    if key == "says":
        return expected in json.dumps([said[each] for each in ("says", "reason", "advice", "unsure", "notes")])
    if key == "limit":
        return is_limit(said[key], expected)
    if key == "serial_part_s":
        return expected[0] <= (said[key] or 0) <= expected[1]
    if expected == "cores":
        expected = len(os.sched_getaffinity(0))
    return said[key] in (expected if isinstance(expected, list) else [expected])


def refuted(said):
    """What its own table says against a verdict. A floor is the least time that so many at once can take."""
    many = said["parallelism"]
    computes = said["bound_by"] == "cpu"
    least = {"serial": lambda n: n, "pool": lambda n: max(1, n / many) if computes else -(-n // many),
             "workers": lambda n: -(-n // many), "concurrent": lambda n: 1}.get(said["execution"], lambda n: 0)
    return [f"refuted: at {row['at_once']} at least {floor:.3f} s, measured {row['makespan_s']:.3f}" for row in said["evidence"]
            if (floor := least(row["at_once"]) * said["service_s"] + (said["ahead_s"] or 0)) > 1.1 * row["makespan_s"]]


def mistakes(expected, said, took):
    """What is wrong, and whether all of it is only left open."""
    expected = {"bound_by": "waiting", "limit": None, **expected}
    if expected["limit"] is None and said["limit"] is None:
        del expected["limit"]
    wrong = {key: said.get(key) for key, value in expected.items()
             if (said["limit"] is not None if value is None else not is_as(key, said, value))}
    left_open = said["execution"] == "unknown" and all(value in OPEN for key, value in wrong.items() if key != "says")
    found = [f"{key} {value}" for key, value in wrong.items()] + refuted(said)
    if took > MOST_SECONDS:
        found.append(f"{took:.0f} s")
    return found, left_open and not refuted(said)


def diagnose(lab, server, url, seed):
    command = [lab, "diagnose", url + server.path, "--ping", server.ping, "--format", "json", "--quiet", "--seed", str(seed),
               *server.options]
    began = time.monotonic()
    ran = subprocess.run(command, capture_output=True, text=True)
    took = time.monotonic() - began
    return (json.loads(ran.stdout), took) if ran.returncode == 0 else ({"failed": ran.stderr.strip()}, took)


def trial(workshop, server, options):
    row = {"server": server.name, "outcomes": Counter(), "mistakes": [], "took": [], "said": []}
    for seed in range(0, options.k, 1 if server.fresh else options.k):
        with workshop.running(server) as url:
            for each in range(seed, seed + (1 if server.fresh else options.k)):
                said, took = diagnose(workshop.lab, server, url, each)
                found, left_open = ([said["failed"]], False) if "failed" in said else mistakes(server.expected, said, took)
                row["outcomes"]["right" if not found else "unknown" if left_open else "wrong"] += 1
                row["mistakes"] += [", ".join(found)] if found else []
                row["took"].append(took)
                row["said"].append(said)
    if options.json:
        with options.json.open("a") as file:
            print(json.dumps(row), file=file)
    print(f"{server.name:44} {' '.join(f'{count} {name}' for name, count in row['outcomes'].items()):16} "
          f"{max(row['took']):5.1f} s  {'; '.join(sorted(set(row['mistakes'])))}", flush=True)
    return row


def table(rows, total):
    lines = ["| server | right | unknown | wrong | s | what it said |", "|---|---|---|---|---|---|"]
    for row in rows:
        said = row["said"][-1]
        outcomes = [str(row["outcomes"][name] or "") for name in ("right", "unknown", "wrong")]
        words = said.get("says") or said.get("reason") or said.get("failed", "")
        lines.append(f"| {row['server']} | {' | '.join(outcomes)} | {max(row['took']):.0f} | {words} |")
    return "\n".join(lines) + f"\n\n{total}\n"


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("lab")
    parser.add_argument("-k", type=int, default=1)
    parser.add_argument("-j", type=int, default=1)
    parser.add_argument("--only", default="")
    parser.add_argument("--json", type=Path)
    parser.add_argument("--table", type=Path)
    options = parser.parse_args()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # so that no server is left
    signal.signal(signal.SIGINT, signal.default_int_handler)
    chosen = [each for each in servers.all_servers() if re.search(options.only, each.name)]
    here = [each for each in chosen if each.is_here()]
    if options.json:
        options.json.write_text("")
    began = time.monotonic()
    waiting = [each for each in here if each.expected.get("bound_by") != "cpu"]
    computing = [each for each in here if each not in waiting]
    with servers.Workshop(str(Path(options.lab).resolve())) as workshop:
        rows = []
        for at_once, some in ((options.j, waiting), (1, computing)):
            pool = ThreadPoolExecutor(at_once)
            try:
                rows += (map if at_once == 1 else pool.map)(lambda server: trial(workshop, server, options), some)
            finally:
                pool.shutdown(cancel_futures=True)
    rows.sort(key=lambda row: [each.name for each in here].index(row["server"]))
    outcomes = sum((row["outcomes"] for row in rows), Counter())
    refutations = sum("refuted" in each for row in rows for each in row["mistakes"])
    total = f"{len(rows)} servers: {outcomes['right']} right, {outcomes['unknown']} unknown, {outcomes['wrong']} wrong; " \
            f"{refutations} refuted by their own table; {time.monotonic() - began:.0f} s"
    print(total + "".join(f"\nnot here: {each.name}" for each in chosen if each not in here))
    if options.table:
        parts = options.table.read_text().split("<!-- servers -->\n")
        parts[1] = table(rows, total)
        options.table.write_text("<!-- servers -->\n".join(parts))
    return 0 if outcomes["right"] * 60 >= 57 * sum(outcomes.values()) and not refutations else 1


if __name__ == "__main__":
    sys.exit(main())
