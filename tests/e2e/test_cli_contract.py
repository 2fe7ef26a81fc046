"""The command line as people, notebooks and scripts rely on it."""
import json
import os
import re
import subprocess
import unittest
import zlib

from labcase import BINARY, ESCAPE, FROZEN, MODES, PATIENCE, ROOT, LabCase, alone, figures, measured

RUN_KEYS = {"schema", "scenario", "complete", "seed", "path", "environment", "arms"}
ARM_KEYS = {"arm", "case", "label", "engine", "mode", "workers", "threads", "requests", "repetitions", "bound_s",
            "predicted_s", "documented_s", "makespan_s", "latency_s", "books", "measures", "splits", "verdict",
            "findings"}
MEASURE_KEYS = {"stat", "predicted", "median", "low", "high", "documented"}
VERDICTS = {"reproduced", "faster", "slower", "impossible", "inconclusive", "instrument-fault", "none"}
BOUNDS = {"blocking-loop": 1.0, "async-loop": 0.1, "thread-pool": 0.1, "offload": 0.1, "workers-4": 0.3}
VERBS = ("list", "show", "run", "predict", "serve", "load", "report", "history", "compare", "sweep", "explain", "advise", "quiz", "doctor")
FAST = ("--scale", "0.1", "--quick")


class Help(LabCase):
    def test_every_verb_has_help_with_an_example(self):
        overview = self.lab("--help").out
        for verb in VERBS:
            self.assertRegex(overview, rf"(?m)^\s*{verb}\b")
            ran = self.lab(verb, "--help")
            self.assertIn(f"lab {verb}", ran.out, ran)
            self.assertEqual(ran.err, "")

    def test_version(self):
        self.assertRegex(self.lab("--version").out, r"\d+\.\d+\.\d+")


class ListAndShow(LabCase):
    def test_list_names_scenarios_and_every_execution_model(self):
        out = self.lab("list").out
        for name in ("blocking-async", *MODES):
            self.assertIn(name, out)
        self.assert_fits(out, 80)

    def test_scenarios_are_found_from_the_build_folder_too(self):
        ran = subprocess.run([BINARY, "list"], cwd=self.work, env=self.environment, capture_output=True, text=True)
        self.assertEqual(ran.returncode, 0, ran.stderr)
        self.assertIn("blocking-async", ran.stdout)

    def test_scenarios_are_found_from_a_checkout_below_which_one_stands(self):
        (self.work / "labw").touch()
        (self.work / "scenarios").mkdir()
        (self.work / "scenarios/mine.toml").write_text(FROZEN)
        below = self.work / "a/b"
        below.mkdir(parents=True)
        self.assertIn("mine", self.lab("list", cwd=below).out)

    def test_an_environment_variable_names_another_folder(self):
        (self.work / "mine.toml").write_text(FROZEN)
        self.assertIn("mine", self.lab("list", env={"LAB_SCENARIOS": str(self.work)}).out)

    def test_show_keeps_figures_back_unless_asked(self):
        shown = self.lab("show", "blocking-async").out
        answers = self.lab("show", "blocking-async", "--answers").out
        self.assertIn("wait 100 ms", shown)
        self.assertNotIn("1.1", shown)
        self.assertIn("1.1", answers)
        self.assert_fits(shown, 80)
        self.assert_fits(answers, 80)


    def test_no_scenario_is_wider_than_a_terminal_glued_or_padded(self):
        for file in (ROOT / "scenarios").glob("*.toml"):
            shown = self.lab("show", file.stem, "--answers").out
            self.assert_fits(shown, 80)
            self.assertNotRegex(shown, r"(?m) $")
            self.assertNotRegex(shown, r"\)\d")
            self.assertTrue(self.lab("show", file.stem, "--answers", "--ascii").out.isascii())

    def test_answers_are_about_what_the_table_shows(self):
        self.assertRegex(self.lab("show", "frozen-server", "--answers").out,
                         r"(?m)^PREDICT blocking-loop +ping\.latency\.max +4\.95 s")

    def test_show_distinguishes_arms(self):
        out = self.lab("show", "wsgi-vs-asgi").out
        self.assertRegex(out, r"threads-8 .*\(8 threads\)")
        self.assertRegex(out, r"threads-64 .*\(64 threads\)")

    def test_the_next_command_works_for_a_scenario_from_a_path(self):
        file = self.work / "mine.toml"
        file.write_text(FROZEN + '[explain]\ntext = "So."\nnext = "nosuch"\n')
        shown = self.lab("show", file)
        self.assertIn(f"lab run {file}", " ".join(shown.out.split()))
        self.assertIn("next = 'nosuch' is no known scenario", shown.err)

    def test_list_cuts_no_question(self):
        ran = self.lab("list", "--ascii")
        self.assertNotIn("...", ran.out)
        self.assertTrue(ran.out.isascii())

    def test_a_closed_standard_output_is_reported_and_a_closed_pipe_is_not(self):
        ran = subprocess.run(["sh", "-c", f"'{BINARY}' list >&-"], env=self.environment, capture_output=True, text=True)
        self.assertEqual((ran.returncode, ran.stderr), (3, "lab: standard output is closed\n"))
        ran = subprocess.run(["bash", "-c", f"'{BINARY}' list | head -1; exit ${{PIPESTATUS[0]}}"],
                             env=self.environment, capture_output=True, text=True)
        self.assertEqual((ran.returncode, ran.stderr), (0, ""))


