"""lab grade: answers, students' own variants, recorded runs, and what Gradescope is given."""
import json
import os
import shutil
import stat
import subprocess
import unittest
import zipfile
import zlib

from labcase import BINARY, ROOT, LabCase, figures, measured

HAS_FASTAPI = not subprocess.run(["/usr/bin/python3", "-c", "import fastapi, uvicorn"], capture_output=True).returncode
SECRET = "a secret of the teacher's, 32 long"
RIGHT = {"blocking-async-1": "1 s", "blocking-async-2": {"value": 100, "unit": "ms"}, "blocking-async-3": "0.3s"}


def problems(name, document):
    """What the schema of that name has against a document."""
    import jsonschema
    schema = json.loads((ROOT / "results/schema" / f"{name}.schema.json").read_text())
    kind = jsonschema.validators.validator_for(schema)
    kind.check_schema(schema)
    return [problem.message for problem in kind(schema).iter_errors(document)]


def sealed(line):
    """A line of run.jsonl with the checksum that belongs to it."""
    body = line[:line.rindex(',"crc32"')] + "}"
    return '%s,"crc32":"%08x"}' % (body[:-1], zlib.crc32(body.encode()))


class GradeCase(LabCase):
    def setUp(self):
        super().setUp()
        self.secret = self.work / "secret.txt"
        self.secret.write_text(SECRET + "\n")

    def hand_in(self, answers, scenario="blocking-async", name="answers.json", **more):
        document = {"schema": "lab.answers/1", "scenario": scenario, "answers": answers, **more}
        self.assertEqual(problems("answers", document), [])
        path = self.work / name
        path.write_text(json.dumps(document))
        return path

    def grade(self, path, *options):
        document = self.lab_json("grade", path, *options)
        self.assertEqual(problems("grade", document), [])
        return document

    def variant(self, student, scenario="blocking-async"):
        document = self.lab_json("grade", "--variant", scenario, "--student", student, "--secret-file", self.secret)
        self.assertEqual(problems("grade", document), [])
        return document


