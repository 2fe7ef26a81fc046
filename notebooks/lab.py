"""Runs the lab from a notebook and reads what it measured into pandas.

    import lab, plots
    answers = {"pool-limit-1": "200 ms"}         what you predict: lab.run demands it
    run = lab.run("pool-limit", answers, arms="thread-pool", quick=True)
    run.table                                    a row for each arm, case and engine; seconds
    run.requests                                 a row for each request; milliseconds from the load's start
    lab.predict("pool-limit", requests=1000)     the same from the virtual-time model; nothing is run
    lab.read("results/runs/…", scenario="gil")   a run that somebody kept
    lab.grade("pool-limit", answers)

Options of the command line are keyword arguments: `--scale 0.2` is scale=0.2, `--set d=1s` is set={"d": "1s"}, `--quick` is
quick=True, `--arms a,b` is arms=["a", "b"]. The program is $LAB, else the checkout's own, else the one in PATH. Whatever
goes wrong is a LabError with one sentence that says what to do.
"""
import contextlib
import functools
import json
import math
import os
import re
import shlex
import shutil
import subprocess
import tempfile
import tomllib
import warnings
import zlib
from pathlib import Path

import pandas as pd

HERE = Path(__file__).resolve().parent
RECORD = "lab.run-record/1"  # what run.jsonl says of itself; results/schema/run-record.schema.json
MOMENTS = ("intended", "sent", "accepted", "read", "started", "finished", "first_byte", "received")
PARTS = {"latency": ("intended", "received"), "lag": ("intended", "sent"), "unread": ("sent", "read"),
         "runnable": ("read", "started"), "service": ("started", "finished"), "reply": ("finished", "received")}
_scratch = tempfile.TemporaryDirectory(prefix="lab-notebook-")  # removed when the kernel ends


class LabError(Exception):
    """What went wrong and what to do about it; a notebook shows the sentence without the traceback."""

    def _render_traceback_(self):
        return [f"{type(self).__name__}: {self}"]


class NoVerb(LabError):
    """The program is older than what the notebook asks of it."""


# --- the program

def program():
    """Path of the lab; in a checkout that was never built, builds it first. LabError where there is none."""
    if named := os.environ.get("LAB"):
        if not os.access(named, os.X_OK) or Path(named).is_dir():
            raise LabError(f"LAB={named} is not a program. Point it to one, as in: export LAB=/usr/bin/lab; or unset it.")
        return Path(named)
    built, wrapper = HERE.parent / "build/release/bin/lab", HERE.parent / "labw"
    if not built.exists() and os.access(wrapper, os.X_OK):
        print("The lab is not built yet: ./labw build does it now, a few minutes once.", flush=True)
        done = subprocess.run([wrapper, "build"], stdin=subprocess.DEVNULL, capture_output=True, text=True)
        if done.returncode != 0:
            raise LabError("./labw build failed; type it in a terminal to see all of: " + " ".join(done.stderr.split()[-40:]))
    if os.access(built, os.X_OK):
        return built
    if found := shutil.which("lab"):
        return Path(found)
    raise LabError("there is no lab program here. In a clone of the repository type ./labw build; or install the package; "
                   "or say where it is: export LAB=/path/to/lab. Then start this notebook again.")


def words(options):
    """Keyword arguments as words of the command line."""
    said = []
    for name, value in options.items():
        option = "--" + name.replace("_", "-")
        if value is None or value is False:
            continue
        if value is True:
            said.append(option)
        elif isinstance(value, dict):
            for key, one in value.items():
                said += [option, f"{key}={one}"]
        else:
            several = isinstance(value, (list, tuple))
            said += [option, ",".join(map(str, value)) if several else str(value)]
    return said


def command(*args, accept=(0,), seconds=120):
    """What `lab ARGS…` writes on standard output. LabError with its own words for any exit code that is not accepted."""
    try:
        done = subprocess.run([program(), *map(str, args)], stdin=subprocess.DEVNULL, capture_output=True, text=True,
                              encoding="utf-8", timeout=seconds)
    except subprocess.TimeoutExpired:
        raise LabError(f"lab {args[0]} was stopped after {seconds} s. A smaller scale or quick=True makes it shorter.") from None
    if done.returncode not in accept or done.returncode and not done.stdout:
        said = done.stderr.strip().splitlines()
        raise LabError(said[-1].removeprefix("lab: ") if said else f"lab {args[0]} ended with exit code {done.returncode}")
    return done.stdout


