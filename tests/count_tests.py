"""Counts test cases in a JUnit file of ctest: prints `PASSED FAILED`.

ctest counts programs; a Catch2 or unittest program says in its output how many cases it ran. A program that failed
without having counted a failure (crash, timeout, sanitizer) is one failure more.
"""
import re
import sys
import xml.etree.ElementTree as ElementTree

CATCH_ALL_PASSED = re.compile(r"All tests passed \(.*? in (\d+) test cases?\)")
CATCH_SOME_FAILED = re.compile(r"^test cases:\s*(\d+)\s*\|(.*)$", re.M)
UNITTEST = re.compile(r"^Ran (\d+) tests? in .*\n\n(OK|FAILED)(?: \((.*)\))?", re.M)


def cases(output):
    """(passed, failed) as the program itself counted, or None where it did not."""
    if found := CATCH_ALL_PASSED.search(output):
        return int(found[1]), 0
    if found := CATCH_SOME_FAILED.search(output):
        failed = re.search(r"(\d+) failed", found[2])
        failed = int(failed[1]) if failed else 0
        return int(found[1]) - failed, failed
    if found := UNITTEST.search(output):
        details = dict(re.findall(r"([a-z][a-z ]*)=(\d+)", found[3] or ""))
        failed = sum(int(details.get(key, 0)) for key in ("failures", "errors", "unexpected successes"))
        skipped = sum(int(details.get(key, 0)) for key in ("skipped", "expected failures"))
        # A test with failing subtests counts each of them, so more can fail than ran.
        return max(0, int(found[1]) - failed - skipped), failed
    return None


def count(junit):
    passed = failed = 0
    for case in ElementTree.parse(junit).getroot().iter("testcase"):
        ended_well = case.get("status") == "run"
        good, bad = cases(case.findtext("system-out") or "") or ((1, 0) if ended_well else (0, 1))
        if not ended_well and bad == 0:
            bad = 1
        passed += good
        failed += bad
    return passed, failed


if __name__ == "__main__":
    print(*count(sys.argv[1]))