class Answers(GradeCase):
    def test_right_answers_get_all_points(self):
        graded = self.grade(self.hand_in(RIGHT, seed=42, student="ada"))
        self.assertEqual((graded["score"], graded["points"], graded["of"]), (1, 3, 3))
        self.assertEqual([answer["given_s"] for answer in graded["answers"]], [1.0, 0.1, 0.3])
        self.assertTrue(all(answer["misconception"] is None for answer in graded["answers"]))

    def test_each_wrong_value_is_named_for_what_it_mistakes(self):
        path = self.hand_in({"blocking-async-1": "0.55 s", "blocking-async-2": "1 s"})
        first, second, third = self.grade(path)["answers"]
        self.assertIn("That is the mean", first["misconception"])
        self.assertIn("no longer than awaiting one", second["misconception"])
        self.assertEqual((third["given"], third["correct"]), (None, False))
        text = self.lab("grade", path).out
        self.assertIn("0 of 3 points", text)
        self.assertIn("WRONG   550 ms: That is the mean.", text)
        self.assertIn("not answered", text)
        self.assert_fits(text, 80)

    def test_mistakes_follow_the_numbers_when_settings_change_them(self):
        path = self.hand_in({"blocking-async-1": "2.6s", "blocking-async-2": "2.6s", "blocking-async-3": "650ms"},
                            settings={"d": "200ms", "requests": 13})
        first, second, third = self.grade(path)["answers"]
        self.assertTrue(first["correct"])
        self.assertIn("added up what all 13 requests take", second["misconception"])
        self.assertIn("divided the sum by 4 workers", third["misconception"])
        self.assertNotIn("tenth", first["text"])

    def test_answers_are_shown_only_when_the_teacher_asks(self):
        path = self.hand_in({})
        for answer in self.grade(path)["answers"]:
            self.assertFalse({"expected", "expected_s", "why"} & set(answer))
        self.assertEqual([answer["expected_s"] for answer in self.grade(path, "--show-answers")["answers"]], [1.0, 0.1, 0.3])

    def test_the_exit_code_says_whether_enough_was_right(self):
        path = self.hand_in({"blocking-async-1": "1s"})
        self.lab("grade", path, "--pass", "30%")
        self.assertIn("not passed", self.lab("grade", path, "--pass", "50%", code=1).out)
        self.assertEqual(self.grade(path, "--only", "blocking-async-1", "--pass", "1")["of"], 1)

    def test_questions_of_the_quiz_are_graded_where_they_are_named(self):
        path = self.hand_in({"d0-asgi": "Several worker processes."})
        answer, = self.grade(path, "--only", "d0-asgi")["answers"]
        self.assertIn("WSGI", answer["misconception"])

    def test_the_number_of_a_choice_is_that_of_the_quiz_with_the_files_seed(self):
        for seed in (7, 9, 11):
            shown, = self.lab_json("quiz", "--only", "d0-one-thread", "--seed", seed, "--questions")["questions"]
            for number, choice in enumerate(shown["choices"], 1):
                graded, = self.grade(self.hand_in({"d0-one-thread": str(number)}, seed=seed), "--only", "d0-one-thread")["answers"]
                self.assertEqual(graded["given"], choice)
        self.assert_one_line_reason(self.lab("grade", self.hand_in({"d0-one-thread": "3"}), "--only", "d0-one-thread", code=None),
                                    2, "choice 3", "seed")

    def test_an_answer_to_a_question_that_is_left_out_is_named_and_costs_nothing(self):
        path = self.hand_in({**RIGHT, "d0-one-thread": "1"})
        graded = self.grade(path, "--only", "blocking-async-1")
        self.assertEqual((graded["score"], graded["of"]), (1, 1))
        self.assertEqual(graded["left_out"], ["blocking-async-2", "blocking-async-3", "d0-one-thread"])
        self.assertIn("not asked here: d0-one-thread", self.lab("grade", path).out)

    def test_a_file_of_windows_editor_is_read(self):
        path = self.hand_in(RIGHT)
        path.write_bytes(b"\xef\xbb\xbf" + path.read_bytes())
        self.assertEqual(self.grade(path)["points"], 3)

    def test_a_scenario_of_ones_own_is_graded_by_its_path(self):
        text = (ROOT / "scenarios/blocking-async.toml").read_text()
        (self.work / "mine.toml").write_text(text.replace('"100ms" }', '"300ms" }'))
        graded = self.grade(self.hand_in({"mine-1": "3.0 s", "mine-2": "3.0 s"}, "mine.toml"))
        self.assertEqual([answer["correct"] for answer in graded["answers"]], [True, False, False])
        self.assertIn("added up", graded["answers"][1]["misconception"])
        self.assertIn("lab run mine.toml ", graded["answers"][1]["proof"])
        self.lab(*graded["answers"][1]["proof"].replace("lab run", "predict").split())

    def test_answers_hang_on_the_cores_that_they_are_about(self):
        for cores, right in ((1, "400ms"), (2, "200ms")):
            path = self.hand_in({"concurrency-vs-parallelism-1": right}, "concurrency-vs-parallelism", cores=cores)
            self.assertEqual(self.grade(path)["cores"], cores)