class Run(LabCase):
    def test_json_is_one_document_with_the_promised_keys(self):
        run = self.lab_json("run", "blocking-async", *FAST, "--no-save", "--seed", 42)
        self.assertLessEqual(RUN_KEYS, run.keys())
        self.assertEqual((run["schema"], run["scenario"], run["complete"], run["seed"]),
                         ("lab.run/1", "blocking-async", True, 42))
        self.assertLessEqual({"cores", "kernel", "noise"}, run["environment"].keys())
        self.assertEqual(run["environment"]["cores"], len(os.sched_getaffinity(0)))
        self.assertEqual({arm["arm"] for arm in run["arms"]}, BOUNDS.keys())
        for arm in run["arms"]:
            self.assertLessEqual(ARM_KEYS, arm.keys())
            self.assertEqual((arm["engine"], arm["requests"], arm["repetitions"]), ("native", 10, 1))
            self.assertIn(arm["verdict"], VERDICTS)
            self.assert_books_balance(arm["books"])
            self.assertEqual((arm["books"]["planned"], arm["books"]["ok"]), (10, 10))
            self.assertLessEqual({"median", "low", "high", "all"}, arm["makespan_s"].keys())
            self.assertIsNone(arm["makespan_s"]["low"], "no interval below six repetitions")
            self.assertLessEqual({"min", "median", "max"}, arm["latency_s"].keys())
            self.assertEqual(len(arm["splits"]), 1)
            self.assertEqual(sum(arm["splits"][0]), 10)
            for measure in arm["measures"]:
                self.assertLessEqual(MEASURE_KEYS, measure.keys())
            for finding in arm["findings"]:
                self.assertRegex(finding["id"], r"^LAB\d{3}$")

    @measured
    def test_every_arm_is_at_its_bound_and_none_below(self):
        run = self.lab_json("run", "blocking-async", "--quick", "--no-save")
        for arm in run["arms"]:
            bound, makespan = BOUNDS[arm["arm"]], arm["makespan_s"]["median"]
            self.assertAlmostEqual(arm["bound_s"], bound, places=6)
            self.assertAlmostEqual(arm["predicted_s"], bound, places=6)
            self.assertGreaterEqual(makespan, bound, arm["arm"])
            with figures():
                self.assertLess(makespan, bound * 1.1 + 0.05 * PATIENCE, arm["arm"])
        by_name = {arm["arm"]: arm for arm in run["arms"]}
        self.assertEqual(by_name["async-loop"]["verdict"], "impossible")
        self.assertEqual(by_name["blocking-loop"]["documented_s"], 1.1)
        self.assertIn("LAB101", [finding["id"] for finding in by_name["blocking-loop"]["findings"]])
        self.assertEqual(sorted(by_name["workers-4"]["splits"][0]), [2, 2, 3, 3])
        self.assertEqual(by_name["workers-4"]["workers"], 4)
        self.assertIsNone(by_name["async-loop"]["threads"])
        self.assertEqual(by_name["thread-pool"]["threads"], 40)

    def test_six_repetitions_have_an_interval(self):
        run = self.lab_json("run", "blocking-async", "--arms", "async-loop,offload", "--scale", "0.1", "--repeat", 6,
                            "--no-save")
        self.assertEqual([arm["arm"] for arm in run["arms"]], ["async-loop", "offload"])
        for arm in run["arms"]:
            makespan = arm["makespan_s"]
            self.assertEqual(len(makespan["all"]), 6)
            self.assertEqual((makespan["low"], makespan["high"]), (min(makespan["all"]), max(makespan["all"])))
            self.assertEqual(len(arm["splits"]), 6)

    @staticmethod
    def without_noise(text):
        """The rows of a report but those that a disturbed machine adds: checks, warnings, and a WHY for every arm that
        is far above its bound."""
        rows, tag, whys = [], "", 0
        for row in text.rstrip("\n").splitlines():
            if row[:1] != " ":
                tag = row.split(" ", 1)[0]
                whys += tag == "WHY"
            if tag not in ("CHECK", "WARN") and (tag != "WHY" or whys == 1):
                rows.append(row)
        return rows

    @measured
    def test_details_fit_80_columns_and_32_rows_without_escape_codes(self):
        ran = self.lab("run", "blocking-async", "--quick", "--no-save", "--details")
        self.assert_fits(ran.out, 80)
        with figures():  # a disturbed machine has more to explain
            self.assertLessEqual(len(self.without_noise(ran.out)), 32, ran)
        self.assertNotIn(ESCAPE, ran.out + ran.err)
        self.assertNotIn("\r", ran.out + ran.err)
        for word in (*BOUNDS, "WHY", "LOG", "NEXT", "impossible"):
            self.assertIn(word, ran.out)

    def test_ascii_means_ascii(self):
        ran = self.lab("run", "blocking-async", *FAST, "--no-save", "--ascii")
        self.assertTrue(ran.out.isascii(), ran)
        self.assert_fits(ran.out, 80)

    def test_quiet_says_nothing_on_stderr(self):
        self.assertEqual(self.lab("run", "blocking-async", *FAST, "--no-save", "--quiet").err, "")

    def test_what_options_changed_is_said(self):
        out = self.lab("run", "blocking-async", "--arms", "async-loop", "--delay", "20ms", "--quick", "--no-save").out
        self.assertIn("20 ms", out)
        self.assertIn("0.1", self.lab("run", "blocking-async", *FAST, "--arms", "async-loop", "--no-save").out)

    def test_csv_and_markdown_are_tables_of_every_arm(self):
        csv = self.lab("run", "blocking-async", *FAST, "--no-save", "--format", "csv").out
        markdown = self.lab("run", "blocking-async", *FAST, "--no-save", "--format", "md").out
        columns = {line.count(",") for line in csv.splitlines() if '"' not in line}
        self.assertEqual(len(columns), 1, csv)
        self.assertRegex(markdown, r"(?m)^\|[-: |]+\|$")
        for arm in BOUNDS:
            self.assertIn(arm, csv)
            self.assertIn(arm, markdown)

    def test_a_guess_is_answered(self):
        out = self.lab("run", "blocking-async", "--quick", "--no-save", "--arms", "async-loop", "--guess",
                       "async-loop=1s").out
        self.assertRegex(out, r"(?i)guess")

    @measured
    def test_a_scenario_from_a_file_and_its_check(self):
        file = self.work / "frozen-report.toml"
        file.write_text(FROZEN)
        run = self.lab_json("run", file, "--quick", "--no-save", "--check")
        blocking, beside = run["arms"]
        worst = {arm["arm"]: m for arm in run["arms"] for m in arm["measures"] if m["stat"] == "ping.latency.max"}
        with figures():
            self.assertGreater(worst["blocking"]["median"], 0.9)
            self.assertLess(worst["def-beside-async"]["median"], 0.05 * PATIENCE)
        self.assertEqual(worst["blocking"]["documented"], 1.0)
        self.assertAlmostEqual(worst["blocking"]["predicted"], 0.95, delta=0.002)
        self.assertEqual((blocking["books"]["ok"], beside["books"]["ok"]), (11, 11))

    def test_a_failed_check_exits_1_and_still_reports(self):
        file = self.work / "failing.toml"
        file.write_text(FROZEN.replace('within = "15%"', 'at_most = "1ms"'))
        self.assertEqual(self.lab_json("run", file, "--quick", "--no-save", "--check", code=1)["complete"], True)
        self.lab("run", file, "--quick", "--no-save")


