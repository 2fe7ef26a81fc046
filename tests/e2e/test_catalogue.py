"""Every scenario of the catalogue, once on real servers at a fraction of its length, held against the model and against the table
of findings: sick arms show what it says, healthy ones nothing."""
import json
import re
import tomllib
import unittest

from labcase import ROOT, LabCase, alone, figures, measured
from test_findings import differences, scale_of

NAMES = sorted(file.stem for file in (ROOT / "scenarios").glob("*.toml"))
REPETITIONS = 3
LONG = ("overload", "wsgi-vs-asgi")  # twelve seconds and five whatever the scale, of which a pause is a small part: once
# No arm is made shorter than that: what serving costs would hide how long its handler takes.
SHORTEST = 0.02
# Where all who wait pay for a thread that wakes late, a part of the service time is too short to hide that.
# Where eleven clients ask again and again beside what computes, they would ask too often.
SCALES = {"overload": 1, "task-queue": 0.5}
# No step of theirs computes, but their requests are as many as the cores can take, or their switches.
BUSY = ("offload-cost", "switch-cost", "thousand-users", "threads-vs-tasks", "worker-state", "workers-capacity")
# Which requests fail hangs on a moment there, so only the kinds of failures are the model's.
BY_CHANCE = ("worker-crash", "task-queue")
ASKING_AGAIN = ("ml-inference",)  # until a result is there: as often as that takes

# What may lie between the best repetition and the model, in seconds: once, and for each request by execution model.
LATE = 0.001     # a first request, a timer, a wake-up; for each worker
EACH = {"blocking-loop": 40e-6, "async-loop": 40e-6, "thread-pool": 80e-6, "offload": 80e-6, "thread-per-request": 80e-6,
        "task-queue": 80e-6}
OF_PLAN = 0.02
# Where cores are computed on: the clock of computing drifts, and the kernel gives cores away in slices of some milliseconds. Where
# there is one repetition, no better one makes up for that.
OF_WORK = 0.05
SLICE = 0.004
SLOWEST = 1.6    # who shares a core with us slows it by half; more is no slow core
# What the model takes no time for: 20,000 awaits, calls and queries, a store on disk. Switching drifts as no computing does.
# Who asks again and again for what is computed takes the core from it, and sees it so much later where it is just not there.
BESIDE = {"await-is-not-a-yield": 0.05, "sync-client": 0.004, "sync-driver": 0.006, "connection-pool": 0.015, "worker-state": 0.015,
          "connection-pool no-pool": 0.12, "task-queue": 0.02, "ml-inference queue": 0.012}
OF_SWITCHING = 0.3


def loads_of(scenario, case):
    return {one["id"]: one["load"] for one in scenario.get("cases", [])}.get(case) or scenario["load"]


def computing(steps):
    """Whether steps compute or read, as the file has them."""
    return re.search(r'"(cpu|infer|qrcode|sqrt_sum|read)":', json.dumps(steps)) is not None


def computes(scenario, case):
    return computing([scenario["routes"][load["route"]] for load in loads_of(scenario, case)])


def needs_the_cores(name):
    return name in BUSY or computing(read(name)["routes"])


def read(name):
    return tomllib.loads((ROOT / f"scenarios/{name}.toml").read_text(encoding="utf-8"))


def room(name, arm, computing):
    """How far the best repetition of this arm may lie from the model."""
    each = max(EACH[mode] for mode in EACH if mode in arm["mode"])
    share = OF_SWITCHING if name == "switch-cost" else OF_WORK if computing else OF_PLAN
    return (LATE * arm["workers"] + each * arm["requests"] + share * arm["predicted_s"]
            + BESIDE.get(f"{name} {arm['arm']}", BESIDE.get(name, 0)) + (SLICE if computing or name in LONG else 0))