class BadInput(GradeCase):
    def refused(self, document, *words, options=()):
        path = self.work / "bad.json"
        path.write_text(document if isinstance(document, str) else json.dumps(document))
        self.assert_one_line_reason(self.lab("grade", path, *options, code=None), 2, *words)

    def test_a_wrong_file_gets_one_line_with_the_place_and_the_fix(self):
        good = {"schema": "lab.answers/1", "scenario": "blocking-async", "answers": {}}
        self.refused("{", "bad.json", "not JSON")
        self.refused("[]", "lab.answers/1")
        self.refused({**good, "schema": "lab.answers/0"}, "lab.answers/0", "this version")
        self.refused({**good, "answer": {}}, "unknown key", "answers")
        self.refused({**good, "scenario": "blocking-asinc"}, "blocking-async")
        self.refused({**good, "answers": {"blocking-async-9": "1s"}}, "blocking-async-9")
        self.refused({**good, "answers": {"blocking-async-1": "3"}}, "blocking-async-1", "no unit")
        self.refused({**good, "answers": {"blocking-async-1": {"value": 3, "unit": "sec"}}}, "unknown unit")
        self.refused({**good, "answers": {"blocking-async-1": ["1s"]}}, "blocking-async-1", "unit")
        self.refused({**good, "settings": {"d": "200"}}, "settings", "no unit")
        self.refused({**good, "settings": {"dd": "200ms"}}, "dd")
        self.refused({**good, "cores": 0}, "cores")
        self.refused({**good, "variant": "00000000"}, "--secret-file")
        self.refused(good, "scenario 'blocking-async'", "'gil'", options=("--scenario", "gil"))
        self.refused('{"schema": "lab.answers/1",\n "scenario": gil}', "bad.json:2:14")
        self.refused(json.dumps(good) + " {}", "not JSON: extra data")
        self.refused('{"schema": "lab.answers/1", "scenario": "gil", "answers": {"gil-1": "1s", "gil-1": "2s"}}', "gil-1", "twice")
        self.refused({**good, "settings": {"requests": 10_000_000}}, "smaller numbers")
        (self.work / "utf16.json").write_bytes(json.dumps(good).encode("utf-16"))
        self.assert_one_line_reason(self.lab("grade", "utf16.json", code=None), 2, "utf16.json", "UTF-8")
        self.assert_one_line_reason(self.lab("grade", "nothing.json", code=None), 2, "nothing.json")
        self.assert_one_line_reason(self.lab("grade", code=None), 2, "answer file")


    def test_an_option_that_says_nothing_there_is_refused(self):
        path = self.hand_in(RIGHT)
        for options in ((path, "--autograder", "o.zip", "--scenario", "gil"), ("--autograder", "o.zip", "--scenario", "gil", "--pass", "80%"),
                        (path, "--program", "x"), ("--variant", "gil", "--student", "a", "--secret-file", self.secret, "--run", "last")):
            self.assert_one_line_reason(self.lab("grade", *options, code=None), 2, "leave it out")
        self.assertFalse((self.work / "o.zip").exists())
        self.assert_one_line_reason(self.lab("grade", "--gradescope-folder", self.work / "none", code=None), 2, "no folder")
        self.assertFalse((self.work / "none").exists())


class Variants(GradeCase):
    def test_only_what_hangs_on_the_numbers_is_asked(self):
        for options in (("cpu-threshold",), ("blocking-async", "--only", "d2-mistake-sleep")):
            self.assert_one_line_reason(self.lab("grade", "--variant", *options, "--student", "ada", "--secret-file", self.secret,
                                                 code=None), 2, "can be varied")

    def test_no_two_questions_of_a_variant_read_alike(self):
        for scenario in ("measure-under-load", "gil", "pool-limit", "sequential-vs-gather", "blocking-async"):
            for student in ("ada", "bob", "cyd"):
                texts = [question["text"] for question in self.variant(student, scenario)["questions"]]
                self.assertEqual(len(set(texts)), len(texts), texts)

    def test_a_variant_leaves_cases_apart_that_differ_in_their_requests(self):
        self.assertNotIn("requests", self.variant("ada", "measure-under-load")["settings"])
        self.assertNotIn("requests", self.variant("ada", "pool-limit")["settings"])

    def test_a_student_gets_the_same_problem_every_time(self):
        self.assertEqual(self.variant("ada"), self.variant("ada"))

    def test_answers_differ_between_students_and_between_secrets(self):
        keys = {json.dumps(self.variant(f"student-{n}")["settings"], sort_keys=True) for n in range(12)}
        self.assertGreaterEqual(len(keys), 11)
        before = self.variant("ada")
        self.secret.write_text("another secret of the teacher's\n")
        self.assertNotEqual(self.variant("ada"), before)

    def test_the_variant_is_graded_with_its_own_numbers(self):
        problem = self.variant("ada")
        n, d = problem["settings"]["requests"], problem["settings"]["d"]
        self.assertTrue(d.endswith("ms"))
        right = n * float(d[:-2])
        path = self.hand_in({"blocking-async-1": f"{right}ms", "blocking-async-2": f"{right}ms"}, student="ada",
                            variant=problem["variant"])
        first, second, _ = self.grade(path, "--secret-file", self.secret)["answers"]
        self.assertTrue(first["correct"])
        self.assertIn(f"all {n} requests", second["misconception"])

    def test_the_command_of_a_variant_gives_the_answer_that_is_expected(self):
        problem = self.variant("ada")
        predicted = json.loads(self.lab(*problem["command"].replace("lab run", "predict").split(), "--format", "json").out)
        blocking = next(arm for arm in predicted["arms"] if arm["arm"] == "blocking-loop")
        path = self.hand_in({"blocking-async-1": f"{blocking['predicted_s']}s"}, student="ada")
        self.assertTrue(self.grade(path, "--secret-file", self.secret)["answers"][0]["correct"])

    def test_another_students_answers_are_refused(self):
        path = self.hand_in({}, student="bob", variant=self.variant("ada")["variant"])
        self.assert_one_line_reason(self.lab("grade", path, "--secret-file", self.secret, code=None), 2, "bob", "differs")
        self.assert_one_line_reason(self.lab("grade", path, "--secret-file", self.secret, "--student", "eve", code=None), 2, "eve")

    def test_a_weak_secret_is_refused(self):
        self.secret.write_text("12345\n")
        self.assert_one_line_reason(self.lab("grade", "--variant", "gil", "--student", "ada", "--secret-file", self.secret,
                                             code=None), 2, "5 bytes", "openssl rand")


