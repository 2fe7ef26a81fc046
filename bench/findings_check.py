#!/usr/bin/env python3
"""Every scenario on real servers, held against results/findings.toml: no false alarm, no miss.

    LAB=build/release/bin/lab /usr/bin/python3 -B bench/findings_check.py [--runs 5] [--table] [SCENARIO ...]

Exits 1 where an arm shows what the table does not know, or misses what it must show. Wants a quiet machine.
"""
import argparse
import json
import subprocess
import sys
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "tests/e2e"))
from labcase import BINARY  # noqa: E402
from test_findings import differences, expected, scale_of, was_measured  # noqa: E402


def measure(scenario):
    ran = subprocess.run([BINARY, "run", scenario, "--scale", scale_of(scenario), "--repeat", "3", "--quiet", "--no-save",
                          "--postgres", "local", "--format", "json"], capture_output=True, text=True, cwd=ROOT, check=False)
    if not ran.stdout:
        sys.exit(f"{scenario}: exit {ran.returncode}: {ran.stderr.strip()}")
    return json.loads(ran.stdout)


def table(reports):
    """A Markdown table of all arms: what each must show, and whether it did in every run."""
    print("| scenario | arm | case | must show | shown |\n|---|---|---|---|---|")
    for run in reports:
        for arm in run["arms"]:
            if not was_measured(arm):
                continue
            must, _ = expected(run["scenario"], arm["arm"], arm["case"])
            shown = [finding["id"] for finding in arm["findings"]]
            print(f"| {run['scenario']} | {arm['arm']} | {arm['case']} | {', '.join(sorted(must)) or 'healthy'} "
                  f"| {', '.join(sorted(shown)) or 'nothing'} |")


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--runs", type=int, default=1, help="how often in a row")
    parser.add_argument("--table", action="store_true", help="print the arms of the last run as a Markdown table")
    parser.add_argument("scenarios", nargs="*", help="all where none is named")
    options = parser.parse_args()
    names = options.scenarios or sorted(file.stem for file in (ROOT / "scenarios").glob("*.toml"))
    wrong_in_all, reports = 0, []
    for number in range(1, options.runs + 1):
        began, sick, healthy, wrong, reports = time.monotonic(), 0, 0, 0, []
        for name in names:
            run = measure(name)
            reports.append(run)
            for arm in run["arms"]:
                if was_measured(arm):
                    known = expected(run["scenario"], arm["arm"], arm["case"])[1]
                    sick, healthy = sick + bool(known), healthy + (not known)
            for line in differences(run):
                wrong += 1
                print(f"{name}: {line}", flush=True)
        print(f"run {number} of {options.runs}: {sick} sick rows, {healthy} healthy, {wrong} wrong, "
              f"{time.monotonic() - began:.0f} s", flush=True)
        wrong_in_all += wrong
    if options.table:
        table(reports)
    sys.exit(1 if wrong_in_all else 0)


if __name__ == "__main__":
    main()
