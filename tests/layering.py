"""Checks the #includes of a checkout against the one-way rule: core <- model <- harness <- results <- lab, servers and scenarios
beside them on core alone, and inside each of them room by room.

Usage: layering.py ROOT. Prints one line per violation; exit 1 where there is any.
"""
import re
import sys
from pathlib import Path

INCLUDE = re.compile(r'^\s*#\s*include\s*[<"]([^>"]+)[>"]', re.M)
# Every room, and the rooms of which it may include. Tests and their helpers may include of any room below their module's.
CORE = ["lab/core"]
SERVERS = ["lab/servers", "lab/servers/http", "lab/servers/steps", "lab/servers/worker", "lab/servers/task_queue",
           "lab/servers/event_loop", "lab/servers/modes", "lab/servers/supervisor", "lab/servers/static"]
HARNESS = ["harness/model", "harness/statistics", "harness/trace", "harness/client", "harness/external", "harness/analysis"]
RESULTS = ["results/store", "results/render", "results/report", "results/formats"]
SCENARIOS = ["scenarios/loader", "scenarios/export"]
LAB = ["lab/experiment", "lab/course", "lab/page", "lab/cli", "lab/cli/commands"]


def upwards(rooms, below):
    """Each room may include of those that stand before it, and of what is below them all."""
    return {room: [*below, *rooms[:place + 1]] for place, room in enumerate(rooms)}


ROOMS = {
    **upwards(CORE, []),
    **upwards(SERVERS, CORE),
    **upwards(HARNESS, CORE),
    "harness/findings": [*CORE, *HARNESS, "harness/findings"],
    "harness/diagnosis": [*CORE, *HARNESS, "harness/diagnosis"],
    "harness/inside": [*CORE, *HARNESS, "harness/diagnosis", "harness/inside"],
    **upwards(SCENARIOS, CORE),
    **upwards(RESULTS, [*CORE, *HARNESS, "harness/findings", "harness/diagnosis", "harness/inside"]),
    **upwards(LAB, [*CORE, "lab/servers", "lab/servers/steps", "lab/servers/supervisor", *HARNESS, "harness/findings", "harness/diagnosis", "harness/inside", *SCENARIOS,
                    *RESULTS]),
    "lab/page/wasm": [*CORE, "lab/servers", "scenarios/loader", "results/store", "results/report", "lab/experiment", "lab/page", "lab/page/wasm"],
    "lab": [*CORE, *LAB],
}
NETWORK = re.compile(r"^(boost/(asio|beast)[./]|httplib\.h$)")
CLI11 = "lab/cli/command.cpp"  # its header takes seconds to compile
# What another module includes of the servers; Asio's 140,000 lines must not come with it.
SERVER_INTERFACE = {"lab/servers/mode.hpp", "lab/servers/supervisor/server.hpp"}


def module_of(room):
    """`harness/model/testing` belongs to harness/model; a test may include what any room of its module may."""
    return next((part for part in ("lab/servers", "harness/model", "harness/findings", "harness/diagnosis", "harness/inside", "harness", "scenarios", "results",
                                   "lab/core") if f"{room}/".startswith(part + "/")), "lab")


def allowed(path, room):
    if not path.endswith("_test.cpp") and not room.endswith("/testing"):
        return ROOMS[room]
    module = module_of(room)
    return {other for part, others in ROOMS.items() if module_of(part) == module for other in others}


def violations(root):
    found = []
    for folder in ("lab", "harness", "scenarios", "results"):
        for file in sorted((root / folder).rglob("*.[ch]pp")):
            path = file.relative_to(root).as_posix()
            includes = INCLUDE.findall(file.read_text(encoding="utf-8"))
            room = path.rpartition("/")[0]
            if room not in ROOMS and not (room.endswith("/testing") and room.removesuffix("/testing") in [*ROOMS, "harness"]):
                found.append(f"{path}: {room} is no room of this house (tests/layering.py)")
                continue
            module, below = module_of(room), allowed(path, room)
            for include in includes:
                other = include.rpartition("/")[0]
                if other in ROOMS and other not in below:
                    found.append(f"{path}: {room} must not include {other} ({include})")
                elif not (root / include).exists() and (file.parent / include).exists():
                    found.append(f"{path}: write the path from the checkout's root, not {include}")
                if include.startswith("CLI/") and path != CLI11:
                    found.append(f"{path}: only {CLI11} may include {include}")
                if NETWORK.match(include) and path.endswith(".hpp"):
                    if module != "lab/servers" or path in SERVER_INTERFACE:
                        found.append(f"{path}: no {include} in a header that others include")
    return found


if __name__ == "__main__":
    problems = violations(Path(sys.argv[1]))
    print("\n".join(problems) or "every include points the right way")
    sys.exit(1 if problems else 0)
