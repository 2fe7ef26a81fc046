"""notebooks/lab.py: how it runs the program, what it reads, what it refuses. No notebook is run here (test_notebooks.py)."""
import json
import math
import os
import re
import subprocess
import sys
import unittest
import warnings
import zlib
from pathlib import Path
from unittest import mock

import labcase
from labcase import LabCase

NOTEBOOKS = labcase.ROOT / "notebooks"
SOURCES = sorted((NOTEBOOKS / "src").glob("*.py"))
RECORDED = labcase.ROOT / "results/reference/pool-limit.jsonl"

sys.path.insert(0, str(NOTEBOOKS))
import lab  # noqa: E402


def line_of(value):
    """A line of run.jsonl with its checksum."""
    text = json.dumps(value, separators=(",", ":")).encode()
    return text[:-1] + b',"crc32":"%08x"}' % zlib.crc32(text)


def written(folder, *lines):
    path = Path(folder) / "run.jsonl"
    path.write_bytes(b"".join(line + b"\n" for line in lines))
    return path


def header(**other):
    return {"type": "header", "schema": lab.RECORD, "scenario": "gil", "scenario_source": "[routes.a]\n[routes.b]\n",
            "version": "0.1.0", **other}


class Records(LabCase):
    """lab.read: what lab wrote becomes tables, and nothing else does."""

    def read(self, *lines, **options):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return lab.read(written(self.work, *lines), **options)

    def refused(self, *fragments, path=None, lines=(), **options):
        path = path or written(self.work, *lines)
        with self.assertRaises(lab.LabError) as caught:
            lab.read(path, **options)
        for fragment in fragments:
            self.assertIn(fragment, str(caught.exception))
        self.assertNotIn("\n", str(caught.exception))

    def test_every_request_of_a_run_is_a_row_whose_parts_add_up_to_its_latency(self):
        record = lab.read(RECORDED, scenario="pool-limit")
        self.assertTrue(record.complete)
        lines = [json.loads(line) for line in RECORDED.read_text().splitlines()]
        requests = [line for line in lines if line["type"] == "request"]
        self.assertEqual(len(record.requests), len(requests))
        self.assertEqual(set(record.requests["route"]), {"work"})
        known = record.requests.dropna(subset=["read_ms", "finished_ms"])
        parts = known[["lag_ms", "unread_ms", "runnable_ms", "service_ms", "reply_ms"]].sum(axis=1)
        self.assertGreater(len(known), 100)
        self.assertLess((parts - known["latency_ms"]).abs().max(), 1e-6)

    def test_moments_count_from_the_start_of_their_own_repetition(self):
        record = lab.read(RECORDED)
        self.assertLess(record.requests["sent_ms"].max(), 100)
        self.assertGreater(record.requests.groupby(["arm", "case"])["latency_ms"].max().max(), 250)

    def test_what_is_not_known_is_no_number(self):
        rep = {"type": "repetition", "repetition": 1, "arm": "x", "case": "main", "engine": "fastapi", "number": 1,
               "began_ns": 1_000_000, "send_skew_ns": 0, "in_blocks": False}
        request = {"type": "request", "repetition": 1, "id": 1, "route": 1, **{f"{moment}_ns": 0 for moment in lab.MOMENTS},
                   "intended_ns": 1_000_000, "sent_ns": 1_500_000, "received_ns": 4_000_000}
        record = self.read(line_of(header()), line_of(rep), line_of(request))
        row = record.requests.iloc[0]
        self.assertEqual((row["route"], row["sent_ms"], row["latency_ms"], row["lag_ms"]), ("b", 0.5, 3.0, 0.5))
        self.assertTrue(math.isnan(row["read_ms"]) and math.isnan(row["service_ms"]))

    def test_a_hold_lasts_from_acquire_to_the_release_of_the_same_request(self):
        rep = {"type": "repetition", "repetition": 1, "arm": "x", "case": "main", "engine": "native", "number": 1,
               "began_ns": 0, "send_skew_ns": 0, "in_blocks": False}
        events = {"type": "events", "repetition": 1, "events": [
            [1_000_000, "acquire", "pool", 0, 1, 7, 0], [2_000_000, "acquire", "pool", 0, 2, 8, 0],
            [3_000_000, "release", "pool", 0, 2, 8, 0], [5_000_000, "release", "pool", 0, 1, 7, 0],
            [6_000_000, "acquire", "loop", 0, 0, 9, 0]]}  # never given back: the run ended
        holds = self.read(line_of(header()), line_of(rep), line_of(events)).holds
        self.assertEqual(sorted(zip(holds["request"], holds["from_ms"], holds["to_ms"])), [(7, 1.0, 5.0), (8, 2.0, 3.0)])

    def test_a_run_of_another_scenario_is_refused(self):
        self.refused("is a run of pool-limit, not of gil", "lab history", path=RECORDED, scenario="gil")

    def test_an_older_version_is_refused_with_the_way_out(self):
        self.refused("lab.run-record/0", lab.RECORD, "lab run gil", lines=[line_of(header(schema="lab.run-record/0"))])
        bare = json.dumps(header(schema="lab.run-record/0")).encode()  # before lines had checksums
        self.refused("lab.run-record/0", lines=[bare])
        self.refused("lab.run-record/2", lines=[line_of(header(schema="lab.run-record/2"))])

    def test_foreign_files_are_refused(self):
        for content in (b"", b"a,b\n1,2\n", b"{}\n", b'{"type":"request"}\n', bytes(range(256)), b"[1]\n" * 3,
                        b'{"schema": "lab.run/1", "scenario": "gil"}\n', line_of({"type": "summary", "complete": True})):
            with self.subTest(content=content[:20]):
                path = self.work / "run.jsonl"
                path.write_bytes(content)
                self.refused("is not the record of a run", path=path)

    def test_a_missing_run_is_refused(self):
        self.refused("No such file", "lab history", path=self.work / "nowhere")
        self.refused("No such file", path=self.work)  # a folder without run.jsonl

    def test_a_damaged_line_is_left_out_and_reported_with_its_offset_and_costs_no_other(self):
        data = bytearray(RECORDED.read_bytes())
        at = data.index(b'{"type":"request"')
        data[at + 40] ^= 1
        path = self.work / "run.jsonl"
        path.write_bytes(data)
        with self.assertWarnsRegex(UserWarning, f"1 damaged line.* at byte {at}"):
            record = lab.read(path)
        self.assertEqual(record.damaged, [at])
        self.assertEqual(len(record.requests), len(lab.read(RECORDED).requests) - 1)

    def test_a_record_without_its_end_is_reported_as_incomplete(self):
        path = self.work / "run.jsonl"
        path.write_bytes(RECORDED.read_bytes()[:200_000])
        with self.assertWarnsRegex(UserWarning, "incomplete"):
            self.assertFalse(lab.read(path).complete)

    def test_requests_in_a_binary_file_are_refused_with_the_command_that_shows_them(self):
        rep = {"type": "repetition", "repetition": 1, "arm": "x", "case": "main", "engine": "native", "number": 1,
               "began_ns": 1, "send_skew_ns": 0, "in_blocks": True}
        with self.assertRaisesRegex(lab.LabError, "--format csv"):
            _ = self.read(line_of(header()), line_of(rep)).requests


