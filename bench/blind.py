#!/usr/bin/env python3
"""The blind trial of `lab diagnose`: every kind of server, K times each, and how often the verdict was right.

usage: blind.py LAB [-k 20] [-j 3] [--only PATTERN] [--budget 20s] [--json FILE]
Starts each server once, diagnoses it K times. Of those that wait, J at once: they leave the cores idle; those that
compute one by one, after them. Right: execution, parallelism where it has one, waiting or computing, whether the
loop is blocked, the limit, the serial part, the words; and nothing that its own table refutes. Exit code 1 where a
kind was right in fewer than 19 of 20.
"""
import argparse
import contextlib
import json
import os
import re
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))
import blind_servers


def wrong(kind, said):
    """What is wrong with a verdict; empty where all is right."""
    found = []
    if said["execution"] not in kind.execution:
        found.append(said["execution"])
    elif kind.parallelism and said["parallelism"] not in kind.parallelism:
        found.append(f"{said['execution']} of {said['parallelism']}")
    if said["bound_by"] != kind.bound_by:
        found.append(f"bound by {said['bound_by']}")
    if kind.blocked is not None and said["loop_blocked"] is not kind.blocked:
        found.append(f"blocked: {said['loop_blocked']}")
    limit = said.get("limit")
    if (limit is None) != (kind.limit is None):
        found.append(f"limit: {limit}")
    elif limit:
        what, many, status = kind.limit
        number = limit["in_flight"] if limit["kind"] == "in_flight" else limit["per_second"]
        if (limit["kind"], limit["status"]) != (what, status) or not 0.8 * many <= number <= 1.25 * many:
            found.append(f"limit: {limit}")
    part = said.get("serial_part_s")
    if kind.serial_part and not kind.serial_part[0] <= (part or 0) <= kind.serial_part[1]:
        found.append(f"serial part {part}")
    if kind.says not in json.dumps([said["says"], said["advice"], said["unsure"], said.get("notes")]):
        found.append(f"does not say '{kind.says}'")
    return ", ".join(found + refuted(said))


def refuted(said):
    """What its own table says against a verdict. A floor is the least time that so many at once can take."""
    least = {"serial": lambda n: n, "pool": lambda n: -(-n // said["parallelism"]), "workers": lambda n: -(-n // said["parallelism"]),
             "concurrent": lambda n: 1}.get(said["execution"])
    if said["bound_by"] == "cpu" and said["execution"] == "pool":
        least = lambda n: max(1, n / said["parallelism"])
    found = []
    for row in said["evidence"] if least else ():
        floor = least(row["at_once"]) * said["service_s"]
        if floor > 1.1 * row["makespan_s"]:
            found.append(f"REFUTED: at {row['at_once']} at least {floor:.3f} s, measured {row['makespan_s']:.3f}")
    return found


def diagnose(lab, port, kind, budget, seed):
    command = [lab, "diagnose", f"http://127.0.0.1:{port}{kind.route}", "--format", "json", "--quiet", "--budget", budget,
               "--seed", str(seed), *(["--ping", "/ping"] if kind.ping else []), *kind.options]
    ran = subprocess.run(command, capture_output=True, text=True)
    return json.loads(ran.stdout) if ran.returncode == 0 else {"failed": ran.stderr.strip()}


def trial(lab, kind, options):
    rights, execution_rights, mistakes, confidences, spent = 0, 0, [], [], []
    with contextlib.ExitStack() as stack:
        for seed in range(options.k):
            if seed == 0 or kind.fresh:
                stack.close()
                port = stack.enter_context(blind_servers.running(kind, lab))
            said = diagnose(lab, port, kind, options.budget, seed)
            options.documents.append({"kind": kind.name, **said})
            mistake = said.get("failed") or wrong(kind, said)
            rights += not mistake
            execution_rights += "failed" not in said and said["execution"] in kind.execution
            mistakes += [mistake] if mistake else []
            confidences.append(said.get("confidence", 0))
            spent.append(said.get("spent_s", 0))
    print(f"{kind.name:36} {rights:3}/{options.k:<3} {execution_rights:3} {sorted(confidences)[len(spent) // 2]:6.2f} "
          f"{sorted(spent)[len(spent) // 2]:6.1f}  {'; '.join(sorted(set(mistakes)))}", flush=True)
    return rights


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("lab")
    parser.add_argument("-k", type=int, default=20)
    parser.add_argument("-j", type=int, default=1)
    parser.add_argument("--only", default="")
    parser.add_argument("--budget", default="20s")
    parser.add_argument("--json")
    options = parser.parse_args()
    options.documents = []
    lab = str(Path(options.lab).resolve())
    began = time.monotonic()
    print(f"{'server':36}   right  exec  conf   s     mistakes")
    kinds = [kind for kind in blind_servers.kinds(len(os.sched_getaffinity(0))) if re.search(options.only, kind.name) and blind_servers.is_here(kind)]
    scores = []
    for at_once, some in ((options.j, [kind for kind in kinds if kind.bound_by == "waiting"]),
                          (1, [kind for kind in kinds if kind.bound_by != "waiting"])):
        with ThreadPoolExecutor(at_once) as pool:
            scores += pool.map(lambda kind: trial(lab, kind, options), some)
    if options.json:
        Path(options.json).write_text("".join(json.dumps(each) + "\n" for each in options.documents))
    print(f"{sum(scores)} of {len(scores) * options.k} right in {time.monotonic() - began:.0f} s")
    return 0 if all(score * 20 >= 19 * options.k for score in scores) else 1


if __name__ == "__main__":
    sys.exit(main())
