"""The house in figures: what stands in each room of production C++, without tests, benchmarks and testing/ folders.

Usage: house.py [ROOT] [--git COMMIT]   a checkout as it stands, or as it stood at a commit
"""
import argparse
import re
import statistics
import subprocess
from collections import defaultdict
from pathlib import Path

SOURCE = re.compile(r"\.(cpp|hpp)$")
APART = re.compile(r"_test\.(cpp|hpp)$|(^|/)(testing|tests|bench)/|test_[^/]*\.hpp$")
MOST_SOURCES = 25  # a .cpp, its .hpp and its _test.cpp are one
SHORT = 25


def git(root, *words):
    return subprocess.run(["git", "-C", root, *words], check=True, capture_output=True, text=True, errors="replace").stdout


def sizes(root, commit):
    """Lines of each production source, by its path."""
    if not commit:
        names = git(root, "ls-files", "--cached", "--others", "--exclude-standard").splitlines()
        texts = {name: (root / name).read_text(encoding="utf-8") for name in names if SOURCE.search(name) and (root / name).exists()}
    else:
        names = git(root, "ls-tree", "-r", "--name-only", commit).splitlines()
        texts = {name: git(root, "show", f"{commit}:{name}") for name in names if SOURCE.search(name)}
    return {name: text.count("\n") for name, text in texts.items() if not APART.search(name)}


def main():
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("root", nargs="?", type=Path, default=Path(__file__).resolve().parents[1])
    options.add_argument("--git", metavar="COMMIT")
    asked = options.parse_args()
    lines = sizes(asked.root, asked.git)
    rooms = defaultdict(list)
    for name in lines:
        rooms[name.rpartition("/")[0]].append(name)
    print(f"{'room':28} {'sources':>7} {'files':>6} {'lines':>7} {'median':>7}  files under {SHORT}")
    for room, names in sorted(rooms.items()):
        sources = {SOURCE.sub("", name) for name in names}
        counts = [lines[name] for name in names]
        crowded = "  more than 25 sources" if len(sources) > MOST_SOURCES else ""
        print(f"{room:28} {len(sources):7} {len(names):6} {sum(counts):7} {statistics.median(counts):7.0f}  "
              f"{sum(count < SHORT for count in counts)}{crowded}")
    print(f"{'all':28} {len({SOURCE.sub('', name) for name in lines}):7} {len(lines):6} {sum(lines.values()):7} "
          f"{statistics.median(lines.values()):7.0f}  {sum(count < SHORT for count in lines.values())}")
    lab = sum(count for name, count in lines.items() if re.match(r"lab/(?!core/|servers/|page/)", name))
    print(f"lab/ outside core, servers and page: {lab} lines")


if __name__ == "__main__":
    main()