class Runs(GradeCase):
    def run_of(self, *options, scenario="blocking-async"):
        folder = self.work / f"run-{len(list(self.work.iterdir()))}"
        self.lab("run", scenario, "--quick", "--quiet", "--save", folder, *options)
        return folder

    def change(self, folder, number, old, new, seal=True):
        """A line of the record (-1 is the last one) with other text in it, and a checksum that fits."""
        lines = (folder / "run.jsonl").read_text().splitlines()
        self.assertIn(old, lines[number])
        changed = lines[number].replace(old, new, 1)
        lines[number] = sealed(changed) if seal else changed
        (folder / "run.jsonl").write_text("\n".join(lines) + "\n")

    def refused(self, run, *words, path=None):
        self.assert_one_line_reason(self.lab("grade", path or self.hand_in(RIGHT), "--run", run, code=None), 2, "--run", *words)

    def test_what_the_run_measured_stands_beside_the_answer(self):
        folder = self.run_of()
        graded = self.grade(self.hand_in(RIGHT), "--run", folder)
        self.assertEqual(graded["run"], str(folder))
        self.assertGreaterEqual(graded["answers"][0]["measured"], 1.0)
        self.assertIn("your run measured 1.", self.lab("grade", self.hand_in(RIGHT), "--run", folder / "run.jsonl").out)

    def test_a_run_of_another_problem_is_refused(self):
        self.refused(self.run_of(scenario="forgotten-await"), "forgotten-await")
        self.refused(self.run_of("--requests", "5"), "N = 5", "lab run blocking-async")
        changed = self.run_of("--requests", "5", "--arms", "async-loop")
        path = self.hand_in({}, settings={"requests": 5}, name="five.json")
        self.assertIsNotNone(self.grade(path, "--run", changed)["answers"][1]["measured"])

    def test_an_old_an_incomplete_and_an_altered_run_are_refused(self):
        whole = self.run_of("--arms", "async-loop")

        def copy():
            folder = self.work / f"copy-{len(list(self.work.iterdir()))}"
            shutil.copytree(whole, folder)
            return folder
        old, cut, damaged, text = copy(), copy(), copy(), copy()
        self.change(old, 0, "lab.run-record/1", "lab.run-record/0")
        self.refused(old, "schema")
        self.change(cut, -1, '"complete":true', '"complete":false')
        self.refused(cut, "incomplete")
        self.change(damaged, 2, '"status":200', '"status":201', seal=False)
        self.refused(damaged, "damaged or altered")
        self.change(text, 0, "each waits $d", "each waits long")
        self.refused(text, "another text")
        before = copy()
        header = json.loads((before / "run.jsonl").read_text().splitlines()[0])
        del header["crc32"]
        (before / "run.jsonl").write_text(json.dumps({**header, "schema": "lab.run-record/0"}) + "\n")
        self.refused(before, "lab.run-record/0")
        self.assert_one_line_reason(self.lab("grade", self.hand_in(RIGHT), "--run", "nowhere", code=None), 2, "nowhere")


    def test_a_run_faster_than_its_bound_cannot_have_been_measured(self):
        folder = self.run_of("--arms", "async-loop")
        lines = (folder / "run.jsonl").read_text().splitlines()
        for i, line in enumerate(lines):
            record = json.loads(line)
            if record["type"] == "request":
                sooner = record["sent_ns"] + 1_000_000
                lines[i] = sealed(line.replace(f'"received_ns":{record["received_ns"]}', f'"received_ns":{sooner}'))
        (folder / "run.jsonl").write_text("\n".join(lines) + "\n")
        self.refused(folder, "below its bound")


