"""`lab verify`: the documents' claims against real runs, its exit codes, its forms."""
import csv
import json
import signal
import unittest

from labcase import ROOT, LabCase, cells

# Quick to run: waits of some milliseconds, whose order no noise turns round.
HEAD = '''
documents = { D2 = { title = "A guide", contributes = "a log" } }
[runs]
blocking-async = { least_scale = 0.2 }
'''
CLAIM = '''
[[claims]]
id = "D2-%(id)s"
document = "D2"
section = "part 9"
about = "%(about)s"
claim = "Ten requests on a blocked loop take %(times)s waits."
scenario = "%(scenario)s"
test = [{ arm = "blocking-loop", stat = "makespan", is = "above", times = %(times)s, of = "$d" }]
outcome = "%(outcome)s"
why = "One after another."
'''


def claim(id, times, outcome, about="concurrency", scenario="blocking-async"):
    return CLAIM % {"id": id, "times": times, "outcome": outcome, "about": about, "scenario": scenario}


def counted(id, outcome, relation="below"):
    """A claim about a count, which no busy machine leaves inconclusive: no request failed. It is true, and false "above"."""
    return claim(id, 8, outcome).replace('"makespan", is = "above", times = 8, of = "$d"', f'"count(error)", is = "{relation}", value = 1')


