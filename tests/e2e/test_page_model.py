"""The virtual-time model in WebAssembly says what it says natively, for every scenario, to the last bit."""
import json
import shutil
import subprocess
import unittest

from labcase import BINARY, ROOT, LabCase, figures, measured

BUILD = BINARY.resolve().parents[1]
MODEL = BUILD / "page/model.js"
NATIVE = BUILD / "tests/page_calls"
NODE = shutil.which("node")
SCENARIOS = sorted(file.stem for file in (ROOT / "scenarios").glob("*.toml"))
ASK = """
const lines = require("fs").readFileSync(0, "utf8").trim().split("\\n");
require(process.argv[1])().then((model) => {
  for (const line of lines) {
    const began = performance.now();
    const answer = model.call(line);
    process.stdout.write(answer);
    if (process.argv[2]) process.stderr.write(`${performance.now() - began}\\n`);
  }
});
"""


def answers_of(command, calls):
    done = subprocess.run(command, input="".join(json.dumps(call) + "\n" for call in calls), capture_output=True, text=True,
                          timeout=120, check=True)
    return [json.loads(line) for line in done.stdout.splitlines()]


def node_times(calls):
    """Milliseconds of each call, answered one after the other in one process."""
    done = subprocess.run([NODE, "-e", ASK, str(MODEL), "timed"], input="".join(json.dumps(call) + "\n" for call in calls),
                          capture_output=True, text=True, timeout=120, check=True)
    return [float(line) for line in done.stderr.split()]


def prediction(scenario, **options):
    return {"call": "predict", "scenario": scenario, "reference": True, "options": options}


@unittest.skipUnless(NODE and MODEL.exists() and NATIVE.exists(), "the page's model was not built (./labw build page)")
class ModelInWebAssembly(LabCase):
    def both(self, calls):
        native = answers_of([NATIVE], calls)
        model = answers_of([NODE, "-e", ASK, str(MODEL)], calls)
        self.assertEqual(len(native), len(calls))
        return list(zip(native, model, strict=True))

    def test_every_scenario_has_the_same_makespans_and_the_same_lanes_in_the_same_order(self):
        calls = [prediction(name, scale="0.1") for name in SCENARIOS]
        for call, (native, model) in zip(calls, self.both(calls), strict=True):
            with self.subTest(call["scenario"]):
                self.assertNotIn("error", native)
                for one, other in zip(native["report"]["arms"], model["report"]["arms"], strict=True):
                    self.assertEqual(one["predicted_s"], other["predicted_s"], one["arm"])
                    self.assertEqual(one["bound_s"], other["bound_s"], one["arm"])
                for one, other in zip(native["pictures"], model["pictures"], strict=True):
                    self.assertEqual([lane["request"] for lane in one["lanes"]], [lane["request"] for lane in other["lanes"]])
                    self.assertEqual(one, other, one["arm"])
                self.assertEqual(native, model)

    def test_the_catalogue_the_quiz_and_refusals_are_the_same(self):
        calls = [{"call": "list"}, {"call": "quiz", "scenario": "blocking-async"},
                 {"call": "grade", "scenario": "blocking-async",
                  "answers": {"blocking-async-1": "100ms", "blocking-async-2": "0,1 s"}},
                 prediction("blocking-async", requests="zehn"), prediction("blocking-async", threads="8", guess="async-loop=1s"),
                 prediction("no-such-thing"), {"call": "sing"}, {"call": "predict", "toml": "question = 1"}]
        rows = self.both(calls)
        for call, (native, model) in zip(calls, rows, strict=True):
            if call["call"] in ("list", "sing"):
                self.assertEqual(native, model)
        self.assertEqual(len(rows[0][0]["scenarios"]), len(SCENARIOS))
        for native, model in rows[2:3]:
            results = {one["id"]: one for one in native["results"]}
            self.assertIn("nothing overlaps", results["blocking-async-1"]["misconception"])
            self.assertTrue(results["blocking-async-2"]["right"])
            self.assertEqual(sorted(results.items()), sorted((one["id"], one) for one in model["results"]))
        for native, model in rows[3:4] + rows[5:]:
            self.assertEqual(native["error"]["exit"], 2)
            self.assertEqual(model["error"]["exit"], 2)
        notes = [remark["text"] for remark in rows[4][1]["report"]["remarks"] if remark["tag"] == "GUESS"]
        self.assertTrue(notes and "you said 1" in notes[0], notes)

    @measured
    def test_it_simulates_a_million_requests_a_second_and_a_slider_moves_within_50_ms(self):
        slider = prediction("blocking-async", requests="1000", arms=["blocking-loop", "async-loop"])
        many = prediction("blocking-async", requests="1000000", arms=["async-loop"])
        with figures():
            times = node_times([slider] * 6 + [many] * 3)
            self.assertLess(min(times[1:6]), 50)
            self.assertLess(min(times[6:]), 1000)


if __name__ == "__main__":
    unittest.main()