class Results(LabCase):
    def test_a_run_is_kept_listed_and_reported_again(self):
        run = self.lab_json("run", "blocking-async", *FAST, "--seed", 7)
        self.assertEqual(len(list(self.runs.iterdir())), 1)
        folder = next(self.runs.iterdir())
        self.assertRegex(folder.name, r"^\d{4}.*-blocking-async$")
        self.assertTrue(os.path.samefile(self.work / run["path"], folder))
        self.assertIn(folder.name, self.lab("history").out)
        again = self.lab_json("report", folder)
        self.assertEqual(again["arms"], run["arms"])
        for form, sign in (("text", "NEXT"), ("csv", ","), ("md", "|")):
            self.assertIn(sign, self.lab("report", folder, "--format", form).out)
        details = self.lab("report", folder, "--details").out
        self.assertIn("WHY", details)
        for text in (details, self.lab("report", folder).out):
            self.assert_fits(text, 80)

    def problems(self, schema_name, values):
        """What the schema has against the values, by their number from 1."""
        import jsonschema
        schema = json.loads((ROOT / "results/schema" / schema_name).read_text())
        kind = jsonschema.validators.validator_for(schema)
        kind.check_schema(schema)
        validator = kind(schema)
        return {number: [problem.message for problem in validator.iter_errors(value)]
                for number, value in enumerate(values, 1) if not validator.is_valid(value)}

    def test_every_line_of_a_run_obeys_the_schema_and_carries_its_checksum(self):
        self.lab("run", "blocking-async", *FAST, "--save", "kept")
        lines = (self.work / "kept/run.jsonl").read_bytes().splitlines()
        self.assertGreater(len(lines), 5 * 10)
        self.assertEqual(self.problems("run-record.schema.json", map(json.loads, lines)), {})
        for line in lines:
            self.assertEqual(line[-10:-2], b"%08x" % zlib.crc32(line[:-20] + b"}"), line[:200])

    def test_the_printed_document_obeys_its_schema(self):
        documents = [self.lab_json("run", "blocking-async", *FAST, "--no-save"),
                     self.lab_json("predict", "blocking-async")]
        self.assertEqual(self.problems("run.schema.json", documents), {})

    def test_no_save_leaves_nothing_and_save_leaves_one_folder(self):
        self.lab("run", "blocking-async", *FAST, "--no-save")
        self.assertFalse(self.runs.exists() and any(self.runs.iterdir()))
        self.assertEqual(list(self.work.iterdir()), [])
        run = self.lab_json("run", "blocking-async", *FAST, "--save", "kept")
        self.assertTrue(run["path"].endswith("kept"))
        self.assertEqual([file.name for file in self.work.iterdir()], ["kept"])
        self.assertFalse(self.runs.exists() and any(self.runs.iterdir()))

    def test_a_damaged_line_is_reported_and_the_rest_is_read(self):
        self.lab("run", "blocking-async", *FAST, "--save", "kept")
        file = self.work / "kept/run.jsonl"
        lines = file.read_bytes().splitlines(keepends=True)
        middle = len(lines) // 2
        lines[middle] = lines[middle][:10] + b"#" + lines[middle][11:]
        file.write_bytes(b"".join(lines))
        ran = self.lab("report", "kept", "--format", "json", code=None)
        self.assertIn(str(sum(map(len, lines[:middle]))), ran.err, ran)
        self.assertEqual(len(json.loads(ran.out)["arms"]), 5)

    def test_history_without_runs_is_no_error(self):
        self.assertEqual(self.lab("history").code, 0)