def show(scenario):
    """Prints the experiment, without its answers, as `lab show` does."""
    print(command("show", scenario))


def has_verb(verb):
    """Whether this program knows `lab VERB`."""
    return any(line.split()[:1] == [verb] for line in command("--help").splitlines() if line.startswith("  "))


def document(schema, *args, **options):
    """One JSON document of the program, checked to be of that schema."""
    told = json.loads(command(*args, "--format", "json", **options))
    if told.get("schema") != schema:
        raise LabError(f"lab {args[0]} answered with {told.get('schema')}, this module reads {schema}: "
                       "take both from the same release")
    return told


# --- experiments

class Run:
    """What `lab run` and `lab predict` say: .table, .findings, .document; of a measured run also .requests and .events."""

    def __init__(self, told, folder=None):
        self.document, self.folder = told, folder

    @functools.cached_property
    def table(self):
        """A row for each arm, case and engine; times in seconds, NaN where there is none."""
        keys = ("arm", "case", "engine", "label", "mode", "workers", "threads", "requests")
        rows = [{**{key: arm[key] for key in keys}, "measured_s": arm["makespan_s"]["median"],
                 "low_s": min(arm["makespan_s"]["all"], default=None), "high_s": max(arm["makespan_s"]["all"], default=None),
                 "bound_s": arm["bound_s"], "predicted_s": arm["predicted_s"], "documented_s": arm["documented_s"],
                 "verdict": arm["verdict"]} for arm in self.document["arms"]]
        return pd.DataFrame(rows)

    @functools.cached_property
    def measures(self):
        """A row for each stat that the scenario compares: measured, predicted, documented, with its unit."""
        return pd.DataFrame([{"arm": arm["arm"], "case": arm["case"], "engine": arm["engine"], "label": arm["label"], **measure}
                             for arm in self.document["arms"] for measure in arm["measures"]]).drop(columns="all")

    def value(self, arm, case="main", stat="makespan", what="median"):
        """One figure of self.measures, as of the first engine that has it."""
        chosen = self.measures.query("arm == @arm and case == @case and stat == @stat")
        if chosen.empty:
            raise LabError(f"{self.document['scenario']} has no {stat} of arm {arm}, case {case}")
        return chosen[what].iloc[0]

    @functools.cached_property
    def findings(self):
        """What the lab found wrong, a row each."""
        return pd.DataFrame([{"arm": arm["arm"], "case": arm["case"], **finding} for arm in self.document["arms"]
                             for finding in arm["findings"]], columns=["arm", "case", "id", "text"])

    @property
    def scale(self):
        """What `--scale` multiplied all waits and computations with; 1 where it was not given."""
        said = re.search(r"\bscale ([\d.e+-]+) \(waits", self.document["changes"] or "")
        return float(said[1]) if said else 1.0

    @property
    def noise(self):
        """`quiet`, or what disturbed the run."""
        return self.document["environment"]["noise"] or "quiet"

    @functools.cached_property
    def record(self):
        """The run.jsonl behind this run."""
        if self.folder is None:
            raise LabError("a prediction has no requests to look at; lab.run measures some")
        return read(self.folder, scenario=self.document["scenario"])

    @property
    def requests(self):
        """A row for each request, as Record.requests."""
        return self.record.requests

    @property
    def events(self):
        """A row for each event, as Record.events."""
        return self.record.events

    def _repr_html_(self):
        return self.table.to_html(index=False, na_rep="–", float_format="{:.4g}".format)


def run(scenario, answers=None, save=None, **options):
    """`lab run`: real servers, real requests. Keeps the run in `save`, else until the kernel ends.

    `answers` holds your predictions. Nothing is run before every question of the scenario has one, right or wrong."""
    _demand_prediction(scenario, answers or {})
    folder = Path(save) if save else Path(tempfile.mkdtemp(dir=_scratch.name)) / "run"
    return Run(document("lab.run/1", "run", scenario, "--quiet", "--save", folder, *words(options)), folder)