def misses(name, scenario, arm):
    """The arm's deviation from its prediction, or None. What others do to the machine spoils some repetitions, what the
    program does too slowly is in all of them: the best one is held against the model, where all have the same arrivals."""
    if any(load.get("connections") == "process" for load in loads_of(scenario, arm["case"])):
        return None  # the model takes no time for a client process's start
    if arm["not_run"] or not arm["books"]["ok"] or name in BY_CHANCE and arm["books"]["errors"]:
        return None
    low, high = arm["predicted_range_s"] or (arm["predicted_s"],) * 2
    by_chance = any(load["arrivals"] == "poisson" for load in loads_of(scenario, arm["case"]))
    best = arm["makespan_s"]["median"] if by_chance else min(arm["makespan_s"]["all"])
    computing = computes(scenario, arm["case"])
    allowed = room(name, arm, computing)
    if computing:  # the prediction has the median's pace, and the best repetition may have had cores as fast as calibrated
        low /= max(1, arm["pace"])
    if low - allowed <= best <= high + allowed:
        return None
    causes = ", ".join(f"{cause['cause']} {cause['s']:.4f}" for cause in arm["above_bound"])
    return f"{arm['arm']} ({arm['case']}): {best:.4f} s, predicted {low:.4f} to {high:.4f} and {allowed:.4f}: {causes}"


def cores_were_slow(report, check):
    """The check holds an arm to its prediction, and without what cores took longer for a unit of work than at their
    calibration, or had no time for it, it would have been there."""
    stat, _, about = check["text"].partition(" · ")
    for arm in report["arms"]:
        if arm["above_bound"] and " within " in stat and about in (arm["arm"], f"{arm['arm']} · {arm['case']}"):
            slow = sum(cause["s"] for cause in arm["above_bound"] if cause["cause"] in ("slower cores", "runnable"))
            return arm["pace"] <= SLOWEST and arm["makespan_s"]["median"] - slow <= arm["predicted_s"] + SLICE
    return False


class Catalogue(LabCase):
    def scale_of(self, name):
        if name in SCALES:
            return SCALES[name]
        shortest = min(arm["predicted_s"] or 1 for arm in self.lab_json("predict", name)["arms"])
        return max(float(scale_of(name)), min(1, SHORTEST / shortest))

    def assert_errors_are_the_models(self, name, arm, predicted):
        repetitions = 1 if name in LONG else REPETITIONS
        expected = {kind: count * repetitions for kind, count in predicted["books"]["errors"].items()}
        if name in BY_CHANCE:
            self.assertEqual(arm["books"]["errors"].keys(), expected.keys(), arm["arm"])
        else:
            self.assertEqual(arm["books"]["errors"], expected, arm["arm"])
            if name not in ASKING_AGAIN:
                self.assertEqual(arm["books"]["planned"], predicted["books"]["planned"] * repetitions, arm["arm"])

    def check_once(self, name):
        scale = self.scale_of(name)
        report = self.lab_json("run", name, "--scale", scale, "--repeat", 1 if name in LONG else REPETITIONS, "--check", "--no-save",
                               "--postgres", "local", code=None, within=120)
        model = self.lab_json("predict", name, "--scale", scale)
        scenario = read(name)
        for arm, predicted in zip(report["arms"], model["arms"], strict=True):
            self.assert_books_balance(arm["books"])
            elsewhere = "io-uring" in arm["arm"] or "curl" in arm["case"]
            self.assertIn(arm["not_run"], (None, "predicted only") if not elsewhere else (arm["not_run"],))
            if arm["not_run"] is None:
                self.assert_errors_are_the_models(name, arm, predicted)
        checks = [f"check {check['text']}: {check['detail']}" for check in report["checks"]
                  if check["decided"] and not check["passed"] and not cores_were_slow(report, check)]
        return checks + differences(report, scale) + [miss for miss in (misses(name, scenario, arm) for arm in report["arms"]) if miss]


