"""`lab compare`, `lab sweep` and `lab report --other-tools` from outside."""
import csv
import io
import json
import signal
import unittest
import xml.etree.ElementTree as ElementTree
import zlib

import jsonschema

from labcase import ESCAPE, ROOT, LabCase, wait_until

# Everything but the arms' waiting is small, so that a few repetitions take a second even under a sanitizer.
QUICK = '''
question = "How long do four requests take?"
params   = { d = "20ms" }
[routes.slow]
request = "GET /slow"
steps   = [{ wait = "$d" }]
[[load]]
route = "slow"
arrivals = "burst"
requests = 4
[[arms]]
id = "blocking"
mode = "blocking-loop"
[[arms]]
id = "workers"
mode = "blocking-loop"
workers = 2
[[checks]]
stat = "makespan"
within = "50%"
'''


def valid(document, name):
    schema = json.loads((ROOT / "results/schema" / f"{name}.schema.json").read_text())
    jsonschema.validate(document, schema)
    return document


class Case(LabCase):
    def setUp(self):
        super().setUp()
        self.file = self.work / "quick.toml"
        self.file.write_text(QUICK)

    def run_quick(self, name, *options, repeat=4):
        self.lab("run", self.file, "--repeat", repeat, "--save", self.work / name, "--quiet", *options)
        return name


class Compare(Case):
    def test_twice_the_waiting_is_slower_and_check_says_so(self):
        self.run_quick("before", "--arms", "blocking")
        self.run_quick("after", "--arms", "blocking", "--delay", "60ms")
        document = valid(self.lab_json("compare", "before", "after"), "compare")
        row, = document["rows"]
        self.assertEqual((row["arm"], row["stat"], row["verdict"]), ("blocking", "makespan", "slower"), document)
        self.assertAlmostEqual(row["p"], 2 / 70)
        self.assertTrue(0.05 < row["shift"]["estimate"] < 1, row)
        self.assertLessEqual(row["shift"]["low"], row["shift"]["estimate"])
        self.assertTrue(document["slower"])
        self.assertIn("d = 60 ms", " ".join(document["warnings"]))
        ran = self.lab("compare", "before", "after", "--check", code=1)
        self.assertIn("slower", ran.out)
        self.assertIn("Hodges", ran.out)
        self.assert_fits(ran.out, 80)
        self.lab("compare", "after", "before", "--check")
        self.assertTrue(self.lab("compare", "before", "after", "--ascii").out.isascii())

    def test_a_run_is_not_different_from_itself(self):
        self.run_quick("one")
        document = valid(self.lab_json("compare", "one", "one"), "compare")
        self.assertEqual([row["arm"] for row in document["rows"]], ["blocking", "workers"])
        for row in document["rows"]:
            self.assertIn(row["verdict"], ("no difference seen", "inconclusive"))
            self.assertEqual((row["shift"]["estimate"], row["p"]), (0, 1))
        self.assertEqual(document["differing"], [])

    def test_check_exits_3_where_it_cannot_decide_and_1_where_anything_is_slower(self):
        self.run_quick("before")
        self.run_quick("after", "--delay", "200ms")
        document = self.lab_json("compare", "before", "after", "--check", code=1)
        self.assertEqual({row["verdict"] for row in document["rows"]}, {"slower"}, document)
        for row in document["rows"]:
            self.assertGreater(row["p_adjusted"], 0.05, "four against four, two arms")
        ran = self.lab("compare", "before", "before", "--check", code=3)
        self.assertIn("inconclusive", ran.out)
        self.run_quick("many", "--arms", "blocking", repeat=6)
        self.lab("compare", "many", "many", "--check", "--tolerance", "50%")

    def test_two_arms_of_one_run(self):
        self.run_quick("one")
        document = valid(self.lab_json("compare", "one", "--arm", "blocking", "--with", "workers"), "compare")
        row, = document["rows"]
        self.assertEqual(row["verdict"], "faster", document)
        self.assertEqual((document["a"]["arm"], document["b"]["arm"]), ("blocking", "workers"))

    def test_too_few_repetitions_are_inconclusive(self):
        self.run_quick("few", repeat=2)
        document = valid(self.lab_json("compare", "few", "few", "--arm", "blocking"), "compare")
        self.assertEqual(document["rows"][0]["verdict"], "inconclusive")
        self.assertIn("2 against 2", document["rows"][0]["reason"])
        self.assertIsNone(document["rows"][0]["shift"]["low"])

    def test_bad_input_is_one_line(self):
        self.run_quick("one", repeat=1)
        other = self.work / "other.toml"
        other.write_text(QUICK)
        self.lab("run", other, "--quick", "--save", self.work / "two", "--quiet")
        for words, fragment in ((("one", "two"), "same scenario"), (("one",), "two arms"),
                                (("one", "nowhere"), "no run"), (("one", "--with", "workers"), "--arm"),
                                (("one", "one", "--arm", "blokcing"), "blocking"),
                                (("one", "one", "--stat", "makespam"), "--stat"),
                                (("one", "one", "--tolerance", "2"), "2%"),
                                (("one", "one", "--format", "svg"), "--format")):
            self.assert_one_line_reason(self.lab("compare", *words, code=None), 2, fragment)


