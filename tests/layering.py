"""Checks the #includes of a checkout against the one-way rule: core <- servers, harness, scenarios, results <- lab.

Usage: layering.py ROOT. Prints one line per violation; exit 1 where there is any.
"""
import re
import sys
from pathlib import Path

INCLUDE = re.compile(r'^\s*#\s*include\s*[<"]([^>"]+)[>"]', re.M)
# A module's folder, and the folders of which it may include. The first folder that holds a file is its module.
MODULES = {
    "lab/core": ["lab/core"],
    "lab/servers": ["lab/servers", "lab/core"],
    "harness/model": ["harness/model", "lab/core"],
    "harness/findings": ["harness/findings", "harness", "harness/model", "lab/core"],
    "harness": ["harness", "harness/model", "lab/core"],
    "scenarios": ["scenarios", "lab/core"],
    "results": ["results", "lab/core"],
    "lab": ["lab", "lab/core", "lab/servers", "harness", "harness/model", "harness/findings", "scenarios", "results"],
}
NETWORK = re.compile(r"^(boost/(asio|beast)[./]|httplib\.h$)")
BEAST = re.compile(r"^boost/beast[./]")
MOST_BEAST_FILES = 5
# What another module includes of the servers; Asio's 140,000 lines must not come with it.
SERVER_INTERFACE = {"lab/servers/modes/mode.hpp", "lab/servers/supervisor/server.hpp"}


def module_of(path):
    """The module that a path inside the checkout belongs to, or None."""
    return next((folder for folder in MODULES if path.startswith(folder + "/")), None)


def violations(root):
    found, beast_files = [], []
    for folder in ("lab", "harness", "scenarios", "results"):
        for file in sorted((root / folder).rglob("*.[ch]pp")):
            path = file.relative_to(root).as_posix()
            includes = INCLUDE.findall(file.read_text(encoding="utf-8"))
            module = module_of(path)
            for include in includes:
                other = module_of(include)
                if other and other not in MODULES[module]:
                    found.append(f"{path}: {module} must not include {other} ({include})")
                elif not other and not (root / include).exists() and (file.parent / include).exists():
                    found.append(f"{path}: write the path from the checkout's root, not {include}")
                if include.startswith("CLI/") and module != "lab":
                    found.append(f"{path}: only lab/ may include {include}")
                if NETWORK.match(include) and path.endswith(".hpp"):
                    if module != "lab/servers" or path in SERVER_INTERFACE:
                        found.append(f"{path}: no {include} in a header that others include")
            if any(BEAST.match(include) for include in includes):
                beast_files.append(path)
    if len(beast_files) > MOST_BEAST_FILES:
        found.append(f"Beast is in {len(beast_files)} files, at most {MOST_BEAST_FILES}: {', '.join(beast_files)}")
    return found


if __name__ == "__main__":
    problems = violations(Path(sys.argv[1]))
    print("\n".join(problems) or "every include points the right way")
    sys.exit(1 if problems else 0)
