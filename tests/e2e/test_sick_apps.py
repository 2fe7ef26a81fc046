"""tests/sick: apps whose fault is known, and what bench/score_lines.py makes of a diagnosis. Two of them are diagnosed here, all of them with LAB_FULL=1."""
import os
import sys
import tempfile
import unittest

import labcase
from labcase import ROOT, LabCase, timed

sys.path.insert(0, str(ROOT / "bench"))
import score_lines  # noqa: E402

SOME = ("node-readFileSync", "lock-across-await")  # another language, another fault than in test_inside.py


def diagnosis(*places):
    return {"inside": {"places": [{"file": None, "line": None, "call": None, "function": "f", **place} for place in places]}}


class Manifest(unittest.TestCase):
    def test_each_line_stands_in_its_file_once(self):
        apps = score_lines.manifest()
        for name, app in apps.items():
            with self.subTest(app=name):
                self.assertEqual(len(score_lines.line_numbers(app)), len(app.get("lines", ())))
                self.assertIn("{port}", score_lines.command(app, "/built"))
        healthy = [app for app in apps.values() if "lines" not in app]
        self.assertGreaterEqual(len(healthy), 6)
        self.assertGreaterEqual(len(apps) - len(healthy), 16)

    def test_only_the_first_place_counts_and_a_healthy_app_has_none(self):
        apps = score_lines.manifest()
        sick, healthy, compiled = apps["time-sleep"], apps["healthy-await"], apps["asio-handler-blocks"]
        right = {"file": str(score_lines.SICK / "time_sleep.py"), "line": score_lines.line_numbers(sick)[0]}
        other = {**right, "line": right["line"] + 1}
        self.assertTrue(score_lines.is_right(sick, diagnosis(right, other)))
        for said in (diagnosis(), diagnosis(other, right), diagnosis({**right, "file": "/tmp/time_sleep.py"}), {"failed": "no reply"}):
            self.assertFalse(score_lines.is_right(sick, said))
        self.assertTrue(score_lines.is_right(healthy, diagnosis()))
        self.assertFalse(score_lines.is_right(healthy, diagnosis(right)))
        self.assertTrue(score_lines.is_right(compiled, diagnosis({"call": "clock_nanosleep"})))
        self.assertFalse(score_lines.is_right(compiled, diagnosis({"call": "read"})))


class Apps(LabCase):
    @timed
    def test_lines_are_found_and_nobody_healthy_is_accused(self):
        full = bool(os.environ.get("LAB_FULL"))
        missed, accused = [], []
        with tempfile.TemporaryDirectory(prefix="lab-sick-") as folder:
            if full:
                score_lines.build(score_lines.Path(folder))
            for name, app in score_lines.manifest().items():
                if not (full or name in SOME) or score_lines.missing(app):
                    continue
                said, _ = score_lines.diagnose(labcase.lab_program(), app, folder, "15s" if full else "5s")
                if not score_lines.is_right(app, said):
                    (missed if "lines" in app else accused).append((name, said.get("failed") or score_lines.named(said)[:1]))
        self.assertLessEqual(len(missed), 1 if full else 0, missed)
        self.assertEqual(accused, [])


if __name__ == "__main__":
    unittest.main()
