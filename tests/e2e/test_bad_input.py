"""Bad command lines and scenario files: exit 2, one line with the reason and the fix, nothing started."""
import unittest

from labcase import PATIENCE, LabCase

# Command line, and what the reason must contain.
COMMAND_LINES = [
    (["rnu"], ["run"]),
    (["--nope"], ["--nope"]),
    (["list", "--nope"], ["--nope"]),
    (["list", "extra"], ["unexpected word 'extra'"]),
    (["doctor", "--nope"], ["--nope"]),
    (["history", "--nope"], ["--nope"]),
    (["show"], []),
    (["show", "nothing-like-it-at-all"], ["nothing-like-it-at-all", "lab list"]),
    (["show", "bloking-async"], ["blocking-async"]),
    (["predict"], []),
    (["predict", "bloking-async"], ["blocking-async"]),
    (["predict", "blocking-async", "--requests", "-5"], ["--requests", "-5"]),
    (["predict", "blocking-async", "--requests", "99999999999999999999"], ["--requests"]),
    (["predict", "blocking-async", "--format", "jsno"], ["json"]),
    (["run"], []),
    (["run", ""], []),
    (["run", "bloking-async"], ["bloking-async", "blocking-async"]),
    (["run", "nosuch/file.toml"], ["nosuch/file.toml"]),
    (["run", "x" * 100_000], []),
    (["run", "\x1b[31mred\x07"], []),
    (["run", "blocking-async", "--frmat", "json"], ["--format"]),
    (["run", "blocking-async", "--arms", "blocking-lop"], ["blocking-lop", "blocking-loop"]),
    (["run", "blocking-async", "--arms", ""], ["--arms"]),
    (["run", "blocking-async", "--modes", "asynch-loop"], ["asynch-loop", "async-loop"]),
    (["run", "blocking-async", "--modes", "thread-per-request"], ["thread-per-request"]),
    (["run", "blocking-async", "--requests", "0"], ["--requests"]),
    (["run", "blocking-async", "--requests", "-1"], ["--requests", "-1"]),
    (["run", "blocking-async", "--requests", "ten"], ["--requests", "ten"]),
    (["run", "blocking-async", "--requests", "1.5"], ["--requests", "1.5"]),
    (["run", "blocking-async", "--requests", ""], ["--requests"]),
    (["run", "blocking-async", "--requests", "99999999999999999999"], ["--requests"]),
    (["run", "blocking-async", "--requests"], ["--requests needs a value N"]),
    (["run", "blocking-async", "--delay", "100"], ["--delay", "100ms"]),
    (["run", "blocking-async", "--delay", "-5ms"], ["--delay", "-5ms"]),
    (["run", "blocking-async", "--delay", "100xs"], ["--delay", "100xs", "ms"]),
    (["run", "blocking-async", "--delay", "soon"], ["--delay", "soon"]),
    (["run", "blocking-async", "--delay", ""], ["--delay"]),
    (["run", "blocking-async", "--delay", "nan"], ["--delay"]),
    (["run", "blocking-async", "--delay", "infs"], ["--delay"]),
    (["run", "blocking-async", "--delay", "100000h"], ["--delay"]),
    (["run", "blocking-async", "--delay", "1e300s"], ["--delay"]),
    (["run", "blocking-async", "--set", "d"], ["--set"]),
    (["run", "blocking-async", "--set", "d="], ["--set"]),
    (["run", "blocking-async", "--set", "=1s"], ["--set"]),
    (["run", "blocking-async", "--set", "d=100"], ["--set", "100ms"]),
    (["run", "blocking-async", "--set", "dd=1s"], ["dd"]),
    (["run", "blocking-async", "--workers", "0"], ["--workers"]),
    (["run", "blocking-async", "--workers", "-3"], ["--workers", "-3"]),
    (["run", "blocking-async", "--workers", "two"], ["--workers", "two"]),
    (["run", "blocking-async", "--workers", "1000000"], ["--workers"]),
    (["run", "blocking-async", "--arms", "async-loop", "--workers", "2"], ["--workers"]),
    (["run", "blocking-async", "--threads", "0"], ["--threads"]),
    (["run", "blocking-async", "--threads", "x"], ["--threads"]),
    (["run", "blocking-async", "--threads", "100000000"], ["--threads"]),
    (["run", "blocking-async", "--arms", "async-loop", "--threads", "2"], ["--threads"]),
    (["run", "blocking-async", "--repeat", "0"], ["--repeat"]),
    (["run", "blocking-async", "--repeat", "-2"], ["--repeat"]),
    (["run", "blocking-async", "--repeat", "many"], ["--repeat"]),
    (["run", "blocking-async", "--scale", "0"], ["--scale"]),
    (["run", "blocking-async", "--scale", "-1"], ["--scale"]),
    (["run", "blocking-async", "--scale", "big"], ["--scale"]),
    (["run", "blocking-async", "--scale", "nan"], ["--scale"]),
    (["run", "blocking-async", "--scale", "inf"], ["--scale"]),
    (["run", "blocking-async", "--seed", "-1"], ["--seed"]),
    (["run", "blocking-async", "--seed", "x"], ["--seed"]),
    (["run", "blocking-async", "--budget", "5"], ["--budget", "5s"]),
    (["run", "blocking-async", "--arrivals", "brust"], ["brust", "burst"]),
    (["run", "blocking-async", "--rate", "10"], ["--rate"]),
    (["run", "blocking-async", "--arrivals", "constant", "--rate", "-1"], ["--rate"]),
    (["run", "blocking-async", "--arrivals", "constant", "--rate", "0"], ["--rate"]),
    (["run", "blocking-async", "--duration", "10s"], ["--duration"]),
    (["run", "blocking-async", "--connections", "opend"], ["opened"]),
    (["run", "blocking-async", "--guess", "async-lop=1s"], ["async-loop"]),
    (["run", "blocking-async", "--guess", "async-loop"], ["ARM=DURATION, such as async-loop=1s"]),
    (["run", "blocking-async", "--guess", "async-loop=1"], ["1s"]),
    (["run", "blocking-async", "--format", "jsno"], ["json"]),
    (["run", "blocking-async", "--color", "sometimes"], ["always"]),
    (["run", "blocking-async", "--save", "x", "--no-save"], ["--no-save"]),
    (["serve"], []),
    (["serve", "async-lop"], ["async-loop"]),
    (["serve", "async-loop", "--port", "70000"], ["--port"]),
    (["serve", "async-loop", "--port", "-1"], ["--port"]),
    (["serve", "async-loop", "--port", "http"], ["--port"]),
    (["serve", "async-loop", "--workers", "0"], ["--workers"]),
    (["serve", "async-loop", "--scenario", "bloking-async"], ["blocking-async"]),
    (["report"], []),
    (["report", "/nothing/here"], ["/nothing/here"]),
    (["report", "."], []),
]

