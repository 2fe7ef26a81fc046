"""Reads a JUnit file of ctest: prints `PASSED FAILED SKIPPED ATTEMPTS`, and appends to NOTES a line for every skip, every second
attempt and every test that took long.

ctest counts programs; a Catch2 or unittest program says in its output how many cases it ran. A program that failed
without having counted a failure (crash, timeout, sanitizer) is one failure more. A Catch2 case skips itself by a warning
"skipped: REASON".
"""
import re
import sys
import xml.etree.ElementTree as ElementTree

CATCH_ALL_PASSED = re.compile(r"All tests passed \(.*? in (\d+) test cases?\)")
CATCH_SOME_FAILED = re.compile(r"^test cases:\s*(\d+)\s*\|(.*)$", re.M)
CATCH_SKIPPED = re.compile(r"^ *skipped: (.*)$", re.M)
UNITTEST = re.compile(r"^Ran (\d+) tests? in .*\n\n(OK|FAILED)(?: \((.*)\))?", re.M)
UNITTEST_SKIPPED = re.compile(r"\.\.\. skipped (['\"])(.*)\1$", re.M)
SECOND_ATTEMPT = re.compile(r"^second attempt: (.*)$", re.M)
TOOK = re.compile(r"^(\d+\.\d+) s: (.*)$", re.M)  # Catch2's --min-duration, and labcase.py


def cases(output):
    """(passed, failed, skipped) as the program itself counted, or None where it did not."""
    if found := CATCH_ALL_PASSED.search(output):
        skipped = len(CATCH_SKIPPED.findall(output))
        return int(found[1]) - skipped, 0, skipped
    if found := CATCH_SOME_FAILED.search(output):
        failed = re.search(r"(\d+) failed", found[2])
        failed, skipped = int(failed[1]) if failed else 0, len(CATCH_SKIPPED.findall(output))
        return max(0, int(found[1]) - failed - skipped), failed, skipped
    if found := UNITTEST.search(output):
        details = dict(re.findall(r"([a-z][a-z ]*)=(\d+)", found[3] or ""))
        failed = sum(int(details.get(key, 0)) for key in ("failures", "errors", "unexpected successes"))
        skipped = sum(int(details.get(key, 0)) for key in ("skipped", "expected failures"))
        # A test with failing subtests counts each of them, so more can fail than ran.
        return max(0, int(found[1]) - failed - skipped), failed, skipped
    return None


def notes(program, output):
    """(kind, text) of what a reader of the suite's end should know about this program; `took` has its seconds first."""
    for reason in [found[1] for found in UNITTEST_SKIPPED.findall(output)] + CATCH_SKIPPED.findall(output):
        yield "skipped", f"{program}: {reason}"
    for attempt in SECOND_ATTEMPT.findall(output):
        yield "second attempt", f"{program}: {attempt}"
    for seconds, name in TOOK.findall(output):
        yield "took", f"{float(seconds):8.2f} s  {program}: {name}"


def count(junit):
    """(passed, failed, skipped, notes)"""
    passed = failed = skipped = 0
    noted = []
    for case in ElementTree.parse(junit).getroot().iter("testcase"):
        output = case.findtext("system-out") or ""
        ended_well = case.get("status") == "run"
        good, bad, left_out = cases(output) or ((1, 0, 0) if ended_well else (0, 1, 0))
        if not ended_well and bad == 0:
            bad = 1
        passed, failed, skipped = passed + good, failed + bad, skipped + left_out
        noted += notes(case.get("name"), output)
    return passed, failed, skipped, noted


if __name__ == "__main__":
    *numbers, lines = count(sys.argv[1])
    print(*numbers, sum(kind == "second attempt" for kind, _ in lines))
    with open(sys.argv[2], "a", encoding="utf-8") as file:
        file.writelines(f"{kind}: {text}\n" for kind, text in lines)
