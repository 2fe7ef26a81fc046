"""lab advise and lab quiz: asked on a terminal, used in a script."""
import contextlib
import fcntl
import json
import os
import pty
import re
import select
import signal
import struct
import termios
import time
import unittest

from labcase import ESCAPE, FROZEN, PATIENCE, ROOT, LabCase, Ran, lab_program

WAY = ("--work", "cpu", "--client", "now", "--takes", "200ms", "--cores", "several")


class Dialogue:
    """The program on a terminal of 80 columns; what is said and answered in turn."""

    def __init__(self, case, *args):
        self.case, self.args, self.text, self.seen = case, [str(arg) for arg in args], "", 0
        program = lab_program()  # installed by this process, which removes it at its end
        self.pid, self.terminal = pty.fork()
        if self.pid == 0:
            os.chdir(case.work)
            os.execve(program, ["lab", *self.args], case.environment)
        fcntl.ioctl(self.terminal, termios.TIOCSWINSZ, struct.pack("HHHH", 40, 80, 0, 0))
        case.addCleanup(self.close)
        self.status = None

    def close(self):
        if self.status is None:
            with contextlib.suppress(ProcessLookupError):
                os.kill(self.pid, signal.SIGKILL)
            self.status = os.waitstatus_to_exitcode(os.waitpid(self.pid, 0)[1])
        if self.terminal >= 0:
            os.close(self.terminal)
            self.terminal = -1

    def read_until(self, finished, within=20):
        end = time.monotonic() + within * PATIENCE
        while not finished(self.text[self.seen:]):
            if time.monotonic() > end:
                self.case.fail(f"silence after\n{self.text[-2000:]}")
            if not select.select([self.terminal], [], [], 0.1)[0]:
                continue
            try:
                data = os.read(self.terminal, 65536)
            except OSError:
                data = b""
            if not data:
                return False
            self.text += data.decode("utf-8", "replace").replace("\r\n", "\n")
        return True

    def prompted(self, prompt):
        """Waits until that prompt stands at the end; what was written since the last one."""
        if not self.read_until(lambda text: text.endswith(prompt)):
            self.case.fail(f"it ended instead of asking:\n{self.text[-2000:]}")
        said, self.seen = self.text[self.seen:], len(self.text)
        return said

    def answer(self, keys):
        os.write(self.terminal, keys.encode())

    def end(self):
        """Everything after the last prompt, and the exit code."""
        self.read_until(lambda text: False)
        self.status = os.waitstatus_to_exitcode(os.waitpid(self.pid, 0)[1])
        return Ran(self.args, self.status, self.text[self.seen:], "", 0)


ADVISE = "q leaves: "
QUIZ = "q ends: "