class InstrumentFault(Case):
    """A record in which replies came before they could have: what a broken clock or a wrong route would leave."""

    def hasten(self, name):
        file = self.work / name / "run.jsonl"
        lines = []
        for line in file.read_bytes().splitlines():
            document = json.loads(line)
            if document.get("type") == "request":
                for key in ("started_ns", "finished_ns", "first_byte_ns", "received_ns"):
                    document[key] = document["sent_ns"] + 2_000_000
                text = json.dumps({key: value for key, value in document.items() if key != "crc32"},
                                  separators=(",", ":")).encode()
                line = text[:-1] + b',"crc32":"%08x"}' % zlib.crc32(text)
            lines.append(line + b"\n")
        file.write_bytes(b"".join(lines))

    def test_what_is_below_the_bound_is_refused_and_kept(self):
        self.run_quick("sound", "--arms", "blocking")
        self.run_quick("broken", "--arms", "blocking")
        self.hasten("broken")
        document = self.lab_json("report", "broken")
        self.assertEqual(document["arms"][0]["verdict"], "instrument-fault", document["remarks"])
        self.assertEqual(document["arms"][0]["books"]["ok"], 16)
        self.assertIn("the measurement is wrong", self.lab("report", "broken").out.replace("\n      ", " "))
        row, = valid(self.lab_json("compare", "sound", "broken"), "compare")["rows"]
        self.assertEqual(row["verdict"], "inconclusive")
        self.assertIn("instrument fault", row["reason"])


class OtherTools(Case):
    def test_what_they_would_have_printed_of_the_same_replies(self):
        self.run_quick("one", "--arms", "blocking", "--requests", "10", repeat=1)
        ran = self.lab("report", "one", "--other-tools")
        told = ran.out[ran.out.index("What other tools"):]
        self.assertRegex(told, r"(?s)here +p10 .*wrk +p50 .*hey +p10 .*p99 0.*autocannon +p2\.5")
        self.assertNotIn("its count is", told, "a burst has no rate, so autocannon corrects nothing")
        self.assert_fits(ran.out, 80)
        self.assert_one_line_reason(self.lab("report", "one", "--other-tools", "--format", "json", code=None), 2,
                                    "--other-tools")