class Verify(LabCase):
    def claims(self, *claims):
        file = self.work / "claims.toml"
        file.write_text(HEAD + "".join(claims), encoding="utf-8")
        return file

    def test_outcomes_as_on_record(self):
        file = self.claims(counted("true", "verified"), counted("false", "refuted", "above"))
        ran = self.lab("verify", "--file", file, "--quiet")
        self.assertIn("2 claims: 1 verified, 1 refuted, 0 qualified, as expected; 0 differing", " ".join(ran.out.split()))
        self.assertIn("1 run of 3 repetitions", ran.out)
        self.assertEqual(ran.err, "")
        self.assertTrue(all(cells(line) <= 80 for line in ran.out.splitlines()), ran)

    def test_an_outcome_that_differs_exits_1_and_is_named(self):
        ran = self.lab("verify", "--file", self.claims(counted("failing", "refuted"), counted("slower", "verified")), code=1)
        self.assertIn("DIFFERS on record: refuted", ran.out)
        self.assertIn("differing: D2-failing", ran.out)
        self.assertIn("once more, 1 of 1: blocking-async", ran.err)

    def test_json_is_one_document_with_what_was_measured(self):
        told = self.lab_json("verify", "--file", self.claims(claim("slow", 8, "verified")), "--repeat", "4", code=None)
        self.assert_obeys(told, "verify")
        condition = told["claims"][0]["conditions"][0]
        self.assertEqual(condition["scale"], 0.2)
        self.assertAlmostEqual(condition["limit"]["median"], 0.16)
        self.assertGreater(condition["measured"]["median"], 0.19)
        if told["noise"]:  # others took the cores, at least in its last run
            self.assertIn(told["inconclusive"], ([], ["D2-slow"]))
            self.assertGreater(told["runs"], 1)
        else:
            self.assertEqual((told["verified"], told["recorded"], told["differing"], told["inconclusive"]), (1, 0, [], []))
            self.assertEqual((len(condition["all"]), condition["holds"]), (4, True))
    def test_one_claim_is_reported_with_its_reason_and_command(self):
        file = self.claims(counted("slow", "verified"), counted("slower", "verified"))
        ran = self.lab("verify", "--file", file, "--claim", "D2-slow")
        self.assertIn("WHY One after another.", ran.out)
        self.assertIn("lab run blocking-async", ran.out)
        self.assertNotIn("D2-slower", ran.out)

    def test_fastapi_that_is_missing_leaves_its_claims_open_with_the_reason(self):
        file = self.claims(counted("slow", "verified"),
                           claim("real", 8, "verified", about="fastapi", scenario="ten-by-one-second"))
        ran = self.lab("verify", "--file", file, "--python", "/nowhere/python3")
        self.assertIn("2 claims: 1 verified, 0 refuted, 0 qualified, as expected; 0 differing, 1 inconclusive",
                      " ".join(ran.out.split()))
        self.assertIn("inconclusive: D2-real", ran.out)
        self.assertIn("/nowhere/python3", ran.out)
        ran = self.lab("verify", "--file", file, "--python", "/nowhere/python3", "--claim", "D2-real", code=3)

    def test_what_recordings_of_fastapi_decide_is_recorded_and_not_verified(self):
        file = self.claims(claim("real", 8, "verified", about="fastapi"), claim("other", 40, "refuted", about="fastapi"))
        ran = self.lab("verify", "--file", file, "--python", "/nowhere/python3")
        self.assertIn("2 claims: 0 verified, 0 refuted, 0 qualified, as expected; 2 decided by recordings, not here; 0 differing, "
                      "0 inconclusive", " ".join(ran.out.split()))
        self.assertRegex(ran.out, r"(?m)^recorded +D2-real")
        self.assertRegex(ran.out, r"(?m)^ +refuted by a recording of FastAPI$")
        told = self.lab_json("verify", "--file", file, "--python", "/nowhere/python3")
        self.assert_obeys(told, "verify")
        self.assertEqual((told["verified"], told["refuted"], told["recorded"]), (0, 0, 2))
        self.assertEqual([one["recorded"] for one in told["claims"]], [True, True])

    def test_a_claim_of_the_documents_names_the_engine_and_is_recorded_where_there_is_no_fastapi(self):
        ran = self.lab("verify", "--claim", "D2.9-async-0.03", "--python", "/nowhere/python3", "--format", "csv", "--quiet")
        row, = csv.DictReader(ran.out.splitlines())
        self.assertEqual((row["decided on"], row["found"], row["on record"]), ("FastAPI, recorded", "refuted", "refuted"))
        ran = self.lab("verify", "--claim", "D2.9-async-0.03", "--python", "/nowhere/python3", "--quiet")
        self.assertIn("recorded     D2.9-async-0.03, part 9; decided on FastAPI, recorded\n", ran.out)

    def test_markdown_is_a_table_with_the_engine(self):
        ran = self.lab("verify", "--file", self.claims(counted("true", "verified")), "--format", "md", "--quiet")
        self.assertIn("| D2-true | D2 | part 9 | Ten requests on a blocked loop take 8 waits. | C++ | verified | verified |", ran.out)

    def test_what_asks_a_database_waits_for_postgresql(self):
        ran = self.lab("verify", "--claim", "D2.8-blocking-driver", "--quiet", code=3)
        self.assertIn("PostgreSQL", ran.out)

    def test_save_keeps_a_run_that_can_be_reported(self):
        file = self.claims(counted("slow", "verified"))
        self.lab("verify", "--file", file, "--save")
        runs = list(self.runs.iterdir())
        self.assertEqual(len(runs), 1)
        self.assertIn("blocking-loop", self.lab("report", runs[0]).out)

    def test_list_and_page_run_nothing(self):
        listed = self.lab("verify", "--list", within=10)
        self.assertIn("D2.9-async-0.03", listed.out)
        self.assertTrue(all(cells(line) <= 80 for line in listed.out.splitlines()))
        claims = self.lab_json("verify", "--list", "--document", "D3")["claims"]
        self.assertTrue(claims and all(one["document"] == "D3" for one in claims))
        self.assert_obeys(self.lab_json("verify", "--list"), "verify")
        page = self.lab("verify", "--page", within=10).out
        self.assertEqual(page, (ROOT / "results/claims.md").read_text(encoding="utf-8"))
        self.assertFalse(self.runs.exists())

    def test_bad_words_are_refused_before_anything_runs(self):
        for args, words in [
            (["--claim", "D2.9-async-0.3"], ["D2.9-async-0.03"]),
            (["--document", "D9"], ["D0"]),
            (["--document", "D3", "--claim", "D2.9-async-0.03"], ["no claim belongs to this --document"]),
            (["--repeat", "2"], ["--repeat", "3"]),
            (["--scale", "0"], ["--scale"]),
            (["--format", "svg"], ["text, json"]),
            (["--list", "--format", "csv"], ["--page"]),
            (["--file", "nowhere.toml"], ["nowhere.toml"]),
            (["--file", str(self.claims(claim("slow", 8, "maybe")))], ["claims.toml:", "'maybe'"]),
        ]:
            ran = self.lab("verify", *args, code=2, within=10)
            for word in words:
                self.assertIn(word, ran.err, ran)
            self.assertEqual((ran.out, len(ran.err.splitlines())), ("", 1), ran)

    def test_interrupted(self):
        file = self.claims(claim("slow", 8, "verified"))
        process = self.start("verify", "--file", file, "--scale", "20")
        while "blocking-async" not in process.stderr.readline():
            self.assertIsNone(process.poll())
        process.terminate()
        ran = self.finish(process)
        self.assertEqual(ran.code, 143, ran)
        self.assertIn("WARN interrupted: only these 0 of 1 claims were decided", ran.out)

    def test_interrupted_it_keeps_what_was_decided(self):
        file = self.claims(counted("slow", "verified"), claim("later", 4, "verified", scenario="ten-by-one-second"))
        process = self.start("verify", "--file", file, "--scale", "0.5", "--format", "json")
        while "ten-by-one-second" not in process.stderr.readline():
            self.assertIsNone(process.poll())
        process.send_signal(signal.SIGINT)
        ran = self.finish(process)
        self.assertEqual(ran.code, 130, ran)
        told = json.loads(ran.out)
        self.assert_obeys(told, "verify")
        self.assertFalse(told["complete"])
        self.assertEqual([one["id"] for one in told["claims"]], ["D2-slow"])
        self.assertEqual((told["verified"], told["inconclusive"], told["not_decided"]), (1, [], 1))


if __name__ == "__main__":
    unittest.main()