class Advise(LabCase):
    def test_a_script_gets_model_reason_code_and_proof(self):
        ran = self.lab("advise", *WAY)
        for word in ("ADVICE", "WHY", "FASTAPI", "C++", "PROOF", "thread-pool", "@app.post", "co_await", "lab run gil"):
            self.assertIn(word, ran.out)
        self.assertEqual(ran.err, "")
        self.assertNotIn(ESCAPE, ran.out)
        self.assert_fits(ran.out, 80)

    def test_the_command_that_it_prints_gives_the_same_advice_again(self):
        first = self.lab("advise", *WAY).out
        again = re.search(r"AGAIN +lab (advise .*(?:\n {8}.*)*)", first)[1].split()
        self.assertEqual(self.lab(*again).out, first)

    def test_every_way_of_the_list_is_walked(self):
        document = self.lab_json("advise", "--list")
        self.assertEqual(document["schema"], "lab.advise/1")
        advice = {entry["id"]: entry for entry in document["advice"]}
        self.assertGreater(len(document["paths"]), 20)
        for path in document["paths"]:
            options = [word for option, answer in path["answers"].items() for word in (f"--{option}", answer)]
            ran = self.lab_json("advise", *options)
            self.assertEqual(ran["schema"], "lab.advise/1")
            self.assertEqual(ran["answers"], path["answers"])
            self.assertEqual(ran["advice"], advice[path["advice"]])

    def test_its_documents_obey_their_schema(self):
        self.assert_obeys(self.lab_json("advise", *WAY), "advise")
        self.assert_obeys(self.lab_json("advise", "--list"), "advise")

    def test_every_proof_is_predicted_by_the_program(self):
        document = self.lab_json("advise", "--list")
        proofs = {entry["proof"] for entry in document["advice"]}
        proofs |= {entry["proof"] for each in document["lists"] for entry in each["entries"]}
        for proof in proofs:
            program, verb, *rest = proof.split()
            self.assertEqual((program, verb), ("lab", "run"))
            self.lab("predict", *rest)

    def test_the_list_fits_and_can_be_ascii(self):
        self.assert_fits(self.lab("advise", "--list").out, 80)
        self.assertTrue(self.lab("advise", "--list", "--ascii").out.isascii())
        self.assertTrue(self.lab("advise", *WAY, "--ascii").out.isascii())

    def test_what_is_missing_is_named_with_its_words(self):
        self.assert_one_line_reason(self.lab("advise", code=None), 2, "--work is missing", "await|block")
        self.assert_one_line_reason(self.lab("advise", "--work", "cpu", "--client", "now", code=None), 2,
                                    "--takes is missing", "short|middle", "20ms")

    def test_bad_words_are_refused(self):
        for args, fragment in ((("--work", "cpo"), "did you mean 'cpu'?"),
                               (("--wrk", "cpu"), "did you mean '--work'?"),
                               (("--work", "cpu", "--takes", "20"), "20ms"),
                               (("--work", "native", "--cores", "one"), "--cores one changes nothing"),
                               (("--list", "--format", "jsn"), "did you mean 'json'?"),
                               (("--work", ""), "empty")):
            self.assert_one_line_reason(self.lab("advise", *args, code=None), 2, fragment)

    def test_on_a_terminal_it_asks_one_question_at_a_time(self):
        talk = Dialogue(self, "advise")
        self.assertIn("What takes the handler's time?", talk.prompted(ADVISE))
        talk.answer("\n")
        self.assertIn("What takes the handler's time?", talk.prompted(ADVISE), "Enter repeats the question")
        talk.answer("nonsense\n")
        self.assertIn("unknown word 'nonsense'", talk.prompted(ADVISE))
        talk.answer("cpu\n")
        self.assertIn("Does the client need the result", talk.prompted(ADVISE))
        talk.answer("1\n")
        self.assertIn("How long", talk.prompted(ADVISE))
        talk.answer("200ms\n")
        self.assertIn("How many cores", talk.prompted(ADVISE))
        talk.answer("2\n")
        ran = talk.end()
        self.assertEqual(ran.code, 0, ran)
        self.assertIn("--work cpu --client now --takes long --cores several", ran.out)
        self.assert_fits(talk.text, 80)

    def test_options_answer_some_questions_and_the_terminal_the_rest(self):
        talk = Dialogue(self, "advise", "--work", "nothing")
        self.assertIn("keep data in memory", talk.prompted(ADVISE))
        talk.answer("shared\n")
        ran = talk.end()
        self.assertEqual(ran.code, 0, ran)
        self.assertIn("worker-state", ran.out)

    def test_it_can_be_left(self):
        for keys, code, said in (("q\n", 0, "left"), ("\x04", 2, "input ended"), ("\x03", 130, "interrupted")):
            talk = Dialogue(self, "advise", "--work", "cpu")
            talk.prompted(ADVISE)
            talk.answer(keys)
            ran = talk.end()
            self.assertEqual(ran.code, code, ran)
            self.assertIn(said, ran.out)