class Sweep(Case):
    def sweep(self, *options, **more):
        return self.lab("sweep", self.file, *options, **more)

    def test_a_grid_is_run_point_by_point_beside_the_model(self):
        ran = self.sweep("--vary", "workers=2,4", "--vary", "d=20ms,40ms", "--arms", "workers", "--repeat", "1",
                         "--format", "json")
        self.assertRegex(ran.err, r"4 points, 4 runs of a server, about ")
        document = valid(json.loads(ran.out), "sweep")
        self.assertTrue(document["complete"])
        self.assertEqual([point["settings"] for point in document["points"]],
                         [{"workers": w, "d": d} for w in ("2", "4") for d in ("20ms", "40ms")])
        for point, expected in zip(document["points"], (0.04, 0.08, 0.02, 0.04)):
            arm, = point["arms"]
            self.assertAlmostEqual(arm["predicted"], expected)
            self.assertGreaterEqual(arm["measured"]["median"], expected * 0.999)
            self.lab("report", point["path"])

    def test_the_model_alone_is_instant_and_leaves_nothing(self):
        ran = self.sweep("--vary", "workers=1..64*2", "--arms", "workers", "--predict")
        self.assert_fits(ran.out, 80)
        self.assertIn("nothing was run", ran.out)
        self.assertRegex(ran.out, r"(?m)^64 +20\.0 ms")
        self.assertFalse((self.folder / "data").exists())
        plain = self.sweep("--vary", "workers=1..64*2", "--arms", "workers", "--predict", "--ascii").out
        self.assertTrue(plain.isascii())
        self.assertNotIn(ESCAPE, ran.out)

    def test_every_format_can_be_read_by_others(self):
        words = ("--vary", "workers=1,2,4", "--predict", "--format")
        rows = list(csv.DictReader(io.StringIO(self.sweep(*words, "csv").out)))
        self.assertEqual(len(rows), 6)
        self.assertEqual({row["workers"] for row in rows}, {"1", "2", "4"})
        picture = ElementTree.fromstring(self.sweep(*words, "svg").out)
        self.assertTrue(picture.tag.endswith("svg"))
        self.assertEqual(self.sweep(*words, "md").out.count("\n| "), 5)

    def test_an_interrupted_sweep_goes_on_where_it_stopped(self):
        folder = self.work / "mine"
        process = self.start("sweep", self.file, "--vary", "d=20ms,21ms,5s", "--arms", "blocking", "--repeat", "1",
                             "--save", folder)
        done = [folder / f"point-000{i}/run.jsonl" for i in (1, 2)]
        self.assertTrue(wait_until(lambda: all(file.exists() for file in done), 30))
        process.send_signal(signal.SIGINT)
        ran = self.finish(process, 20)
        self.assertEqual(ran.code, 130, ran)
        self.assertIn("2 of 3 points", ran.out)
        self.assertIn(f"lab sweep --resume {folder}", ran.err)
        before = [file.stat().st_mtime_ns for file in done]
        # The last point is too long for a test: it is enough to see that only that one is begun.
        again = self.start("sweep", "--resume", folder)
        self.assertIn("3 points (2 done already), 1 runs", again.stderr.readline())
        again.send_signal(signal.SIGTERM)
        ran = self.finish(again, 20)
        self.assertEqual(ran.code, 143, ran)
        self.assertIn("2 of 3 points", ran.out)
        self.assertEqual([file.stat().st_mtime_ns for file in done], before)

    def test_a_finished_sweep_is_shown_again_and_a_changed_scenario_is_refused(self):
        words = ("--arms", "blocking", "--repeat", "1", "--quiet", "--format", "json")
        first = json.loads(self.sweep("--vary", "d=20ms,30ms", *words).out)
        again = valid(self.lab_json("sweep", "--resume", "last"), "sweep")
        self.assertEqual(again["points"], first["points"])
        self.assert_one_line_reason(self.lab("sweep", "--resume", "last", "--repeat", "2", code=None), 2, "--resume")
        self.file.write_text(QUICK.replace("requests = 4", "requests = 5"))
        self.assert_one_line_reason(self.lab("sweep", "--resume", "last", code=None), 2, "has changed")

    def test_bad_grids_are_refused_before_anything_runs(self):
        for words, fragment in ((("--vary", "workers=1..1001"), "too large"),
                                (("--vary", "d=1ms..1s"), "needs a step"),
                                (("--vary", "pause=1s"), "pause"),
                                (("--vary", "d=5"), "unit"),
                                (("--vary", "workers=1,2", "--arms", "blocking"), "changes"),
                                (("--vary", "workers=1,2", "--workers", "4"), "exclude"),
                                (("--vary", "workers=1,2", "--check"), "--check"),
                                (("--vary", "d=1ms,2ms", "--stat", "nowhere.latency.max"), "nowhere"),
                                ((), "--vary")):
            ran = self.sweep(*words, code=None)
            self.assert_one_line_reason(ran, 2, fragment)
        self.assert_one_line_reason(self.lab("sweep", code=None), 2, "scenario")
        self.assert_one_line_reason(self.lab("sweep", "--resume", "last", code=None), 2, "no sweep")
        self.assertFalse((self.folder / "data").exists())


if __name__ == "__main__":
    unittest.main()