SCENARIO = '''question = "What?"
params = { d = "10ms" }
[routes.slow]
request = "GET /slow"
steps = [{ wait = "$d" }]
[[load]]
route = "slow"
arrivals = "burst"
requests = 2
[[arms]]
id = "one"
mode = "async-loop"
documented = { makespan = "~1s" }
[[checks]]
stat = "makespan"
within = "3%"
'''

# Name, what is replaced by what, what the reason must contain. A file, line and column stand before each.
SCENARIO_FILES = [
    ("an unclosed string", '"What?"', '"What?', []),
    ("an unknown key", "question =", "questoin =", ["question"]),
    ("a key twice", 'question = "What?"', 'question = "a"\nquestion = "b"', ["question"]),
    ("an unknown key of a route", "steps =", "stesp =", ["steps"]),
    ("an unknown key of a load", "arrivals =", "arivals =", ["arrivals"]),
    ("an unknown key of an arm", "mode =", "moed =", ["mode"]),
    ("a budget without unit", 'question = "What?"', 'question = "What?"\nbudget = "5"', ["5s"]),
    ("a budget that is a number", 'question = "What?"', 'question = "What?"\nbudget = 5', []),
    ("a step without unit", '"$d" }]', '"100" }]', ["100ms"]),
    ("a step that is a number", '"$d" }]', "100 }]", ["100ms"]),
    ("a negative wait", '"$d" }]', '"-1ms" }]', ["-1ms"]),
    ("an unknown unit", '"$d" }]', '"1sec" }]', ["1sec"]),
    ("a wait of a century", '"$d" }]', '"1000000h" }]', []),
    ("an unknown parameter", '"$d" }]', '"$e" }]', ["$e"]),
    ("a parameter without unit", '"10ms"', '"10"', ["10ms"]),
    ("an unknown step", "{ wait =", "{ wiat =", ["wait"]),
    ("a step with two actions", '{ wait = "$d" }', '{ wait = "$d", cpu = "1ms" }', []),
    ("an empty step", '{ wait = "$d" }', "{ }", []),
    ("steps that are a word", '[{ wait = "$d" }]', '"wait"', []),
    ("blocking that is a word", '{ wait = "$d" }', '{ wait = "$d", blocking = "yes" }', ["blocking"]),
    ("a request without path", '"GET /slow"', '"GET"', []),
    ("an unknown method", '"GET /slow"', '"FETCH /slow"', ["FETCH"]),
    ("a path without slash", '"GET /slow"', '"GET slow"', []),
    ("a route that does not exist", 'route = "slow"', 'route = "slwo"', ["slow"]),
    ("unknown arrivals", '"burst"', '"brust"', ["burst"]),
    ("constant arrivals without period", 'arrivals = "burst"', 'arrivals = "constant"', ["every"]),
    ("staggered arrivals with a number of requests", 'arrivals = "burst"', 'arrivals = "staggered"', ["requests", "burst"]),
    ("no requests", "requests = 2", "requests = 0", ["requests"]),
    ("negative requests", "requests = 2", "requests = -2", ["-2"]),
    ("requests in words", "requests = 2", 'requests = "two"', ["requests"]),
    ("more requests than a record can number", "requests = 2", "requests = 999999999999999", []),
    ("an unknown mode", '"async-loop"', '"asynch-loop"', ["async-loop"]),
    ("a mode for an unknown route", '"async-loop"', '{ slwo = "async-loop" }', ["slow"]),
    ("a route without mode", '"async-loop"', "{ }", ["slow"]),
    ("no workers", 'mode = "async-loop"', 'mode = "async-loop"\nworkers = 0', ["workers"]),
    ("negative threads", 'mode = "async-loop"', 'mode = "thread-pool"\nthreads = -1', ["threads"]),
    ("two arms of one name", "[[checks]]", '[[arms]]\nid = "one"\nmode = "async-loop"\n[[checks]]', ["one"]),
    ("an arm without a name", 'id = "one"\n', "", ["id"]),
    ("a documented figure of an unknown stat", "{ makespan =", "{ makspan =", ["makespan"]),
    ("a documented figure without unit", '"~1s"', '"~1"', []),
    ("a check of an unknown stat", 'stat = "makespan"', 'stat = "makspan"', ["makespan"]),
    ("a check without criterion", 'within = "3%"', "", []),
    ("a check within nothing", '"3%"', '"3"', []),
    ("a check within less than nothing", '"3%"', '"-3%"', []),
    ("a check of an unknown arm", 'within = "3%"', 'within = "3%"\narm = "oen"', ["one"]),
]


