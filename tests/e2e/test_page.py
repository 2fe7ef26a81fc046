"""The classroom page: it builds, stays small, its units hold, and it works in a real browser; so do a report and a served model."""
import gzip
import os
import re
import shutil
import subprocess
import unittest
from pathlib import Path

from labcase import PAGE_BUILT, LabCase

ROOT = Path(os.environ.get("LAB_ROOT", Path(__file__).resolve().parents[2]))
PAGE = ROOT / "lab/page"
WORK = ROOT / "build/page-test"  # npm writes here, never into the sources
CHROMIUM = os.environ.get("CHROMIUM") or shutil.which("chromium")
MOST_BYTES = 60_000  # of script, style and page, packed as they travel, without fonts and model
FAILED = re.compile(r"^\s*not ok .*(?:\n(?!# Subtest).*)*", re.MULTILINE)


@unittest.skipUnless(shutil.which("npm"), "npm is not installed: ./labw setup --with page")
class Page(LabCase):
    @classmethod
    def setUpClass(cls):
        """Builds it, with the packages of the lockfile and no others."""
        super().setUpClass()
        lock = PAGE / "package-lock.json"
        installed = WORK / "installed.json"  # the lockfile whose packages are there
        WORK.mkdir(parents=True, exist_ok=True)
        for folder in ("src", "public", "test", "browser"):
            shutil.rmtree(WORK / folder, ignore_errors=True)
            shutil.copytree(PAGE / folder, WORK / folder)
        for name in ("package.json", "package-lock.json", "tsconfig.json", "vite.config.ts"):
            shutil.copy(PAGE / name, WORK / name)
        if not installed.exists() or installed.read_bytes() != lock.read_bytes():
            cls.npm("ci", "--no-audit", "--no-fund", "--loglevel=error")
            shutil.copy(lock, installed)
        cls.npm("run", "--silent", "build", "--", "--logLevel", "error")

    @staticmethod
    def npm(*words, **environment):
        ran = subprocess.run(["npm", *words], cwd=WORK, capture_output=True, text=True, timeout=300, check=False,
                             env={**os.environ, "LAB_ROOT": str(ROOT), "CI": "true", **({"CHROMIUM": CHROMIUM} if CHROMIUM else {}),
                                  **environment})
        if ran.returncode != 0:
            failed = FAILED.findall(ran.stdout)
            raise AssertionError("\n".join(failed) if failed else ran.stdout + ran.stderr)
        return ran.stdout

    def test_script_and_style_stay_small(self):
        files = [path for path in (WORK / "dist").iterdir() if path.suffix in (".js", ".css", ".html")]
        self.assertGreaterEqual({path.name for path in files}, {"index.html", "page.js", "page.css", "boot.js"})
        packed = {path.name: len(gzip.compress(path.read_bytes(), 9)) for path in files}
        self.assertLess(sum(packed.values()), MOST_BYTES, packed)

    def test_nothing_comes_from_elsewhere(self):
        for path in (WORK / "dist").iterdir():
            if path.suffix in (".js", ".css", ".html"):
                named = set(re.findall(r"https?://[^\s\"'`)<>]+", path.read_text(encoding="utf-8")))
                self.assertEqual({name for name in named if not name.startswith("http://www.w3.org/")}, set(), path.name)

    def test_its_units_hold(self):
        self.assertIn("# fail 0", self.npm("test", "--silent"))

    @unittest.skipUnless(CHROMIUM, "chromium is not installed: ./labw setup --with test")
    def test_it_works_in_a_browser(self):
        said = self.npm("run", "--silent", "browser")
        self.assertIn("# fail 0", said)
        print(*re.findall(r"^# measured.*", said, re.MULTILINE), sep="\n")

    @unittest.skipUnless(CHROMIUM, "chromium is not installed: ./labw setup --with test")
    def test_what_the_program_hands_to_a_browser_works_there(self):
        kept = {}
        if PAGE_BUILT:
            text = (ROOT / "scenarios/blocking-async.toml").read_text(encoding="utf-8")
            (self.work / "evil.toml").write_text(text.replace('question = "', 'question = "</script><img src=x onerror=alert(1)>', 1), encoding="utf-8")
            self.lab("run", "./evil.toml", "--quick", "--quiet", "--save", "run")
            (self.work / "run.html").write_text(self.lab("report", "run", "--format", "html").out, encoding="utf-8")
            (self.work / "slide.html").write_text(self.lab("report", "run", "--slide", "--format", "html").out, encoding="utf-8")
            kept = {"LAB_REPORT": str(self.work / "run.html"), "LAB_SLIDE": str(self.work / "slide.html")}
        with self.serving("async-loop") as server:
            said = self.npm("run", "--silent", "handed", LAB_SERVED=f"http://127.0.0.1:{server.port}/", **kept)
        self.assertIn("# fail 0", said)


if __name__ == "__main__":
    unittest.main(verbosity=2)