def _demand_prediction(scenario, answers):
    """LabError where the scenario asks something that `answers` does not predict."""
    own = Path(scenario)
    if own.suffix == ".toml":
        with contextlib.suppress(OSError, ValueError):  # the program says what is wrong with such a file
            if not tomllib.loads(own.read_text(encoding="utf-8")).get("ask"):
                return
    given = _grade(str(scenario), {one: value for one, value in answers.items() if one.rpartition("-")[0] == own.stem})
    for one in given["answers"]:
        if one["given"] is None:
            raise LabError(f"predict first: {one['id']} has no answer yet ({one['text']}) Write answers[\"{one['id']}\"] = … "
                           f"with your own figure, and pass answers on: lab.run(\"{scenario}\", answers)")


def predict(scenario, **options):
    """`lab predict`: the same in virtual time, at any scale."""
    return Run(document("lab.run/1", "predict", scenario, *words(options)))


def scenario(name, text):
    """Writes an experiment of your own, as scenarios/README.md describes it, and returns its path for run and predict."""
    path = Path(tempfile.mkdtemp(dir=_scratch.name)) / f"{name}.toml"
    path.write_text(text, encoding="utf-8")
    return path


# --- claims

def claims():
    """All statements of the documents that a run can decide, with the outcome on record. Runs nothing."""
    told = document("lab.claims/1", "verify", "--list")
    return pd.DataFrame(told["claims"]).drop(columns="conditions")


def verify(claim, **options):
    """`lab verify --claim`: runs what decides one claim. A row for each condition; .attrs has outcome (`inconclusive` on a busy
    machine) and why."""
    told = document("lab.verify/1", "verify", "--quiet", "--claim", claim, *words(options), accept=(0, 1, 3))["claims"][0]
    rows = [{"condition": one["text"], "engine": one["engine"], "measured": (one["measured"] or {}).get("median"),
             "limit": (one["limit"] or {}).get("median"), "holds": one["holds"], "recorded": one["recorded"]}
            for one in told["conditions"]]
    table = pd.DataFrame(rows)
    table.attrs = {key: told[key] for key in ("id", "claim", "outcome", "on_record", "why")}
    return table


# --- records

class Record:
    """One run.jsonl: .header, .repetitions, .requests, .events, .complete; .damaged are byte offsets of unreadable lines."""

    def __init__(self, path, header, lines, damaged):
        self.path, self.header, self._lines, self.damaged = path, header, lines, damaged
        self.scenario = header["scenario"]
        self.complete = any(line["type"] == "summary" and line["complete"] for line in lines)

    def _of(self, kind):
        return [line for line in self._lines if line["type"] == kind]

    @functools.cached_property
    def repetitions(self):
        """Index `repetition`; its arm, case, engine, number and the clock at the load's start."""
        keep = ["repetition", "arm", "case", "engine", "number", "began_ns", "send_skew_ns"]
        return pd.DataFrame(self._of("repetition"), columns=keep).set_index("repetition")

    @functools.cached_property
    def requests(self):
        """Moments (sent_ms, …) in milliseconds from the load's start, and the parts of the latency; NaN: not known."""
        if any(line["in_blocks"] for line in self._of("repetition")):
            raise LabError(f"{self.path}: so many requests lie in requests.bin, which this module does not read. "
                           f"lab report {self.path.parent} --format csv writes them as text")
        table = pd.DataFrame(self._of("request")).merge(self.repetitions, left_on="repetition", right_index=True)
        names = list(tomllib.loads(self.header["scenario_source"])["routes"])
        table["route"] = table["route"].map(dict(enumerate(names)))
        for moment in MOMENTS:
            at = table.pop(f"{moment}_ns")
            table[f"{moment}_ms"] = ((at - table["began_ns"]) / 1e6).where(at != 0)
        for part, (begin, end) in PARTS.items():
            table[f"{part}_ms"] = table[f"{end}_ms"] - table[f"{begin}_ms"]
        return table.drop(columns=["type", "crc32", "began_ns", "send_skew_ns"])

    @functools.cached_property
    def events(self):
        """Who took and gave back what, and when: at_ms, kind, resource, worker, unit, request, value."""
        names = ["at_ns", "kind", "resource", "worker", "unit", "request", "value"]
        rows = [[line["repetition"], *event] for line in self._of("events") for event in line["events"]]
        table = pd.DataFrame(rows, columns=["repetition", *names]).merge(self.repetitions, left_on="repetition", right_index=True)
        table["at_ms"] = (table.pop("at_ns") - table.pop("began_ns")) / 1e6
        return table

    @functools.cached_property
    def holds(self):
        """Each time that a request held the loop, a pool member, a thread, …: from_ms to to_ms."""
        own = ["repetition", "resource", "worker", "unit", "request"]
        taken = self.events[self.events["kind"].isin(["acquire", "release"]) & (self.events["request"] > 0)]
        taken = taken.sort_values("at_ms", kind="stable")
        ends = taken.groupby(own)[["at_ms", "kind"]].shift(-1)
        spans = taken.assign(from_ms=taken["at_ms"], to_ms=ends["at_ms"], after=ends["kind"])
        spans = spans[(spans["kind"] == "acquire") & (spans["after"] == "release")]
        return spans[[*own, "arm", "case", "engine", "number", "from_ms", "to_ms"]].reset_index(drop=True)