class Judgement(unittest.TestCase):
    """What the test above must not let pass: a report made up."""
    WAITS = {"routes": {"r": {"steps": [{"wait": "$d"}]}}, "load": [{"route": "r", "arrivals": "burst"}]}
    WORKS = {"routes": {"r": {"steps": [{"cpu": "$c"}]}}, "load": [{"route": "r", "arrivals": "burst"}]}

    @staticmethod
    def arm(mode, times, **more):
        return {"arm": "a", "case": "main", "mode": mode, "workers": 1, "requests": 10, "predicted_s": SHORTEST,
                "predicted_range_s": None, "not_run": None, "books": {"ok": 30, "errors": {}}, "pace": 1.0,
                "makespan_s": {"median": sorted(times)[1], "all": times}, "above_bound": [{"cause": "service", "s": SHORTEST}], **more}

    def test_a_handler_twice_too_slow_is_a_miss_whatever_cause_is_reported(self):
        for mode in EACH:
            for scenario in (self.WAITS, self.WORKS):
                self.assertIsNone(misses("s", scenario, self.arm(mode, [0.0205, 0.021, 0.0204])))
                self.assertIsNotNone(misses("s", scenario, self.arm(mode, [0.0405, 0.041, 0.0404])), mode)
            self.assertIsNotNone(misses("s", self.WAITS, self.arm(mode, [0.0245, 0.024, 0.0241])), mode)

    def test_one_good_repetition_shows_that_the_machine_spoilt_the_others(self):
        self.assertIsNone(misses("s", self.WAITS, self.arm("async-loop", [0.09, 0.0203, 0.05])))
        self.assertIsNotNone(misses("s", self.WAITS, self.arm("async-loop", [0.09, 0.015, 0.05])), "sooner than it can be")

    def test_one_repetition_may_have_had_the_cores_as_fast_as_calibrated_when_the_others_had_not(self):
        slow = {"predicted_s": 0.042, "pace": 2.0}
        self.assertIsNone(misses("s", self.WORKS, self.arm("task-queue", [0.0281, 0.043, 0.044], **slow)))
        self.assertIsNotNone(misses("s", self.WORKS, self.arm("task-queue", [0.0101, 0.043, 0.044], **slow)), "sooner than it can be")
        self.assertIsNotNone(misses("s", self.WAITS, self.arm("task-queue", [0.0281, 0.043, 0.044], **slow)), "waits have no pace")

    def test_slow_cores_excuse_a_check_and_a_slow_handler_does_not(self):
        for cause, pace, excused in (("slower cores", 1.5, True), ("slower cores", 2.0, False), ("service", 1.0, False)):
            arm = self.arm("async-loop", [0.03] * 3, above_bound=[{"cause": cause, "s": 0.01}], pace=pace)
            check = {"text": "makespan within 5% · a"}
            self.assertEqual(cores_were_slow({"arms": [arm]}, check), excused, (cause, pace))

    def test_request_errors_are_counted_against_the_models(self):
        arm = {"arm": "a", "books": {"errors": {"status_500": 3}, "planned": 30}}
        model = {"books": {"errors": {}, "planned": 10}}
        case = Catalogue()
        with self.assertRaises(AssertionError):
            case.assert_errors_are_the_models("s", arm, model)
        case.assert_errors_are_the_models("s", arm, {"books": {"errors": {"status_500": 1}, "planned": 10}})
        with self.assertRaises(AssertionError):
            case.assert_errors_are_the_models("worker-crash", arm, model)


def add_test(name):
    def test(self):
        wrong = self.check_once(name)
        with figures():
            self.assertEqual(wrong, [])
    paired = measured(test)
    by_itself = alone(measured(test))
    setattr(Catalogue, "test_" + re.sub(r"\W", "_", name) + "_is_as_the_model_says", by_itself if needs_the_cores(name) else paired)


for scenario in NAMES:
    add_test(scenario)


if __name__ == "__main__":
    unittest.main()