class Gradescope(GradeCase):
    """The zip as Gradescope lays it out. The program in it is this one where it is not static: the shell scripts and all
    that they call are the same."""

    def unpack(self, *options, scenario="blocking-async"):
        out = self.work / "out.zip"
        self.lab("grade", "--autograder", out, "--scenario", scenario, "--program", self.static_program(), *options)
        folder = self.work / "autograder"
        with zipfile.ZipFile(out) as package:
            self.modes = {entry.filename: entry.external_attr >> 16 for entry in package.infolist()}
            package.extractall(folder / "source")
        for name, mode in self.modes.items():
            (folder / "source" / name).chmod(stat.S_IMODE(mode))
        shutil.copy2(BINARY, folder / "source/bin/lab")
        (folder / "submission").mkdir()
        return folder

    def static_program(self):
        """An ELF file without an interpreter; enough for what the packer checks."""
        path = self.work / "static-lab"
        header = b"\x7fELF\x02\x01\x01" + bytes(9) + (2).to_bytes(2, "little") + (62).to_bytes(2, "little")
        header += (1).to_bytes(4, "little") + bytes(24) + bytes(4) + (64).to_bytes(2, "little") + (56).to_bytes(2, "little")
        path.write_bytes(header + bytes(64))
        return path

    def submit(self, folder, answers, email="ada@school", **more):
        (folder / "submission_metadata.json").write_text(json.dumps({"users": [{"email": email, "id": 7, "name": "Ada"}]}))
        shutil.copy2(self.hand_in(answers, **more), folder / "submission/answers.json")
        environment = {**self.environment, "AUTOGRADER": str(folder)}
        done = subprocess.run([folder / "source/run_autograder"], env=environment, capture_output=True, text=True)
        self.assertEqual((done.returncode, done.stdout), (0, ""), done.stderr)
        return json.loads((folder / "results/results.json").read_text())

    def test_the_zip_holds_what_gradescope_asks_for(self):
        folder = self.unpack()
        self.assertTrue({"setup.sh", "run_autograder", "bin/lab", "share/lab/scenarios/blocking-async.toml"} <= set(self.modes))
        for name in ("setup.sh", "run_autograder", "bin/lab"):
            self.assertEqual(stat.S_IMODE(self.modes[name]), 0o755, name)
        setup = subprocess.run([folder / "source/setup.sh"], env={**self.environment, "AUTOGRADER": str(folder)},
                               capture_output=True, text=True)
        self.assertEqual(setup.returncode, 0, setup.stderr)

    def test_a_submission_gets_a_point_for_each_right_answer(self):
        result = self.submit(self.unpack(), {**RIGHT, "blocking-async-2": "1 s"})
        self.assertEqual(result["score"], 2)
        self.assertEqual([test["status"] for test in result["tests"]], ["passed", "failed", "passed"])
        self.assertIn("Awaiting ten timers", result["tests"][1]["output"])
        for test in result["tests"]:
            self.assertTrue({"name", "score", "max_score", "status", "output", "visibility"} <= set(test))

    def test_what_cannot_be_graded_is_reported_to_the_student(self):
        folder = self.unpack()
        refused = self.submit(folder, {"blocking-async-1": "3"})
        self.assertEqual(refused["score"], 0)
        self.assertIn("no unit", refused["output"])
        self.assertIn("'gil'", self.submit(folder, {}, scenario="gil")["output"])
        easier = self.submit(folder, {}, settings={"requests": 1})
        self.assertIn("other settings", easier["output"])
        (folder / "submission/more.json").write_text("{}")
        self.assertIn("one answer file", self.submit(folder, {})["output"])

    def test_a_variant_can_only_be_handed_in_by_its_student(self):
        folder = self.unpack("--secret-file", self.secret)
        self.assertEqual(stat.S_IMODE(self.modes["secret.txt"]), 0o600)
        self.assertEqual(len(self.submit(folder, {}, student="ada@school")["tests"]), 3)
        stolen = self.submit(folder, {}, student="ada@school", email="bob@school")
        self.assertEqual((stolen["score"], stolen["tests"]), (0, []))
        self.assertIn("handed in by bob@school", stolen["output"])

    def test_what_cannot_be_asked_is_reported_before_a_zip_is_written(self):
        self.secret.write_text("abc")
        program = self.static_program()
        for options, word in ((("blocking-async", "--secret-file", self.secret), "too short"),
                              (("blocking-async", "--only", "nonsense-1"), "nonsense-1")):
            self.assert_one_line_reason(self.lab("grade", "--autograder", "out.zip", "--program", program, "--scenario", *options,
                                                 code=None), 2, word)
        self.secret.write_text(SECRET)
        self.assert_one_line_reason(self.lab("grade", "--autograder", "out.zip", "--program", program, "--scenario",
                                             "forgotten-await", "--secret-file", self.secret, code=None), 2, "can be varied")
        self.assertFalse((self.work / "out.zip").exists())

    def test_a_student_reads_the_names_of_the_files_and_no_path(self):
        folder = self.unpack()
        (folder / "submission/run.jsonl").write_text("no run")
        said = self.submit(folder, RIGHT)["output"]
        self.assertNotIn(str(folder), said)
        self.assertNotIn("--run", said)
        self.assertEqual(said.count("run.jsonl"), 1)

    def test_a_program_that_needs_libraries_is_refused(self):
        self.assert_one_line_reason(self.lab("grade", "--autograder", "x.zip", "--scenario", "gil", "--program", "/bin/ls",
                                             code=None), 2, "shared libraries", "--program")
        self.assertFalse((self.work / "x.zip").exists())