def read(path, scenario=None):
    """A run's folder or run.jsonl as a Record. LabError if it is no record, of another version, or not of `scenario`."""
    path = Path(path)
    path = path / "run.jsonl" if path.is_dir() else path
    try:
        data = path.read_bytes()
    except OSError as error:
        raise LabError(f"{path}: {error.strerror}. lab history lists the runs that were kept") from None
    lines, damaged, at = [], [], 0
    for line in data.split(b"\n"):
        if line:
            told = _line(line)
            lines.append(told) if told else damaged.append(at)
        at += len(line) + 1
    header = lines[0] if lines and 0 not in damaged else {}
    if header.get("type") != "header" or not str(header.get("schema", "")).startswith("lab.run-record/"):
        raise LabError(f"{path} is not the record of a run: its first line is no header of lab. Pass the folder that "
                       "lab run named, or its run.jsonl")
    if header["schema"] != RECORD:
        raise LabError(f"{path} is written as {header['schema']}, this module reads {RECORD}. Read it with the lab that "
                       f"wrote it ({header.get('version', 'unknown')}), or measure again: lab run {header.get('scenario')}")
    if scenario is not None and header["scenario"] != scenario:
        raise LabError(f"{path} is a run of {header['scenario']}, not of {scenario}. lab history lists what there is of it")
    if damaged:
        warnings.warn(f"{path}: {len(damaged)} damaged line(s) left out, the first at byte {damaged[0]}", stacklevel=2)
    record = Record(path, header, lines, damaged)
    if not record.complete:
        warnings.warn(f"{path} is incomplete: it was interrupted or is still being written", stacklevel=2)
    return record


def _line(line):
    """The line's object, None where its checksum or its JSON is wrong. The rule: results/schema/README.md."""
    told = None
    if line[-10:-2] == b"%08x" % zlib.crc32(line[:-20] + b"}"):
        told = json.loads(line)
    elif b'"schema"' in line[:200] and b'"crc32"' not in line:  # of a version that had no checksums: let read() name it
        try:
            told = json.loads(line)
        except ValueError:
            told = None
    return told if isinstance(told, dict) else None


# --- grading

class Grade:
    """What `lab grade` says: .score from 0 to 1, .points, .of, and .table with the misconception behind each wrong value."""

    def __init__(self, told):
        self.document, self.score, self.points, self.of = told, told["score"], told["points"], told["of"]
        self.table = pd.DataFrame(told["answers"])

    def require(self):
        """AssertionError that names every wrong answer's mistake, never the right value."""
        said = [f"{one['id']}, {one['given']}: {one['misconception'] or 'the model says otherwise'}" if one["given"]
                else f"{one['id']}: not answered" for one in self.document["answers"] if not one["correct"]]
        assert not said, " | ".join(said)

    def _repr_html_(self):
        return f"<p>{self.points:g} of {self.of:g} points</p>" + self.table.to_html(index=False, na_rep="–")


def answered(answers, *ids):
    """LabError unless every one of these questions has an answer that `lab grade` can read; not whether it is right."""
    for one in ids:
        if answers.get(one) in (None, ""):
            raise LabError(f"{one} has no answer yet: answers[\"{one}\"] = …")
        grade(one.rpartition("-")[0], {one: answers[one]})


# --- repairs