class Predict(LabCase):
    def test_json_has_the_shape_of_a_run_with_engine_model(self):
        run = self.lab_json("predict", "blocking-async")
        self.assertLessEqual(RUN_KEYS, run.keys())
        self.assertEqual({arm["arm"]: round(arm["predicted_s"], 6) for arm in run["arms"]}, BOUNDS)
        for arm in run["arms"]:
            self.assertLessEqual(ARM_KEYS, arm.keys())
            self.assertEqual(arm["engine"], "model")

    @alone
    @measured
    def test_a_million_requests_at_once(self):
        ran = self.lab("predict", "blocking-async", "--requests", 1000000)
        for figure in ("27 h 46 min", "41 min 40 s", "6 h 56 min", "0.1"):
            self.assertIn(figure, ran.out, ran)
        self.assertIn("nothing was run", ran.out)
        with figures():
            self.assertLess(ran.seconds, 5 * PATIENCE)
        self.assert_fits(ran.out, 80)

    @measured
    def test_it_is_instant_and_leaves_nothing(self):
        ran = self.lab("predict", "blocking-async")
        self.assertFalse(self.runs.exists())
        with figures():
            self.assertLess(ran.seconds, 1 * PATIENCE)


class Cases(LabCase):
    def test_case_stands_wherever_arms_does_and_is_shown_again(self):
        words = ("gil", "--case", "four-wait", "--arms", "threads", "--format", "json")
        for verb in (("predict",), ("run", "--quick", "--quiet")):
            told = json.loads(self.lab(verb[0], *words, *verb[1:]).out)
            self.assertEqual([(arm["arm"], arm["case"]) for arm in told["arms"]], [("threads", "four-wait")])
        again = json.loads(self.lab("report", "last", "--format", "json").out)
        self.assertEqual([(arm["arm"], arm["case"]) for arm in again["arms"]], [("threads", "four-wait")])
        swept = self.lab("sweep", "gil", "--case", "four-wait", "--vary", "d=10ms,20ms", "--predict", "--format", "csv").out
        self.assertNotIn("four-compute", swept)
        self.assert_one_line_reason(self.lab("predict", "gil", "--case", "four-waits", code=None), 2, "'four-wait'")


