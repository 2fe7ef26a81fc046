"""Each fuzzer runs for a few seconds, the same way each time; ten times as many inputs with LAB_FULL=1.

What one finds stays in the folder fuzz/ of the build. Its input belongs into tests/fuzz/found/NAME/, where each run begins
with it, once the defect is mended.
"""
import os
import re
import shutil
import subprocess
import tempfile
import unittest
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PROGRAMS = Path(os.environ.get("LAB", ROOT / "build/asan/bin/lab")).resolve().parents[1] / "fuzz"
FULL = 10 if os.environ.get("LAB_FULL") else 1
LAST = re.compile(r"DONE +(?:cov: \d+ +)?ft: (\d+)")


class Fuzzers(unittest.TestCase):
    def fuzz(self, name, runs, *corpora, longest=4096):
        """So many inputs, of which the files of these folders are the first."""
        program = PROGRAMS / f"fuzz_{name}"
        if not program.exists():
            self.skipTest("clang's libFuzzer (Debian's libclang-rt-14-dev) was not there when this was built")
        found = ROOT / "tests/fuzz/found" / name
        with tempfile.TemporaryDirectory(prefix="lab-fuzz-") as folder:
            new, seeds = Path(folder, "new"), Path(folder, "seeds")
            new.mkdir()
            seeds.mkdir()
            for corpus in (*corpora, found):
                for file in corpus.glob("*"):
                    if file.is_file():
                        shutil.copy2(file, seeds)
            command = [program, "-seed=19", f"-runs={runs * FULL}", f"-max_len={longest}", "-timeout=60", "-rss_limit_mb=1500",
                       f"-artifact_prefix={PROGRAMS}/{name}-", new, seeds]
            ran = subprocess.run(command, env={**os.environ, "LAB_FUZZ_SEEDS": str(seeds)}, capture_output=True,
                                 text=True, errors="replace")
        self.assertEqual(ran.returncode, 0, f"{' '.join(map(str, command))}\n{ran.stderr[-6000:]}\n"
                         f"Look at it with {program} FILE; keep it in {found} once it is mended.")
        # As many different branches as seeds alone do not take show that these are counted.
        self.assertGreater(int(LAST.search(ran.stderr)[1]), 100, ran.stderr[-1000:])

    def test_requests(self):
        self.fuzz("request", 20000)

    def test_replies(self):
        self.fuzz("reply", 15000)

    def test_websockets(self):
        self.fuzz("websocket", 12000)

    def test_scenario_files(self):
        self.fuzz("scenario", 1500, ROOT / "scenarios")

    def test_run_records(self):
        self.fuzz("record", 150, longest=20000)

    def test_submissions(self):
        self.fuzz("submission", 200, longest=20000)


if __name__ == "__main__":
    unittest.main()
