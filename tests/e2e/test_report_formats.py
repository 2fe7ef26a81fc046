"""`lab report RUN --format …`: every export is read back by something that is not its writer."""
import base64
import csv
import html.parser
import importlib.util
import io
import json
import re
import shutil
import subprocess
import statistics
import sys
import tempfile
import unittest
from collections import defaultdict
from pathlib import Path

from labcase import PAGE_BUILT, LabCase

COMPARE = Path("/usr/share/benchmark/compare.py")  # Debian's libbenchmark-tools

PLAN = '''
question = "Who waits for <whom> & why?"
params   = { d = "20ms" }
[routes.delay]
request = "POST /delay"
steps   = [{ wait = "$d" }, { cpu = "1ms" }]
[[load]]
route = "delay"
arrivals = "burst"
requests = 5
body = "16B"
[[arms]]
id = "blocking"
mode = "blocking-loop"
[[arms]]
id = "pool"
mode = "thread-pool"
threads = 2
gil = true
[[arms]]
id = "two-workers"
mode = "async-loop"
workers = 2
'''

# compare.py asks SciPy for the U test only; Debian's SciPy cannot stand beside Boost 1.81's headers. So where it is missing
# this enumerates all ways to deal the ranks (Mann and Whitney 1947), which is what "exact" means.
SCIPY = '''
import itertools, numpy
class Outcome:
    def __init__(self, pvalue): self.pvalue = pvalue
def mannwhitneyu(x, y, alternative):
    both = sorted(x + y)
    rank = lambda v: sum(w < v for w in both) + (sum(w == v for w in both) + 1) / 2
    ranks = [rank(v) for v in both]
    mean = len(x) * (len(both) + 1) / 2
    off = abs(sum(rank(v) for v in x) - mean)
    ways = [abs(sum(chosen) - mean) >= off - 1e-9 for chosen in itertools.combinations(ranks, len(x))]
    return Outcome(sum(ways) / len(ways))
def gmean(values):
    return numpy.exp(numpy.mean(numpy.log(values), axis=0))
'''


def records(folder):
    """The canonical record, by kind of line."""
    lines = defaultdict(list)
    for line in (folder / "run.jsonl").read_text().splitlines():
        found = json.loads(line)
        lines[found["type"]].append(found)
    return lines


def check_trace(trace):
    """The rules of the Trace Event Format that its readers rely on. Returns slices by track and requests by process."""
    events = trace["traceEvents"]
    process_names, thread_names = {}, {}
    slices, stacks, finished = defaultdict(list), defaultdict(list), defaultdict(list)
    for event in events:
        phase = event["ph"]
        assert isinstance(event["pid"], int) and isinstance(event["tid"], int), event
        if phase == "M":
            names = {"process_name": process_names, "thread_name": thread_names}.get(event["name"])
            if names is not None:
                key = event["pid"] if event["name"] == "process_name" else (event["pid"], event["tid"])
                assert key not in names, f"named twice: {event}"
                names[key] = event["args"]["name"]
            continue
        assert event["ts"] >= 0, event
        if phase == "X":
            assert event["dur"] >= 0, event
            slices[event["pid"], event["tid"]].append(event)
            continue
        assert phase in "be", f"unknown phase: {event}"
        stack = stacks[event["pid"], event["cat"], event["id2"]["local"]]
        if phase == "b":
            if stack:
                assert stack[-1]["ts"] <= event["ts"], f"begins before what it is in: {event}"
            stack.append(event)
        else:
            begun = stack.pop()
            assert begun["name"] == event["name"], f"{event} ends {begun}"
            assert begun["ts"] <= event["ts"], f"ends before it begins: {event}"
            begun["dur"], begun["depth"] = event["ts"] - begun["ts"], len(stack)
            finished[event["pid"]].append(begun)
    assert not any(stacks.values()), "begun and never ended"
    for (pid, tid), track in slices.items():
        assert pid in process_names and (pid, tid) in thread_names, f"no name: {pid} {tid}"
        end = 0.0
        for event in sorted(track, key=lambda one: one["ts"]):
            assert event["ts"] >= end - 1e-3, f"overlaps the one before: {event}"
            end = event["ts"] + event["dur"]
    by_name = {(process_names[pid], thread_names[pid, tid]): track for (pid, tid), track in slices.items()}
    return by_name, {process_names[pid]: events for pid, events in finished.items()}