class Times(LabCase):
    """One reader of times for options, prompts, answers and files."""
    SAME = ("100ms", "100 ms", "0.1s", "0.1 s", "0,1s", "0,1 s", "100000us", "100000µs", "100000 µs")
    # A bare number, a comma that may separate thousands, no unit of ours.
    REFUSED = (("100", "100ms"), ("0,1", "0,1s"), ("1,000ms", "1000ms"), ("5 fortnights", "unit"))

    def readers(self, text):
        """The exit code and what is said of that time, wherever one is read."""
        (self.work / "mine.toml").write_text(FROZEN.replace('"100ms"', json.dumps(text)))
        (self.work / "answers.json").write_text(json.dumps({"gil-2": text}))
        graded = {"schema": "lab.answers/1", "scenario": "gil", "answers": {"gil-2": text}, "settings": {"d": text}}
        (self.work / "graded.json").write_text(json.dumps(graded))
        run = ("run", "blocking-async", "--arms", "async-loop", "--quick", "--no-save", "--quiet")
        for words in (("predict", "blocking-async", "--delay", text), ("predict", "blocking-async", "--set", f"d={text}"),
                      ("predict", "mine.toml"), (*run, "--guess", f"async-loop={text}"), (*run, "--budget", text),
                      ("quiz", "--only", "gil-2", "--seed", 1, "--answers", "answers.json", "--format", "json"),
                      ("grade", "graded.json", "--format", "json"),
                      ("sweep", "blocking-async", "--vary", f"d={text},1s", "--predict", "--format", "json")):
            if words[0] != "sweep" or "," not in text:  # which separates the values there
                yield words, self.lab(*words, code=None)

    def test_each_takes_the_same_spellings(self):
        for text in self.SAME:
            for words, ran in self.readers(text):
                with self.subTest(words=words):
                    self.assertEqual(ran.code, 0, ran)
        self.assertIn("you said 100 ms", self.lab("run", "blocking-async", "--arms", "async-loop", "--quick", "--no-save",
                                                  "--guess", "async-loop = 0,1 s").out)

    def test_each_refuses_the_same_with_the_fix(self):
        for text, fix in self.REFUSED:
            for words, ran in self.readers(text):
                with self.subTest(words=words):
                    self.assert_one_line_reason(ran, 2, fix)

    def test_prompts_break_between_words(self):
        ran = self.in_terminal("run", "blocking-async", "--arms", "async-loop", "--ask", "--quick", "--no-save",
                               columns=40, keys=b"\n")
        asked = ran.out[:ran.out.index("Enter")].replace("\r", "").splitlines()
        for line in asked:
            self.assertLessEqual(len(line), 40)
        self.assertIn("your guess for async-loop (await sleep)", " ".join(" ".join(asked).split()))

    def test_ask_reads_as_the_options_do(self):
        for text in ("100 ms", "0,1 s"):
            ran = self.in_terminal("run", "blocking-async", "--arms", "async-loop", "--ask", "--quick", "--no-save",
                                   keys=text.encode() + b"\n")
            self.assertIn("you said 100 ms", ran.out)

    def test_microseconds_are_written_alike_everywhere(self):
        ran = self.lab("run", "blocking-async", "--arms", "async-loop", "--delay", "200us", "--quick", "--no-save")
        self.assertIn("µs", ran.out)
        self.assertNotRegex(ran.out, r"\d us\b")


