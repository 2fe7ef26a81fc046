"""Follows CONTRIBUTING.md word for word in a copy of the checkout: writes its files, makes its changes, builds, and runs its
commands. By hand; a few minutes where a compiler cache is warm.

Usage: follow_contributing.py [FOLDER]   (the copy; default: a temporary one)
"""
import os
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
BLOCK = re.compile(r"^```(toml|cpp|diff|sh)\n(.*?)^```$", re.M | re.S)
NEW_FILE = re.compile(r"Write `([^`]+)`:\s*$")


def apply(copy, diff):
    """Hunks without line numbers: each replaces its `-` lines, which must stand in the file once."""
    for part in re.split(r"^--- a/.*\n", diff, flags=re.M)[1:]:
        name, _, hunks = part.partition("\n")
        path = copy / name.removeprefix("+++ b/")
        text = path.read_text()
        for hunk in hunks.split("@@\n")[1:]:
            old = "\n".join(line[1:] for line in hunk.splitlines() if line.startswith("-"))
            new = "\n".join(line[1:] for line in hunk.splitlines() if line.startswith("+"))
            if text.count(old) != 1:
                sys.exit(f"{path}: stands there {text.count(old)} times, not once: {old}")
            text = text.replace(old, new)
        path.write_text(text)


def main():
    copy = Path(sys.argv[1] if len(sys.argv) > 1 else tempfile.mkdtemp(prefix="lab-contributing-"))
    listed = subprocess.run(["git", "-C", ROOT, "ls-files", "-z", "--cached", "--others", "--exclude-standard"], check=True,
                            capture_output=True, text=True).stdout
    for name in filter(None, listed.split("\0")):
        if (ROOT / name).exists():
            (copy / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / name, copy / name)
    text = (copy / "CONTRIBUTING.md").read_text()
    commands = []
    for block in BLOCK.finditer(text):
        kind, body = block.groups()
        if kind == "diff":
            apply(copy, body)
        elif kind == "sh":
            commands += body.splitlines()
        else:
            (copy / NEW_FILE.search(text[:block.start()].rstrip())[1]).write_text(body)
    environment = {**os.environ, "CCACHE_BASEDIR": str(copy), "CCACHE_NOHASHDIR": "true"}
    subprocess.run(["cmake", "-S", copy, "-B", copy / "build/copy", "-G", "Ninja", "-DCMAKE_BUILD_TYPE=Release", "-DLAB_BENCH=OFF",
                    "-DCMAKE_UNITY_BUILD=ON", "-DCMAKE_UNITY_BUILD_BATCH_SIZE=16"],
                   check=True, env=environment, stdout=subprocess.DEVNULL)
    subprocess.run(["ninja", "-C", copy / "build/copy", "programs"], check=True, env=environment, stdout=subprocess.DEVNULL)
    environment["PATH"] = f"{copy / 'build/copy/bin'}:{environment['PATH']}"
    for command in commands:
        print("$", command, flush=True)
        subprocess.run(command, shell=True, check=True, env=environment, cwd=copy)
    print(f"followed {len(commands)} commands in {copy}")


if __name__ == "__main__":
    main()