class CommandLines(LabCase):
    def test_each_has_its_reason(self):
        self.assertGreaterEqual(len(COMMAND_LINES) + len(SCENARIO_FILES), 60)
        for args, fragments in COMMAND_LINES:
            with self.subTest(repr(args)[:80]):
                ran = self.lab(*args, code=None, within=10)
                self.assert_one_line_reason(ran, 2, *fragments)
                self.assertLess(len(ran.err), 2000)
                self.assertLess(ran.seconds, 1 * PATIENCE, ran)

    def test_nothing_was_started_or_written(self):
        for args, _ in COMMAND_LINES[:20]:
            self.lab(*args, code=2)
        self.assertEqual(list(self.work.iterdir()), [])
        self.assertFalse(self.runs.exists())
        self.assertEqual(self.running(), [])


class ScenarioFiles(LabCase):
    def write(self, text, name="bad.toml"):
        file = self.work / name
        file.write_bytes(text if isinstance(text, bytes) else text.encode())
        return file

    def test_the_scenario_itself_is_good(self):
        self.lab("show", self.write(SCENARIO))

    def test_each_names_file_line_and_column(self):
        for name, old, new, fragments in SCENARIO_FILES:
            with self.subTest(name):
                self.assertEqual(SCENARIO.count(old), 1)
                ran = self.lab("run", self.write(SCENARIO.replace(old, new, 1)), "--no-save", code=None, within=10)
                self.assert_one_line_reason(ran, 2, *fragments)
                self.assertRegex(ran.err, r"bad\.toml:\d+:\d+: ", ran)
                self.assertLess(ran.seconds, 1 * PATIENCE, ran)

    def test_the_line_is_the_right_one(self):
        ran = self.lab("show", self.write(SCENARIO.replace('"async-loop"', '"asynch-loop"')), code=2)
        line = SCENARIO[: SCENARIO.index('"async-loop"')].count("\n") + 1
        self.assertIn(f"bad.toml:{line}:", ran.err)

    def test_files_that_are_no_scenario(self):
        for name, text in (("empty", ""), ("only a comment", "# nothing\n"), ("bytes", bytes(range(256)) * 10),
                           ("invalid UTF-8", SCENARIO.encode().replace(b"What?", b"\xff\xfe")),
                           ("no routes", 'question = "What?"\n'), ("deep", "x = " + "[" * 100_000)):
            with self.subTest(name):
                self.assert_one_line_reason(self.lab("run", self.write(text), code=None, within=10), 2, "bad.toml")

    def test_a_folder_is_no_scenario(self):
        (self.work / "folder.toml").mkdir()
        self.assert_one_line_reason(self.lab("run", "folder.toml", code=None), 2, "folder.toml")


if __name__ == "__main__":
    unittest.main(verbosity=2)