class Html(html.parser.HTMLParser):
    """What is open, what was written, what the page would fetch."""
    VOID = {"meta", "link", "rect", "line", "circle", "path"}

    def __init__(self):
        super().__init__()
        self.open, self.words, self.fetched, self.ids = [], [], [], []

    def handle_starttag(self, tag, attributes):
        attributes = dict(attributes)
        self.fetched += [attributes[key] for key in ("src", "href", "data") if key in attributes]
        self.ids += [attributes["id"]] if "id" in attributes else []
        if tag not in self.VOID:
            self.open.append(tag)

    def handle_endtag(self, tag):
        if tag not in self.VOID:
            assert self.open and self.open.pop() == tag, f"</{tag}> closes something else"

    def handle_startendtag(self, tag, attributes):
        self.handle_starttag(tag, attributes)
        if tag not in self.VOID:
            self.open.pop()

    def handle_data(self, data):
        self.words.append(data)


class ReportFormats(LabCase):
    recorded = None

    def setUp(self):
        super().setUp()
        (self.work / "plan.toml").write_text(PLAN)

    def run_kept(self, name="kept", *more):
        self.lab("run", "plan.toml", "--repeat", "3", "--quiet", "--save", name, *more)
        return self.work / name

    def one_run(self):
        """The same run for all tests, each with a copy of its own."""
        cls = type(self)
        if cls.recorded is None:
            folder = tempfile.TemporaryDirectory(prefix="lab-formats-")
            cls.addClassCleanup(folder.cleanup)
            shutil.copytree(self.run_kept(), Path(folder.name) / "run")
            cls.recorded = Path(folder.name) / "run"
        return Path(shutil.copytree(cls.recorded, self.work / "copy"))

    def told(self, run, form):
        return self.lab("report", run, "--format", form).out

    def test_trace_obeys_the_format_and_says_what_was_recorded(self):
        run = self.one_run()
        slices, requests = check_trace(json.loads(self.told(run, "trace")))
        wanted = records(run)["repetition"]
        self.assertEqual(len(requests), len(wanted))
        self.assertEqual(len(requests), 9)  # arms times repetitions
        blocking = slices["blocking, repetition 1", "worker 0 loop"]
        self.assertEqual([event["name"] for event in blocking], [f"delay {i}" for i in range(1, 6)])
        self.assertTrue(all(event["dur"] >= 20e3 for event in blocking))
        self.assertIn(("blocking, repetition 1", "worker 0 loop turns"), slices)
        members = {track for process, track in slices if process == "pool, repetition 1"}
        self.assertLessEqual({"worker 0 pool 0", "worker 0 pool 1", "worker 0 gil"}, members)
        self.assertIn(("two-workers, repetition 2", "worker 1 loop"), slices)

    def test_parts_of_a_request_add_up_to_its_latency(self):
        run = self.one_run()
        _, requests = check_trace(json.loads(self.told(run, "trace")))
        lines = records(run)
        latencies = sorted(one["received_ns"] - one["intended_ns"] for one in lines["request"])
        whole, parts = [], []
        for process in requests.values():
            whole += [event for event in process if event["depth"] == 0]
            sums = defaultdict(float)
            for event in process:
                if event["depth"] == 1:
                    sums[event["id2"]["local"]] += event["dur"]
            parts += sums.values()
        self.assertEqual(sorted(round(event["dur"] * 1e3) for event in whole), latencies)
        self.assertEqual(sorted(round(part * 1e3) for part in parts), latencies)
        self.assertTrue(all(event["name"] == "POST /delay" for event in whole))

    def test_trace_of_a_run_without_events_is_refused(self):
        run = self.one_run()
        lines = [line for line in (run / "run.jsonl").read_text().splitlines() if '"type":"events"' not in line]
        (run / "run.jsonl").write_text("\n".join(lines) + "\n")
        ran = self.lab("report", run, "--format", "trace", code=2)
        self.assertIn("no events", ran.err.splitlines()[-1])
        self.assertEqual(ran.out, "")

    def test_vegeta_has_twelve_columns_that_its_decoder_accepts(self):
        # As lib/results.go of vegeta 12 reads them: integers, base64, one attack's sequence counts from 0.
        run = self.one_run()
        rows = list(csv.reader(io.StringIO(self.told(run, "vegeta")), strict=True))
        self.assertEqual(len(rows), 45)
        sequence = defaultdict(int)
        latencies = []
        for row in rows:
            self.assertEqual(len(row), 12, row)
            stamp, code, latency, out, into = map(int, row[:5])
            self.assertGreater(stamp, 1_700_000_000 * 10**9)
            self.assertEqual((code, out, into, row[5]), (200, 16, 0, ""))
            self.assertEqual(base64.b64decode(row[6], validate=True), b"")
            self.assertIn(row[7], ("blocking", "pool", "two-workers"))
            self.assertEqual(int(row[8]), sequence[row[7]])
            sequence[row[7]] += 1
            self.assertEqual(row[9:], ["POST", "http://127.0.0.1/delay", ""])
            latencies.append(latency)
        recorded = [one["received_ns"] - one["intended_ns"] for one in records(run)["request"]]
        self.assertEqual(sorted(latencies), sorted(recorded))

    def compare(self, old, new):
        environment = dict(self.environment)
        if importlib.util.find_spec("scipy") is None:
            (self.work / "stand-in/scipy").mkdir(parents=True)
            (self.work / "stand-in/scipy/__init__.py").touch()
            (self.work / "stand-in/scipy/stats.py").write_text(SCIPY)
            environment["PYTHONPATH"] = str(self.work / "stand-in")
        return subprocess.run([sys.executable, "-B", str(COMPARE), "--no-color", "benchmarks", old, new], check=True,
                              cwd=self.work, env=environment, capture_output=True, text=True, timeout=60).stdout

    @unittest.skipUnless(COMPARE.exists() and importlib.util.find_spec("numpy"), "libbenchmark-tools or numpy is missing")
    def test_google_benchmarks_compare_does_the_u_test(self):
        medians = []
        for name, delay in (("old", "20ms"), ("new", "80ms")):
            run = self.run_kept(name, "--delay", delay, "--arms", "blocking,pool")
            (self.work / f"{name}.json").write_text(self.told(run, "gbench"))
            medians.append(statistics.median(self.lab_json("report", run)["arms"][0]["makespan_s"]["all"]))
        said = self.compare("old.json", "new.json")
        lines = {line.split()[0]: line.split() for line in said.splitlines() if line.startswith("blocking")}
        self.assertAlmostEqual(float(lines["blocking_median"][1]), medians[1] / medians[0] - 1, delta=1e-3, msg=said)
        self.assertAlmostEqual(float(lines["blocking_pvalue"][1]), 0.1, places=4, msg=said)  # three against three, apart
        self.assertIn("pool_mean", said)

    def test_gbench_repetitions_are_those_of_the_run(self):
        run = self.one_run()
        document = json.loads(self.told(run, "gbench"))
        makespans = self.lab_json("report", run)["arms"][0]["makespan_s"]["all"]
        iterations = [one for one in document["benchmarks"] if one["name"] == "blocking"]
        for one, makespan in zip(iterations, makespans, strict=True):
            self.assertAlmostEqual(one["real_time"], makespan * 1e3, places=6)
            self.assertGreater(one["cpu_time"], 0)
        self.assertEqual([one["repetition_index"] for one in iterations], [0, 1, 2])
        self.assertEqual(document["context"]["num_cpus"], self.lab_json("report", run)["environment"]["cores"])

    def test_the_page_is_whole_fetches_nothing_and_shows_text_as_text(self):
        run = self.one_run()
        page = self.told(run, "html")
        reader = Html()
        reader.feed(page)
        reader.close()
        self.assertEqual(reader.open, [])
        self.assertEqual([address for address in reader.fetched if not address.startswith("data:")], [])
        self.assertEqual(len(reader.ids), len(set(reader.ids)))
        for word in ("https:", "url(h", "@import"):
            self.assertNotIn(word, page)
        self.assertEqual(page.count("<script"), 3 if PAGE_BUILT else 0)  # the page's own, and its data
        words = " ".join(reader.words)
        self.assertIn("Who waits for <whom> & why?", words)
        for word in ("blocking", "two-workers", "holds the loop", "kernel"):
            self.assertIn(word, words)
        tidy = subprocess.run(["tidy", "-quiet", "-errors", "-utf8"], input=page, capture_output=True, text=True, timeout=60)
        said = [line for line in tidy.stderr.splitlines() if "proprietary attribute" not in line]
        self.assertEqual(said, [], page)

    def documents(self, page):
        """What a page with runs in it knows, each document as the schema has it."""
        config = json.loads(re.search(r'id="lab-config">(.*?)</script>', page, re.DOTALL)[1])
        self.assertEqual(config["source"], "recorded")
        self.assertEqual([one["id"] for one in config["catalogue"]["scenarios"]], [one["report"]["scenario"] for one in config["documents"]])
        for document in config["documents"]:
            self.assert_obeys(document, "page")
            self.assert_obeys(document["report"], "run")
        return config["documents"]

    @unittest.skipUnless(PAGE_BUILT, "the page was not built (./labw build page)")
    def test_the_page_holds_the_repetition_nearest_the_median_of_each_arm(self):
        run = self.one_run()
        (document,) = self.documents(self.told(run, "html"))
        self.assertEqual(document["report"]["question"], "Who waits for <whom> & why?")
        arms = {arm["arm"]: arm for arm in document["report"]["arms"]}
        self.assertEqual([picture["arm"] for picture in document["pictures"]], list(arms))
        for picture in document["pictures"]:
            arm = arms[picture["arm"]]
            number = picture["number"]
            self.assertEqual(number, arm["lanes_repetition"])
            self.assertAlmostEqual(picture["end_ns"] * 1e-9, arm["makespan_s"]["all"][number - 1], places=6)
            self.assertEqual(arm["makespan_s"]["all"][number - 1], arm["makespan_s"]["median"])
            self.assertEqual((picture["requests"], picture["sent"], len(picture["lanes"])), (5, 5, 5))
            self.assertTrue(all(loop["turns"] for loop in picture["loops"]))
        self.assertEqual([table["headings"][0] for table in document["tables"]], ["arm", "requests by worker, first run"])
        (chosen,) = self.documents(self.lab("report", run, "--arms", "pool,two-workers", "--format", "html").out)
        self.assertEqual([arm["arm"] for arm in chosen["telling"]], ["pool", "two-workers"])

    @unittest.skipIf(PAGE_BUILT, "the page was built")
    def test_without_the_page_a_warning_says_what_makes_it_replay(self):
        self.assertIn("./labw setup --with page", self.lab("report", self.one_run(), "--format", "html").err)

    @unittest.skipUnless(PAGE_BUILT, "the page was not built (./labw build page)")
    def test_a_run_that_was_cut_short_and_arms_that_were_not_run_are_on_the_page(self):
        run = self.one_run()
        lines = (run / "run.jsonl").read_text().splitlines()
        (run / "run.jsonl").write_text("\n".join(line for line in lines if '"type":"summary"' not in line) + "\n")
        (document,) = self.documents(self.told(run, "html"))
        self.assertFalse(document["report"]["complete"])
        self.assertTrue(document["report"]["complete_reason"])

    def test_two_predictions_make_one_page(self):
        page = self.lab("predict", "plan.toml", "frozen-server", "--format", "html").out
        self.assertEqual(page.count("<!DOCTYPE html>"), 1)
        if PAGE_BUILT:
            self.assertEqual([one["report"]["scenario"] for one in self.documents(page)], ["plan", "frozen-server"])
            self.assertTrue(all(picture["loops"] for picture in self.documents(page)[0]["pictures"]))
        self.assertEqual(page.count("<article>"), 2)
        self.assertEqual(page.count('id="unread"'), 1)

    def test_each_verb_names_the_formats_that_it_gives_and_refuses_others(self):
        gives = {"report": ("text", "json", "md", "csv", "svg", "png", "html", "trace", "vegeta", "gbench"),
                 "predict": ("text", "json", "md", "csv", "svg", "png", "html"), "verify": ("text", "json", "csv", "md"),
                 "advise": ("text", "json"), "diagnose": ("text", "json", "sarif")}
        for verb, formats in gives.items():
            usage = self.lab(verb, "--help").out
            self.assertIn(", ".join(formats[:-1]) + " or " + formats[-1] + "\n", usage)
        refused = {("verify",): "svg", ("predict", "plan.toml"): "trace", ("run", "plan.toml"): "gbench", ("quiz",): "svg", ("report", "last"): "sarif"}
        for words, form in refused.items():
            self.assert_one_line_reason(self.lab(*words, "--format", form, code=2), 2, f"lab {words[0]} gives", f"not {form}")
        ran = self.lab("verify", "--format", "jsn", code=2)
        self.assert_one_line_reason(ran, 2, "did you mean 'json'? known: text, json, csv, md)")


if __name__ == "__main__":
    unittest.main()