def sick(name, folder=None):
    """Writes the sick server of a repair into `folder` (without one it lasts as long as the notebook) and returns its path; its
    first lines say what is asked."""
    said = document("lab.repair/1", "grade", "--repair", name)
    path = Path(folder or tempfile.mkdtemp(dir=_scratch.name)) / said["file"]
    path.write_text(said["text"] + "\n", encoding="utf-8")
    return path


def diagnose(path, route, ping, **options):
    """`lab diagnose --server`: starts the FastAPI app of that file and looks inside while bursts of requests run. The places that
    are to blame, a row each, the first one to be repaired first; .attrs has execution, service_s, and the last burst's makespan_s."""
    path = Path(path)
    server = f"/usr/bin/python3 -m uvicorn --app-dir {shlex.quote(str(path.parent.resolve()))} {path.stem}:app --port {{port}} --log-level warning"
    said = document("lab.diagnose/1", "diagnose", "--server", server, route, "--ping", ping, "--quiet", *words({"budget": "15s", **options}))
    table = pd.DataFrame(said["inside"]["places"], columns=["id", "title", "file", "line", "function", "source", "share", "says"])
    table["file"] = table["file"].map(lambda file: Path(file).name if file else None)
    table.attrs = {"execution": said["execution"], "service_s": said["service_s"], "makespan_s": said["evidence"][-1]["makespan_s"],
                   "at_once": said["evidence"][-1]["at_once"], "loop_blocked": said["loop_blocked"]}
    return table


class Repaired:
    """What `lab grade --repair` says of a repaired server: .points, .of, and .table with what is still wrong."""

    def __init__(self, told):
        self.document, self.points, self.of = told, told["points"], told["of"]
        self.table = pd.DataFrame(told["checks"])

    def require(self):
        """AssertionError that names what is still wrong."""
        said = [f"{one['text']} {one['found'] or 'It is not so.'}" for one in self.document["checks"] if not one["correct"]]
        assert not said, " | ".join(said)

    def _repr_html_(self):
        return f"<p>{self.points:g} of {self.of:g} points</p>" + self.table.to_html(index=False, na_rep="–")


def repaired(name, path):
    """`lab grade FILE --repair NAME`: starts what you made of the sick server, diagnoses it again, and grades that."""
    return Repaired(document("lab.repair/1", "grade", path, "--repair", name))


def _can_grade():
    if not has_verb("grade"):
        raise NoVerb(f"{program()} cannot grade: it is older than this notebook. In a clone of the repository type ./labw build")


def variant(scenario, student, secret_file):
    """A student's own numbers for a scenario's questions, as the teacher's secret makes them: settings, command, questions."""
    _can_grade()
    return document("lab.variant/1", "grade", "--variant", scenario, "--student", student, "--secret-file", secret_file)


def grade(scenario, answers, seed=42, student=None, problem=None, secret_file=None, run=None, scale=1):
    """`lab grade`: the answers to this scenario's questions against the model. Of `answers` only its own count.

    `scale` is that of the run that the answers predict. `problem` is what lab.variant made: then its own numbers are the right
    ones, and `secret_file` proves that they are that student's. `run` (a Run or its folder) must be one of this scenario; its
    figures stand beside the answers."""
    own = {one: value for one, value in answers.items() if re.fullmatch(re.escape(scenario) + r"-\d+", one)}
    if not own:
        raise LabError(f"there is no answer to a question of {scenario}; they are called {scenario}-1 and so on")
    for one, value in own.items():
        if isinstance(value, float) and not math.isfinite(value):
            raise LabError(f"{one}: {value} is no answer; None is an answer that was left out")
    said = {"seed": seed} | ({"student": student} if student is not None else {}) | ({"settings": {"scale": scale}} if scale != 1 else {})
    if problem is not None:
        said = {key: problem[key] for key in ("seed", "student", "variant", "settings", "cores")}
    return Grade(_grade(scenario, own, said, secret_file=secret_file, run=run.folder if isinstance(run, Run) else run))


def _grade(scenario, answers, said=None, **options):
    """The lab.grade/1 document for these answers; `said` goes into the answer file with them."""
    _can_grade()
    file = Path(tempfile.mkdtemp(dir=_scratch.name)) / "answers.json"
    file.write_text(json.dumps({"schema": "lab.answers/1", "scenario": scenario, **(said or {}), "answers": answers}), encoding="utf-8")
    return document("lab.grade/1", "grade", file, *words(options), accept=(0, 1))
