"""`lab log`: every timing that the documents state, beside what was run."""
import csv
import json
import signal
import unittest

from labcase import ROOT, LabCase, cells, figures, measured


class Log(LabCase):
    @measured
    def test_the_three_rows_of_the_experiment_log(self):
        report = self.lab_json("log", "--quick", "--engine", "native", "--document", "D2")
        self.assert_obeys(report, "log")
        self.assertTrue(report["complete"])
        rows = {row["configuration"]: row for row in report["rows"] if row["place"].startswith("part 9")}
        self.assertEqual([row["execution_model"] for row in rows.values()],
                         ["Sequential (broken)", "Concurrent (correct)", "Thread pool parallel"])
        for row in report["rows"]:
            native = row["engines"]["native"]
            if row["bound"] is not None:
                self.assertGreaterEqual(native["median"], row["bound"] * 0.999, row)
        ten = next(row for row in report["rows"] if row["claimed"] == "10 seconds")
        light = next(row for row in report["rows"] if row["claimed"] == "<50ms")
        self.assertEqual((light["relation"], light["claimed_value"], light["scale"]), ("below", 0.05, 1))
        self.assertEqual((ten["scale"], ten["scenario"]), (0.1, "ten-by-one-second"))
        with figures():
            verdicts = {row["claimed"]: row["engines"]["native"]["verdict"] for row in rows.values()}
            self.assertEqual(verdicts, {"~1.1s": "reproduced", "~0.03s": "impossible", "~0.12s": "reproduced"})
            self.assertAlmostEqual(ten["engines"]["native"]["median"], 1, delta=0.1)

    def test_fits_80_columns_and_says_how_far_it_is(self):
        ran = self.lab("log", "--quick", "--engine", "native", "--document", "D3")
        self.assertIn("D3  Concurrency: Mastering Async and Await", ran.out)
        self.assertRegex(ran.out, r'"entire server is +5 seconds +0.4\d+ s +0.\d+ s  \w+')
        self.assertRegex(ran.out, r"\n  frozen\" +× 0.1\n")
        self.assertIn("lab run frozen-server", ran.out)
        self.assertTrue(all(cells(line) <= 80 for line in ran.out.splitlines()), ran)
        self.assertIn("run 1 of", ran.err)

    def test_csv_and_markdown_have_a_row_for_each_timing(self):
        ran = self.lab("log", "--quick", "--engine", "native", "--document", "D0", "--format", "csv", "--quiet")
        rows = list(csv.DictReader(ran.out.splitlines()))
        self.assertEqual([row["claimed"] for row in rows], ["50ms", "51ms", "52ms", "3 seconds", "1 second", "1000s", "thousands"])
        self.assertEqual({row["engine"] for row in rows}, {"native"})
        ran = self.lab("log", "--quick", "--engine", "native", "--document", "D0", "--format", "md", "--quiet")
        self.assertIn("| D0 practical example | 3 × await slow_operation(1.0) | Sequential (slow) | 3 seconds × 0.1 |", ran.out)

    def test_both_engines_are_asked_where_none_is_named(self):
        report = self.lab_json("log", "--quick", "--document", "D0", "--python", "/nowhere/python3")
        self.assert_obeys(report, "log")
        for row in report["rows"]:
            self.assertEqual(set(row["engines"]), {"native", "fastapi"})
            self.assertIn("/nowhere/python3", row["engines"]["fastapi"]["absent"])

    def test_where_fastapi_is_not_there_its_recording_stands_in_and_is_marked(self):
        report = self.lab_json("log", "--quick", "--document", "D2", "--engine", "fastapi,fastapi", "--python", "/nowhere/python3")
        self.assert_obeys(report, "log")
        cells = {row["claimed"]: row["engines"]["fastapi"] for row in report["rows"]}
        self.assertEqual({claimed for claimed, cell in cells.items() if cell["recorded"]}, {"~1.1s", "~0.03s", "~0.12s"})
        self.assertEqual(cells["~0.03s"]["verdict"], "impossible")
        self.assertEqual(cells["10 seconds"]["all"], [])

    def test_what_it_does_not_know_is_refused(self):
        for words, wrong in ((("--document", "D9"), "unknown document 'D9'"), (("--engine", "nativ"), "unknown engine 'nativ' (did you mean 'native'?")):
            ran = self.lab("log", *words, code=2)
            self.assertIn(wrong, ran.err)
            self.assertEqual((ran.out, len(ran.err.splitlines())), ("", 1), ran)

    def test_interrupted_it_keeps_what_was_run(self):
        process = self.start("log", "--engine", "native", "--document", "D0", "--format", "json")
        while "sequential-vs-gather" not in process.stderr.readline():
            self.assertIsNone(process.poll())
        process.send_signal(signal.SIGINT)
        ran = self.finish(process)
        self.assertEqual(ran.code, 130, ran)
        report = json.loads(ran.out)
        self.assert_obeys(report, "log")
        self.assertFalse(report["complete"])
        self.assertEqual(len(report["rows"][0]["engines"]["native"]["all"]), 6)
        self.assertEqual(report["rows"][-1]["engines"]["native"]["all"], [])

    def test_what_was_not_run_is_named_once_in_the_text(self):
        process = self.start("log", "--engine", "native", "--document", "D0")
        while "sequential-vs-gather" not in process.stderr.readline():
            self.assertIsNone(process.poll())
        process.send_signal(signal.SIGINT)
        ran = self.finish(process)
        self.assertIn("WARN  interrupted: rows without a figure have not been run", ran.out)
        self.assertNotIn("it was not run", ran.out)


class Documents(LabCase):
    def test_the_five_documents_are_named_with_what_each_contributes(self):
        told = self.lab_json("list", "--documents")
        self.assert_obeys(told, "documents")
        self.assertEqual([one["document"] for one in told["documents"]], ["D0", "D1", "D2", "D3", "D4"])
        d2 = told["documents"][2]
        self.assertIn("blocking-async", d2["scenarios"])
        self.assertEqual(sum(one["claims"] for one in told["documents"]), len(self.lab_json("verify", "--list")["claims"]))
        text = self.lab("list", "--documents").out
        self.assertTrue(all(cells(line) <= 80 for line in text.splitlines()), text)
        self.assertIn("lab log --document D2", text)
        readme = (ROOT / "README.md").read_text(encoding="utf-8")
        for one in told["documents"]:
            self.assertIn(f"| {one['document']} | {one['title']} | {one['contributes']} |", readme.replace("`main", "main").replace(".py`", ".py"))
            self.assertIn(one["title"], text)

    def test_they_come_as_csv_and_markdown_too(self):
        rows = list(csv.DictReader(self.lab("list", "--documents", "--format", "csv").out.splitlines()))
        self.assertEqual(rows[3]["title"], "Concurrency: Mastering Async and Await")
        self.assertIn("| D3 | Concurrency: Mastering Async and Await |", self.lab("list", "--documents", "--format", "md").out)
        self.assertIn("--documents", self.lab("list", "--format", "json", code=2).err)


if __name__ == "__main__":
    unittest.main()