class Quiz(LabCase):
    def questions(self, *args):
        document = self.lab_json("quiz", "--questions", *args)
        self.assertEqual(document["schema"], "lab.quiz/1")
        return document["questions"]

    def answers(self, questions, pick):
        return json.dumps({question["id"]: pick(question) for question in questions})

    def graded(self, answers, *args, code=0):
        file = self.work / "answers.json"
        file.write_text(answers)
        return self.lab_json("quiz", "--answers", file, *args, code=code)

    def test_there_are_questions_of_all_documents_and_scenarios(self):
        questions = self.questions("--count", 1000, "--seed", 1)
        own = [question for question in questions if re.match(r"d\d-", question["id"])]
        self.assertGreaterEqual(len(own), 40)
        scenarios = {question["scenario"] for question in questions if question not in own}
        self.assertGreaterEqual(len(scenarios), 40)
        for document in ("D0", "D1", "D2", "D3", "D4"):
            self.assertTrue(any(document in question["documents"] for question in own), document)
        text = json.dumps(questions)
        for secret in ('"say"', '"right"', '"answer"', '"why"', '"proof"', '"misconception"'):
            self.assertNotIn(secret, text)

    def test_its_documents_obey_their_schema(self):
        self.assert_obeys(self.lab_json("quiz", "--list"), "quiz")
        self.assert_obeys(self.graded('{"gil-1": "1s", "d2-log": 1}', "--only", "gil-1,d2-log,gil-2",
                                                      "--seed", 1, "--pass", "0%"), "quiz")

    def test_the_same_seed_asks_the_same_quiz(self):
        once = self.questions("--seed", 7)
        self.assertEqual(len(once), 10)
        self.assertEqual(once, self.questions("--seed", 7))
        self.assertNotEqual(once, self.questions("--seed", 8))

    def test_a_scenario_of_ones_own_asks_too_and_a_broken_one_is_passed_with_a_warning(self):
        (self.work / "mine.toml").write_text(FROZEN + '''
[[ask]]
text = "Slowest ping, blocking?"
answer = "blocking.ping.latency.max"
wrong = [{ value = "500ms", say = "That is the mean wait." }]
''')
        (self.work / "broken.toml").write_text("question = 1")
        env = {"LAB_SCENARIOS": str(self.work)}
        ran = self.lab("quiz", "--only", "mine-1", "--seed", 1, "--answers", self.file('{"mine-1": "0.5s"}'), env=env)
        self.assertIn("500 ms: That is the mean wait.", ran.out)
        self.assertIn("right is  950 ms", ran.out)
        self.assertIn("broken.toml:1:12", ran.err)

    def test_a_path_asks_what_that_file_asks_as_lab_run_takes_it(self):
        gil = (ROOT / "scenarios/gil.toml").read_text()
        (self.work / "gil.toml").write_text(gil.replace('c = "100ms"', 'c = "50ms"'))
        for path in ("gil.toml", "./gil.toml", str(self.work / "gil.toml")):
            result = self.graded('{"gil-1": "200 ms"}', "--scenario", path, "--seed", 1)
            row = {row["id"]: row for row in result["results"]}["gil-1"]
            self.assertTrue(row["right"], row)
            self.assertEqual({row["id"] for row in result["results"]}, {"gil-1", "gil-2"})
            self.assertEqual(row["proof"], f"lab run {path} --arms threads-gil")
        (self.work / "mute.toml").write_text(FROZEN)
        self.assert_one_line_reason(self.lab("quiz", "--scenario", "mute.toml", "--list", code=None), 2, "[[ask]]")
        self.assert_one_line_reason(self.lab("quiz", "--scenario", "none.toml", "--list", code=None), 2, "none.toml")

    def test_right_answers_from_a_graded_quiz_score_in_full(self):
        questions = self.questions("--seed", 3, "--count", 30)
        blank = self.graded("{}", "--seed", 3, "--count", 30)
        self.assertEqual((blank["asked"], blank["answered"], blank["right"], blank["score"]), (30, 0, 0, 0))
        self.assertEqual([row["id"] for row in blank["results"]], [question["id"] for question in questions])
        right = {row["id"]: row["answer"] for row in blank["results"] if row["kind"] == "choice"}
        full = self.graded(json.dumps(right), "--seed", 3, "--count", 30)
        for row in full["results"]:
            self.assertEqual(row["right"], row["id"] in right, row)
        self.assertEqual(full["right"], len(right))

    def test_a_wrong_figure_is_reported_as_the_mistake_that_it_is(self):
        result = self.graded('{"gil-1": "0.2s", "blocking-async-1": "1000 ms"}', "--seed", 1, "--only",
                             "gil-1,blocking-async-1")
        rows = {row["id"]: row for row in result["results"]}
        self.assertTrue(rows["blocking-async-1"]["right"])
        self.assertEqual(rows["gil-1"]["given"], "200 ms")
        self.assertIn("Two cores", rows["gil-1"]["misconception"])
        self.assertEqual(rows["gil-1"]["answer"], "400 ms")
        self.assertEqual(rows["gil-1"]["proof"], "lab run gil --arms threads-gil")

    def test_a_choice_may_be_its_number(self):
        question = self.questions("--only", "d2-log", "--seed", 5)[0]
        number = 1 + next(i for i, text in enumerate(question["choices"]) if "await was missing" in text)
        self.assertEqual(self.graded(json.dumps({"d2-log": number}), "--only", "d2-log", "--seed", 5)["right"], 1)

    def test_a_threshold_decides_the_exit_code(self):
        args = ("--only", "gil-1,gil-2", "--seed", 1)
        half = '{"gil-1": "400ms"}'
        self.assertEqual(self.graded(half, *args, "--pass", "50%")["passed"], True)
        self.assertEqual(self.graded(half, *args, "--pass", "80%", code=1)["passed"], False)
        self.assertIsNone(self.graded(half, *args)["passed"])

    def test_text_names_the_mistake_and_the_command_in_80_columns(self):
        with open(self.file('{"gil-1": "100ms"}'), encoding="utf-8") as given:
            ran = self.lab("quiz", "--only", "gil-1", "--seed", 1, "--answers", "-", stdin=given)
        for fragment in ("0 of 1 right (0 %), seed 1", "you said  100 ms: There are four threads but one", "400 ms",
                         "lab run gil --arms threads-gil"):
            self.assertIn(fragment, ran.out)
        self.assertNotIn(ESCAPE, ran.out)
        for args in (("--seed", 2, "--questions", "--count", 200), ("--list",),
                     ("--seed", 2, "--count", 200, "--answers", self.file("{}"))):
            ran = self.lab("quiz", *args)
            self.assert_fits(ran.out, 80)
            self.assertEqual(ran.err, "")
            self.assertTrue(self.lab("quiz", *args, "--ascii").out.isascii())

    def file(self, text):
        path = self.work / "given.json"
        path.write_text(text)
        return path

    def test_bad_input_is_one_line(self):
        one = ("--only", "gil-1", "--seed", 1)
        for args, fragment in (((), "on a terminal"),
                               (("--answers", self.file("{}")), "--seed"),
                               ((*one, "--answers", "nowhere.json"), "nowhere.json"),
                               (("--topic", "lop", "--list"), "did you mean 'loop'?"),
                               (("--document", "D7", "--list"), "D0"),
                               (("--scenario", "gill", "--list"), "did you mean 'gil'?"),
                               (("--only", "gil-11", "--questions"), "did you mean 'gil-1'?"),
                               (("--count", "0", "--questions"), "--count"),
                               (("--seed", "x", "--questions"), "--seed"),
                               (("--pass", "800%", "--questions"), "--pass"),
                               (("--format", "csv", "--questions"), "--format")):
            self.assert_one_line_reason(self.lab("quiz", *args, code=None), 2, fragment)
        for text, fragment in (('{"gil-2": "1s"}', "no question 'gil-2'"), ('{"gil-l": "1s"}', "did you mean 'gil-1'?"),
                               ('{"gil-1": "1"}', "no unit"), ('{"gil-1": []}', "string or a number"), ("[]", "JSON"),
                               ('{"gil-1": ', "JSON"), ("", "JSON"), ("[" * 10000, "JSON")):
            ran = self.lab("quiz", *one, "--answers", self.file(text), code=None)
            self.assert_one_line_reason(ran, 2, fragment)

    def test_a_quiz_begins_with_the_easy_questions(self):
        levels = [question["level"] for question in self.questions("--seed", 5, "--count", 1000)]
        self.assertEqual((levels, set(levels)), (sorted(levels), {1, 2, 3}))

    def test_on_a_terminal_it_grades_each_answer_at_once_and_all_of_them_at_the_end(self):
        talk = Dialogue(self, "quiz", "--only", "gil-1,gil-2,d1-six-sleeps", "--seed", 4)
        order = [question["id"] for question in self.questions("--only", "gil-1,gil-2,d1-six-sleeps", "--seed", 4)]
        given = {"gil-1": "200ms", "gil-2": "0.1s", "d1-six-sleeps": "s"}
        follows = {"gil-1": "\nwrong     Two cores", "gil-2": "\nright\n", "d1-six-sleeps": "\n", None: ""}
        self.assertEqual(order[-1], "gil-1", "the easy ones come first")
        before = None
        for number, name in enumerate(order, 1):
            said = talk.prompted(QUIZ)
            self.assertIn(f"{number} of 3  {name}", said)
            self.assertIn(follows[before], said.split(f"{number} of 3")[0])
            talk.answer("\n")
            self.assertIn(f"{number} of 3  {name}", talk.prompted(QUIZ), "Enter repeats the question")
            talk.answer("5\n")
            self.assertIn("has no unit", talk.prompted(QUIZ))
            talk.answer(given[name] + "\n")
            before = name
        ran = talk.end()
        self.assertEqual(ran.code, 0, ran)
        grade, report = ran.out.split("1 of 3 right (33 %), seed 4")
        self.assertIn(follows["gil-1"], grade)
        self.assertIn("right is  400 ms", grade)
        self.assertNotIn("because", grade, "the explanation might answer the questions that follow")
        self.assertIn("because", report)
        self.assertIn("Two cores would do that", ran.out)
        self.assertNotIn("gil-2: ", ran.out, "what was right is not told again")
        self.assert_fits(talk.text, 80)

    def test_it_can_be_left(self):
        for keys, code in (("q\n", 0), ("\x04", 0), ("\x03", 130)):
            talk = Dialogue(self, "quiz", "--seed", 1)
            talk.prompted(QUIZ)
            talk.answer(keys)
            ran = talk.end()
            self.assertEqual(ran.code, code, ran)
            self.assertIn("0 of 10 right" if code == 0 else "interrupted", ran.out)


if __name__ == "__main__":
    unittest.main(verbosity=2)
