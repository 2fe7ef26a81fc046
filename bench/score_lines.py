#!/usr/bin/env python3
"""Does `lab diagnose --server` find the line? It is held against the apps of tests/sick, whose faults are known.

usage: score_lines.py LAB [--only PATTERN] [--budget 15s] [--json FILE]
Right: the first place that is named is one that the manifest allows; for a healthy app: none is named. Prints the table of
README.md. Exit code 1 where more than one line is missed, a healthy app is accused, or a diagnosis takes more than 20 s.
"""
import argparse
import contextlib
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
import tomllib
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
SICK = ROOT / "tests/sick"
sys.path.insert(0, str(SICK))
import peers  # noqa: E402

LONGEST = 20  # seconds
PYTHON = "/usr/bin/python3"


def manifest():
    return tomllib.loads((SICK / "manifest.toml").read_text())


def line_numbers(app):
    """The lines that may be named. Each text stands in the file once."""
    numbers = []
    for text in app.get("lines", ()):
        (number,) = [number for number, line in enumerate((SICK / app["file"]).read_text().splitlines(), 1) if text in line]
        numbers.append(number)
    return numbers


def missing(app):
    """What this machine lacks for an app; None where it has all."""
    if "{node}" in app["server"] and not shutil.which("node"):
        return "nodejs"
    modules = [word for word in ("uvicorn", "gunicorn") if f"{{{word}}}" in app["server"]]
    modules += [word for word in ("requests", "psycopg2") if app.get("file") and f"import {word}\n" in (SICK / app["file"]).read_text()]
    return next((f"python3-{word}" for word in modules if subprocess.run([PYTHON, "-c", f"import {word}"], capture_output=True).returncode), None)


def build(folder):
    """Makes in `folder` what has to be compiled."""
    subprocess.run(["gcc", "-shared", "-fPIC", "-O1", "-o", folder / "slow_resolver.so", SICK / "slow_resolver.c"], check=True)
    subprocess.run(["g++", "-std=c++20", "-O1", "-g", "-pthread", f"-I{ROOT}", "-o", folder / "asio_server", SICK / "asio_server.cpp"], check=True)


def command(app, built):
    """What starts an app. `{port}` is for `lab diagnose`."""
    words = {"{uvicorn}": f"{PYTHON} -m uvicorn --port {{port}} --log-level warning",
             "{gunicorn}": f"{PYTHON} -m gunicorn -b 127.0.0.1:{{port}} --log-level warning",
             "{node}": "node", "{built}": str(built)}
    text = app["server"]
    for word, meaning in words.items():
        text = text.replace(word, meaning)
    return text


def diagnose(lab, app, built, budget="15s"):
    """What `lab diagnose --server` says of an app, and the seconds that it took. None and what it wrote where it failed."""
    with contextlib.ExitStack() as stack:
        environment = stack.enter_context(getattr(peers, app["peer"])()) if "peer" in app else {}
        began = time.monotonic()
        ran = subprocess.run([lab, "diagnose", "--server", command(app, built), app["route"], "--ping", "/health", "--budget", budget, "--quiet",
                              "--format", "json", *app.get("options", ())], cwd=SICK, capture_output=True, text=True,
                             env={**os.environ, "PYTHONDONTWRITEBYTECODE": "1", **environment})
        took = time.monotonic() - began
    return (json.loads(ran.stdout) if ran.returncode == 0 else {"failed": ran.stderr.strip()[-300:]}), took


def named(said):
    """The places that a diagnosis blames, the first one to be repaired first."""
    return said.get("inside", {}).get("places", [])


def place_text(place):
    where = f"{Path(place['file']).name}:{place['line']}" if place.get("line") else place.get("call") or "?"
    return f"{where} {place.get('function') or ''}".strip()


def is_right(app, said):
    places = named(said)
    if "failed" in said or bool(places) != ("lines" in app):
        return False
    if not places:
        return True
    first = places[0]
    return (bool(first.get("line")) and Path(first["file"]) == SICK / app["file"] and first["line"] in line_numbers(app)
            or bool(first.get("call")) and first["call"] in app.get("calls", ()))


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("lab")
    parser.add_argument("--only", default="")
    parser.add_argument("--budget", default="15s")
    parser.add_argument("--json")
    options = parser.parse_args()
    lab = str(Path(options.lab).resolve())
    apps = {name: app for name, app in manifest().items() if re.search(options.only, name)}
    rights, longest, documents = {True: 0, False: 0}, 0.0, []
    with tempfile.TemporaryDirectory(prefix="lab-sick-") as folder:
        build(Path(folder))
        print("| app | the line | said | s |\n|---|---|---|---|")
        for name, app in apps.items():
            if package := missing(app):
                print(f"| {name} | | not tried: {package} is not here | |")
                continue
            said, took = diagnose(lab, app, folder, options.budget)
            right, sick = is_right(app, said), "lines" in app
            rights[sick] += right
            longest = max(longest, took)
            documents.append({"app": name, "right": right, "took_s": took, **said})
            line = f"{app['file']}:{line_numbers(app)[0]}" if sick else "none"
            answer = said.get("failed") or ", ".join(place_text(place) for place in named(said)[:1]) or "none"
            print(f"| {name} | {line} | {'' if right else 'WRONG: '}{answer} | {took:.0f} |", flush=True)
    if options.json:
        Path(options.json).write_text("".join(json.dumps(each) + "\n" for each in documents))
    sick = sum("lines" in app for app in apps.values())
    healthy = len(apps) - sick
    print(f"\n{rights[True]} of {sick} lines, {healthy - rights[False]} of {healthy} healthy apps accused, the longest took {longest:.1f} s")
    return 0 if sick - rights[True] <= 1 and rights[False] == healthy and longest <= LONGEST else 1


if __name__ == "__main__":
    sys.exit(main())
