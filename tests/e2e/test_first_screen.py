"""The text of run, predict and report: question, table, lanes and one sentence on a screen of 24 rows, all else behind --details."""
import json
import re
import tomllib
import unittest

from labcase import ROOT, LabCase, cells

NAMES = sorted(file.stem for file in (ROOT / "scenarios").glob("*.toml"))
RECORDED = ("blocking-async", "forgotten-await", "gil", "pool-limit", "worker-identity")
ROWS = 23  # the shell's next prompt is the 24th
MODEL = ("--engine", "model", "--no-save", "--quiet")
NOTES = ("LOOP", "AWAIT", "PATH", "TAIL", "WHY", "LOG", "NOTE")
ANSI = re.compile(r"\x1b\[[0-9;]*[A-Za-z]")


class FirstScreen(LabCase):
    def assert_is_a_screen(self, text, columns, name):
        lines = text.rstrip("\n").splitlines()
        self.assertLessEqual(len(lines), ROWS, f"{name} at {columns} columns:\n{text}")
        for line in lines:
            self.assertLessEqual(cells(line), columns, f"{name}: {line}")
            self.assertNotIn("…", line.replace(" … ", ""), f"{name}: something is cut")
        self.assertNotRegex(text, rf"(?m)^(?:{'|'.join(NOTES)}) ", name)
        self.assertRegex(text, r"(?m)^SO    \w", name)
        self.assertRegex(text, r"(?m)^NEXT  lab run ", name)

    def of_terminal(self, *args, columns):
        ran = self.in_terminal(*args, columns=columns, rows=24, env={"NO_COLOR": "1"})
        return ANSI.sub("", ran.out).replace("\r\n", "\n")

    def test_every_prediction_fits_24_rows_of_80_columns_and_of_120(self):
        for name in NAMES:
            self.assert_is_a_screen(self.lab("predict", name).out, 80, name)
            self.assert_is_a_screen(self.of_terminal("predict", name, columns=120), 120, name)

    def test_every_table_of_a_run_fits_24_rows_of_80_columns_and_of_120(self):
        for name in NAMES:
            self.assert_is_a_screen(self.lab("run", name, *MODEL).out, 80, name)
            self.assert_is_a_screen(self.of_terminal("run", name, *MODEL, columns=120), 120, name)

    def test_recorded_fastapi_fits_too_and_begins_with_the_question(self):
        for name in RECORDED:
            out = self.lab("run", name, "--engine", "recorded", "--no-save", "--quiet").out
            self.assertLessEqual(len(out.splitlines()), ROWS, out)
            question = tomllib.loads((ROOT / f"scenarios/{name}.toml").read_text())["question"]
            self.assertEqual(out.split("?")[0][-12:], question.split("?")[0][-12:])

    def test_details_are_one_option_away_and_the_last_line_says_so(self):
        first = self.lab("predict", "gil").out
        self.assertRegex(first.splitlines()[-1], r"^MORE  --details adds WHY, NOTE$")
        details = self.lab("predict", "gil", "--details").out
        for tag in ("WHY", "NOTE", "SO", "NEXT"):
            self.assertRegex(details, rf"(?m)^{tag} ")
        self.assertNotIn("MORE", details)
        remarks = json.loads(self.lab("predict", "gil", "--format", "json").out)["remarks"]
        self.assertTrue({"WHY", "NOTE", "SO", "NEXT"} <= {remark["tag"] for remark in remarks})
        self.assertIn("--details adds to the text", self.lab("predict", "gil", "--details", "--format", "md", code=2).err)

    def test_a_kept_run_is_reported_again_with_details(self):
        first = self.lab("run", "blocking-async", "--scale", "0.1", "--repeat", 1, "--quiet").out
        self.assertRegex(first.splitlines()[-1], r"^MORE  lab report last --details    \(WHY, .*\)$")
        details = self.lab("report", "last", "--details").out
        self.assertRegex(details, r"(?m)^WHY   blocking-loop: LAB101")
        self.assertEqual(self.lab("report", "last").out.splitlines()[:8], first.splitlines()[:8])

    def test_a_check_that_fails_is_seen_without_details(self):
        file = self.work / "late.toml"
        file.write_text('question = "Late?"\n[routes.r]\nrequest = "GET /r"\nsteps = [{ wait = "20ms" }]\n[[load]]\nroute = "r"\n'
                        'arrivals = "burst"\nrequests = 1\n[[arms]]\nid = "one"\nmode = "async-loop"\n'
                        '[[checks]]\nstat = "makespan"\nat_most = "1ms"\n')
        self.assertRegex(self.lab("run", file, *MODEL).out, r"(?m)^Late\?$")
        quiet = self.lab("run", file, "--no-save", "--quiet", "--repeat", 1).out
        self.assertRegex(quiet, r"(?m)^WARN  1 of 1 checks failed")
        asked = self.lab("run", file, "--no-save", "--quiet", "--repeat", 1, "--check", code=1).out
        self.assertRegex(asked, r"(?m)^CHECK FAILED makespan at most 1 ms")

    def test_formulas_have_a_legend_of_the_letters_that_occur(self):
        out = self.lab("predict", "blocking-async").out
        self.assertIn("\nN = requests, d = one wait, P = threads of a pool, W = workers\n", out)
        self.assertIn("c = one computation", self.lab("predict", "gil", "--ascii").out)
        self.assertNotIn("c = one computation", self.lab("predict", "blocking-async", "--ascii").out)
        self.assertIn("N = requests, d = one wait", self.lab("show", "blocking-async", "--answers").out)

    def test_a_wide_terminal_is_used_up_to_120_columns(self):
        def widest(columns):
            return max(cells(line) for line in self.of_terminal("predict", "worker-identity", columns=columns).splitlines())
        self.assertGreater(widest(100), 85)
        self.assertGreater(widest(120), 100)
        self.assertLessEqual(widest(200), 120)


if __name__ == "__main__":
    unittest.main()