class Repairs(GradeCase):
    """Sick servers that are repaired, and diagnosed again."""
    def sick(self, name="find-the-line"):
        document = self.lab_json("grade", "--repair", name)
        self.assertEqual(problems("repair", document), [])
        return document

    def repaired(self, name="find-the-line", **edits):
        """The file of a sick server, with each text in place of another one."""
        document = self.sick(name)
        text = document["text"]
        for old, new in edits.values():
            self.assertEqual(text.count(old), 1, old)
            text = text.replace(old, new)
        path = self.work / document["file"]
        path.write_text(text)
        return path

    def grade_repair(self, path, name="find-the-line", code=0, *options):
        document = self.lab_json("grade", path, "--repair", name, *options, code=code, within=90)
        self.assertEqual(problems("repair", document), [])
        return document

    def test_a_sick_server_is_printed_as_the_file_that_is_repaired(self):
        document = self.sick()
        self.assertEqual(self.lab("grade", "--repair", "find-the-line").out, document["text"] + "\n")
        compile(document["text"], document["file"], "exec")
        self.assertIn(f"lab grade {document['file']} --repair find-the-line", document["text"])

    def test_what_cannot_be_meant_is_refused(self):
        self.assert_one_line_reason(self.lab("grade", "--repair", "find-the-lin", code=None), 2, "--repair", "find-the-line")
        self.assert_one_line_reason(self.lab("grade", "--repair", "find-the-line", "--scenario", "gil", code=None), 2, "--scenario")
        self.assert_one_line_reason(self.lab("grade", "no-such.py", "--repair", "find-the-line", code=None), 2, "no-such.py")

    @unittest.skipUnless(HAS_FASTAPI, "python3-fastapi and python3-uvicorn are not here")
    def test_a_server_that_does_not_start_gets_no_points_and_its_last_words(self):
        path = self.work / "report.py"
        path.write_text("import no_such_module\n")
        graded = self.grade_repair(path, "find-the-line", 1, "--pass", "80%")
        self.assertEqual((graded["points"], graded["passed"]), (0, False))
        self.assertIn("no_such_module", graded["checks"][0]["found"])

    @unittest.skipUnless(HAS_FASTAPI, "python3-fastapi and python3-uvicorn are not here")
    @measured
    def test_the_sick_line_is_named_and_the_repaired_server_passes(self):
        if os.environ.get("LAB_FULL"):  # else test_inside.py names one, and repair_test.cpp grades that
            graded = self.grade_repair(self.repaired())
            self.assertEqual([check["correct"] for check in graded["checks"]][1:], [False, False, False], graded)
            line = self.sick()["text"].splitlines().index("    time.sleep(0.05)") + 1
            self.assertIn(f"report.py:{line} in ask_database(): time.sleep(0.05)", graded["checks"][1]["found"])
        graded = self.grade_repair(self.repaired(route=("async def report():\n    return await collect()", "def report():\n    return collect()"),
                                                 helper=("async def collect():", "def collect():")))
        with figures():
            self.assertEqual(graded["points"], 4, graded)


if __name__ == "__main__":
    unittest.main()