GUESSES = {f"blocking-async-{number}": "1 s" for number in (1, 2, 3)}  # a prediction may be wrong


class Program(LabCase):
    """How the module finds the program, and what it passes on."""

    def setUp(self):
        super().setUp()
        environment = {key: value for key, value in self.environment.items()} | {"LAB": labcase.lab_program()}
        patch = mock.patch.dict(os.environ, environment, clear=True)
        patch.start()
        self.addCleanup(patch.stop)

    def pretend(self, script):
        """A program of two lines instead of the lab."""
        path = self.work / "pretended"
        path.write_text("#!/bin/sh\n" + script)
        path.chmod(0o755)
        os.environ["LAB"] = str(path)
        return path

    def elsewhere(self, code):
        """What the module prints when it lies in a tree of its own, without LAB and PATH."""
        folder = self.work / "tree/notebooks"
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "lab.py").write_text((NOTEBOOKS / "lab.py").read_text())
        script = f"import sys; sys.path.insert(0, {str(folder)!r}); import lab\ntry: {code}\nexcept lab.LabError as e: print(e)"
        environment = {**self.environment, "PATH": "/nowhere"}
        return subprocess.run([sys.executable, "-B", "-c", script], env=environment, capture_output=True, text=True).stdout

    def test_a_missing_program_is_one_sentence_that_says_what_to_type(self):
        told = self.elsewhere("lab.program()")
        self.assertIn("./labw build", told)
        self.assertIn("export LAB=", told)
        self.assertEqual(len(told.splitlines()), 1)

    def test_a_checkout_that_was_never_built_is_built_once(self):
        wrapper, binary = self.work / "tree/labw", self.work / "tree/build/release/bin/lab"
        wrapper.parent.mkdir()
        wrapper.write_text("#!/bin/bash\necho 'no compiler here' >&2; exit 3\n")
        wrapper.chmod(0o755)
        self.assertIn("no compiler here", self.elsewhere("lab.program()"))
        wrapper.write_text(f"#!/bin/bash\nPATH=/bin:/usr/bin; mkdir -p {binary.parent}; cp /bin/true {binary}; echo $1 >>{self.work}/calls\n")
        self.assertIn("a few minutes", self.elsewhere("print(lab.program())"))
        self.assertEqual(self.elsewhere("print(lab.program())"), f"{binary}\n")
        self.assertEqual((self.work / "calls").read_text(), "build\n")

    def test_a_claim_that_a_busy_machine_leaves_open_is_no_error_and_a_failure_is(self):
        binary = self.work / "tree/build/release/bin/lab"
        binary.parent.mkdir(parents=True)
        claim = {"id": "D1", "claim": "c", "outcome": "inconclusive", "on_record": "verified", "why": "w", "conditions": []}
        binary.write_text(f"#!/bin/bash\necho '{json.dumps({'schema': 'lab.verify/1', 'claims': [claim]})}'; exit 3\n")
        binary.chmod(0o755)
        self.assertEqual(self.elsewhere("print(lab.verify('D1').attrs['outcome'])"), "inconclusive\n")
        binary.write_text("#!/bin/bash\necho 'lab: no port is free' >&2; exit 3\n")
        self.assertEqual(self.elsewhere("lab.verify('D1')"), "no port is free\n")

    def test_a_wrong_LAB_is_reported_by_its_value(self):
        for wrong in ("/nowhere/lab", str(self.work)):
            os.environ["LAB"] = wrong
            with self.assertRaisesRegex(lab.LabError, re.escape(f"LAB={wrong} is not a program")):
                lab.program()

    def test_a_notebook_shows_an_error_without_its_traceback(self):
        self.assertEqual(lab.LabError("so it is")._render_traceback_(), ["LabError: so it is"])

    def test_keyword_arguments_are_options(self):
        self.assertEqual(lab.words({"arms": ["a", "b"], "quick": True, "set": {"d": "1s", "c": "2s"}, "scale": 0.2, "save": None,
                                    "no_save": False}),
                         ["--arms", "a,b", "--quick", "--set", "d=1s", "--set", "c=2s", "--scale", "0.2"])

    def test_what_the_program_says_of_a_mistake_is_passed_on(self):
        with self.assertRaisesRegex(lab.LabError, "blocking-async"):
            lab.predict("blocking-asinc")
        with self.assertRaisesRegex(lab.LabError, "unit|ms"):
            lab.predict("blocking-async", delay=100)

    def test_a_program_that_takes_too_long_is_stopped(self):
        self.pretend("exec sleep 60")
        with self.assertRaisesRegex(lab.LabError, "stopped after 0.2 s"):
            lab.command("run", "x", seconds=0.2)

    def test_another_documents_schema_is_refused(self):
        self.pretend("""echo '{"schema": "lab.run/9"}'""")
        with self.assertRaisesRegex(lab.LabError, "lab.run/9"):
            lab.predict("x")

    def test_predictions_are_a_row_for_each_arm_and_case(self):
        pool = lab.predict("pool-limit", arms="thread-pool")
        self.assertEqual(list(pool.table["case"]), ["burst-40", "burst-41", "burst-80", "burst-100"])
        self.assertEqual([round(value, 6) for value in pool.table["measured_s"]], [0.1, 0.2, 0.2, 0.3])
        self.assertEqual(pool.value("thread-pool", "burst-41"), 0.2)
        with self.assertRaisesRegex(lab.LabError, "no makespan of arm nobody"):
            pool.value("nobody", "burst-41")
        with self.assertRaisesRegex(lab.LabError, "no requests"):
            _ = pool.requests

    def test_a_run_has_requests_of_its_own_scenario(self):
        mine = lab.scenario("mine", labcase.FROZEN)
        run = lab.run(mine, quick=True, scale=0.1)
        self.assertEqual(set(run.table["arm"]), {"blocking", "def-beside-async"})
        self.assertEqual(set(run.requests["route"]), {"slow", "ping"})
        slow = run.requests.query("route == 'slow'")
        self.assertTrue((slow["latency_ms"] >= 100).all())
        self.assertFalse(run.record.holds.empty)
        self.assertIn("<table", run._repr_html_())

    def test_nothing_is_run_before_every_question_of_the_scenario_has_a_prediction(self):
        with mock.patch.object(lab, "document", wraps=lab.document) as asked:
            for answers in (None, {}, {"gil-1": "1 s"}, {"gil-1": "1 s", "gil-2": ""}, {"gil-1": "1 s", "gil-2": None}):
                missing = "gil-2" if answers else "gil-1"
                fix = rf'predict first: {missing} has no answer yet .*answers\["{missing}"\] = .*lab\.run\("gil", answers\)'
                with self.subTest(answers=answers), self.assertRaisesRegex(lab.LabError, fix):
                    lab.run("gil", answers, quick=True)
            with self.assertRaisesRegex(lab.LabError, "'3' has no unit"):
                lab.run("gil", {"gil-1": "1 s", "gil-2": "3"}, quick=True)
            self.assertEqual({call.args[1] for call in asked.call_args_list}, {"grade"})
        mine = lab.scenario("mine", labcase.FROZEN + """
[[ask]]
text = "Slowest ping?"
answer = "blocking.ping.latency.max"
wrong = [{ value = "500ms", say = "That is the mean wait." }]
""")
        with self.assertRaisesRegex(lab.LabError, "predict first: mine-1 has no answer yet"):
            lab.run(mine, quick=True, scale=0.1)

    def test_a_prediction_of_a_shortened_run_is_graded_at_its_scale(self):
        lab.grade("frozen-server", {"frozen-server-1": "1 s"}, scale=0.2).require()
        with self.assertRaisesRegex(AssertionError, "frozen-server-1, 500 ms: That is the mean"):
            lab.grade("frozen-server", {"frozen-server-1": "0.5 s"}, scale=0.2).require()

    def test_a_picture_of_an_arm_that_was_not_run_is_refused_with_those_that_were(self):
        os.environ["MPLBACKEND"] = "agg"
        import plots  # writes its cache of fonts below HOME, so not before there is one
        run = lab.run("blocking-async", GUESSES, quick=True, arms="async-loop", requests=2, delay="10ms")
        self.assertEqual(len(plots.timeline(run, "async-loop").get_yticks()), 2)
        with self.assertRaisesRegex(lab.LabError, "no request of arm nobody, case main.*async-loop/main"):
            plots.timeline(run, "nobody")

    def test_a_picture_of_scaled_times_says_so(self):
        os.environ["MPLBACKEND"] = "agg"
        import plots
        for scale in (1, 0.2):
            prediction = lab.predict("blocking-async", scale=scale, delay="100ms")
            self.assertEqual(prediction.scale, scale)
            said = [text.get_text() for text in plots.makespans(prediction).texts]
            self.assertEqual("waits and CPU × 0.2" in said, scale == 0.2, said)
            self.assertIn("predicted", said)

    def test_all_claims_are_listed_without_a_run(self):
        claims = lab.claims()
        self.assertGreater(len(claims), 100)
        self.assertEqual(set(claims["on_record"]), {"verified", "refuted", "qualified"})

    def test_an_answer_is_what_the_question_asks_for_right_or_wrong(self):
        lab.answered({"gil-1": "3 s", "gil-2": "1.5 min", "worker-state-1": 7}, "gil-1", "gil-2", "worker-state-1")
        for answers, told in (({}, 'gil-1 has no answer yet: answers\\["gil-1"\\]'), ({"gil-1": ""}, "no answer yet"),
                              ({"gil-1": 1}, "'1' has no unit"), ({"gil-1": "3"}, "'3' has no unit"),
                              ({"gil-1": "soon"}, "'soon' is not a duration"), ({"gil-1": "-1 s"}, "negative")):
            with self.subTest(answers=answers), self.assertRaisesRegex(lab.LabError, told):
                lab.answered(answers, "gil-1")
        with self.assertRaisesRegex(lab.LabError, "'25 ms' is not a number"):
            lab.answered({"worker-state-1": "25 ms"}, "worker-state-1")
        lab.answered({"gil-1": 1, "gil-2": "1 s"}, "gil-2")  # the other one is not asked about

    def test_a_program_that_cannot_grade_is_said_to_be_older(self):
        self.pretend("echo '  run    an experiment'")
        with self.assertRaisesRegex(lab.NoVerb, "cannot grade.*labw build"):
            lab.grade("gil", {"gil-1": "1 s"})

    def test_grading_hands_in_the_answers_of_that_scenario_alone(self):
        graded = {"schema": "lab.grade/1", "score": 0.5, "points": 1, "of": 2, "answers": [
            {"id": "gil-1", "correct": False, "given": "100 ms", "given_s": 0.1, "misconception": "one lock"},
            {"id": "gil-2", "correct": True, "given": "100 ms", "given_s": 0.1, "misconception": None}]}
        (self.work / "graded.json").write_text(json.dumps(graded))
        self.pretend(f"case $1 in --help) echo '  grade  answers';; *) cp \"$2\" {self.work}/handed.json; cat {self.work}/graded.json; exit 1;; esac")
        grade = lab.grade("gil", {"gil-1": "100 ms", "gil-2": "100 ms", "qr-code-1": "1 s"}, seed=7, student="ada")
        self.assertEqual(json.loads((self.work / "handed.json").read_text()),
                         {"schema": "lab.answers/1", "scenario": "gil", "seed": 7, "student": "ada",
                          "answers": {"gil-1": "100 ms", "gil-2": "100 ms"}})
        self.assertEqual((grade.score, list(grade.table["correct"])), (0.5, [False, True]))
        with self.assertRaisesRegex(AssertionError, "^gil-1, 100 ms: one lock$"):
            grade.require()
        with self.assertRaisesRegex(lab.LabError, "no answer to a question of pool-limit"):
            lab.grade("pool-limit", {"gil-1": "1 s"})

    def test_a_students_own_problem_goes_with_the_answers(self):
        self.pretend(f"""case $1 in --help) echo '  grade  answers';; *)
            echo "$@" >{self.work}/words; cp "$2" {self.work}/handed.json
            echo '{{"schema": "lab.grade/1", "score": 1, "points": 1, "of": 1, "answers": []}}';; esac""")
        problem = {"seed": 7, "student": "ada", "variant": "abc", "settings": {"d": "200ms"}, "cores": 2, "questions": []}
        lab.grade("gil", {"gil-1": "1 s"}, problem=problem, secret_file="secret.txt", run="runs/mine")
        self.assertIn("--secret-file secret.txt --run runs/mine", (self.work / "words").read_text())
        self.assertEqual(json.loads((self.work / "handed.json").read_text()),
                         {"schema": "lab.answers/1", "scenario": "gil", "answers": {"gil-1": "1 s"},
                          **{key: problem[key] for key in ("seed", "student", "variant", "settings", "cores")}})

    def test_the_model_grades(self):
        lab.grade("pool-limit", {"pool-limit-1": "0.2 s"}).require()
        wrong = lab.grade("pool-limit", {"pool-limit-1": "100 ms"})
        self.assertEqual((wrong.score, wrong.of), (0, 1))
        with self.assertRaisesRegex(AssertionError, "pool-limit-1, 100 ms: .{20}"):
            wrong.require()
        secret = self.work / "secret.txt"
        secret.write_text("a secret of the teacher, long enough\n")
        ada, bob = (lab.variant("pool-limit", student, secret) for student in ("ada", "bob"))
        self.assertNotEqual(ada["settings"], bob["settings"])
        graded = lab.grade("pool-limit", {"pool-limit-1": "1 ms"}, problem=ada, secret_file=secret)
        self.assertEqual((graded.document["student"], graded.points), ("ada", 0))
        with self.assertRaisesRegex(lab.LabError, "ada|bob|student"):
            lab.grade("pool-limit", {"pool-limit-1": "1 ms"}, problem={**bob, "student": "ada"}, secret_file=secret)

    def test_the_solutions_answers_are_right(self):
        right = 0
        for source in SOURCES:
            text = source.read_text()
            answers = dict(re.findall(r'answers\["([\w-]+-\d+)"\] = "?([^"\n]+)"?', text))
            for scenario in sorted({one.rpartition("-")[0] for one in answers}):
                scaled = f'lab.grade("{scenario}", answers, scale=SCALE)' in text
                grade = lab.grade(scenario, answers, scale=float(re.search(r"^SCALE = ([\d.]+)", text, re.M)[1]) if scaled else 1)
                grade.require()
                right += grade.points
        self.assertGreater(right, 20)


if __name__ == "__main__":
    unittest.main()