class Terminal(LabCase):
    def test_color_only_on_a_terminal_and_never_with_no_color(self):
        color = re.compile(ESCAPE + r"\[[0-9;]*m")
        colored = self.in_terminal("run", "blocking-async", *FAST, "--no-save")
        self.assertEqual(colored.code, 0, colored)
        self.assertRegex(colored.out, color)
        plain = self.in_terminal("run", "blocking-async", *FAST, "--no-save", env={"NO_COLOR": "1"})
        self.assertNotRegex(plain.out, color)
        never = self.in_terminal("run", "blocking-async", *FAST, "--no-save", "--color", "never")
        self.assertNotRegex(never.out, color)
        piped = self.lab("run", "blocking-async", *FAST, "--no-save", "--color", "always")
        self.assertRegex(piped.out, color)

    def test_a_narrow_terminal_is_respected(self):
        ran = self.in_terminal("run", "blocking-async", *FAST, "--no-save", "--color", "never", columns=60)
        self.assertEqual(ran.code, 0, ran)
        text = re.sub(ESCAPE + r"\[[0-9;?]*[A-Za-z]", "", ran.out)
        for line in text.splitlines():
            self.assert_fits(line.rpartition("\r")[2], 60)

    def test_the_table_is_live_before_the_run_ends(self):
        ran = self.in_terminal("run", "blocking-async", "--arms", "async-loop", "--scale", "0.5", "--repeat", 6,
                               "--no-save")
        self.assertEqual(ran.code, 0, ran)
        *live, last = re.split(ESCAPE + r"\[\d+A" + ESCAPE + r"\[J", ran.out)  # where it goes back and draws anew
        row = r"(?m)^async-loop .*\d\.\d"
        self.assertGreaterEqual(len(live), 2, ran)
        for number, frame in enumerate(live[:2], 1):
            self.assertRegex(frame, rf"measured, n = {number} ")
            self.assertRegex(frame, row)
        self.assertRegex(last, r"min–max \(6\)")
        self.assertRegex(last, row)


class Doctor(LabCase):
    def test_names_what_the_machine_has(self):
        ran = self.lab("doctor")
        self.assertRegex(ran.out, r"(?i)cores")
        self.assertRegex(ran.out, r"(?i)descriptors|open files")
        self.assertRegex(ran.out, r"(?m)^mpi +(\S+lab_mpi\.so|missing; mpirun)")
        self.assert_fits(ran.out, 80)


if __name__ == "__main__":
    unittest.main(verbosity=2)
