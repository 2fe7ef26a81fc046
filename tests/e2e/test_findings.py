"""The table of findings, against which test_catalogue.py holds what arms show; and `lab explain`."""
import json
import os
import tomllib
import unittest

from labcase import ROOT, LabCase

BOOK = tomllib.loads((ROOT / "results/findings.toml").read_text(encoding="utf-8"))
IDS = [entry["id"] for entry in BOOK["finding"]]
ON_TWO_CORES = {"LAB106", "LAB122"}


def expected(scenario, arm, case, scale="0.1"):
    """What this arm must show at a tenth of its length, and what it may; where it is longer, also what it shows in full."""
    for sick in BOOK["arms"]["sick"]:
        if (sick["scenario"], sick["arm"]) == (scenario, arm) and sick.get("case", case) == case:
            must = set(sick.get("at_a_tenth", sick["findings"]))
            longer = set(sick["findings"]) if float(scale) > 0.1 else set()
            return must, must | longer | set(sick.get("perhaps", ()))
    return set(), set()


def scale_of(scenario):
    """A tenth of its length, where waits are then not as short as the lateness of threads on a busy machine, and computing
    not as short as a turn on a core: the kernel may then run four as two and two, and nobody takes turns."""
    return {"pool-limit": "0.5", "async-is-not-faster": "0.5", "overload": "0.5"}.get(scenario, "0.1")


def was_measured(arm):
    """Not so: predicted only, left out on this machine, or nobody was answered."""
    return arm["not_run"] is None and (arm["makespan_s"]["median"] is not None or bool(arm["findings"]))


def differences(run, scale="0.1"):
    """What the arms of a report of `lab run --scale` show besides what they must and may, a line for each such arm."""
    said = []
    for arm in run["arms"]:
        if not was_measured(arm):
            continue
        found = {finding["id"] for finding in arm["findings"]}
        must, may = expected(run["scenario"], arm["arm"], arm["case"], scale)
        if len(os.sched_getaffinity(0)) != 2:
            found, must = found - ON_TWO_CORES, must - ON_TWO_CORES
        if not must <= found or not found <= may:
            said.append(f"{arm['arm']} ({arm['case']}): found {sorted(found)}, must {sorted(must)}, "
                        f"may {sorted(may)}: {arm['findings']}")
    return said


class Findings(LabCase):
    def test_every_finding_says_its_title_first(self):
        run = self.lab_json("run", "blocking-async", "--arms", "blocking-loop", "--scale", "0.1", "--quick", "--no-save")
        (finding,) = [one for one in run["arms"][0]["findings"] if one["id"] == "LAB101"]
        self.assertEqual(finding.keys(), {"id", "text"})
        self.assertRegex(finding["text"], r"^loop blocked: (nine|eight) requests queued .* \([23]: .* … 10: .*\); request \d+ ")


class Explain(LabCase):
    def test_every_finding_is_explained_in_80_columns(self):
        for finding in IDS:
            ran = self.lab("explain", finding)
            self.assert_fits(ran.out, 80)
            self.assertTrue(ran.out.startswith(finding + "  "), ran)
            for tag in ("WHAT", "SEEN", "C++", "FASTAPI", "SEE IT"):
                self.assertRegex(ran.out, rf"(?m)^{tag.replace('+', '[+]')} ")
            self.assertTrue(self.lab("explain", finding, "--ascii").out.isascii())

    def test_any_spelling_of_the_number_will_do(self):
        wanted = self.lab("explain", "LAB101").out
        for spelling in ("lab101", "101"):
            self.assertEqual(self.lab("explain", spelling).out, wanted)

    def test_alone_it_lists_all(self):
        out = self.lab("explain").out
        for entry in BOOK["finding"]:
            self.assertIn(f"{entry['id']}  {entry['title']}", out)
        self.assert_fits(out, 80)

    def test_an_unknown_one_names_the_nearest(self):
        ran = self.lab("explain", "LAB1O1", code=2)
        self.assertEqual(ran.out, "")
        self.assertRegex(ran.err, r"unknown finding 'LAB1O1' \(did you mean 'LAB1\d\d'")

    def test_an_unknown_format_is_refused(self):
        self.assertIn("did you mean 'json'", self.lab("explain", "LAB101", "--format", "jsn", code=2).err)

    def test_json_is_one_document(self):
        one = json.loads(self.lab("explain", "LAB103", "--format", "json").out)
        self.assert_obeys(one, "explain")
        (finding,) = one["findings"]
        self.assertEqual(finding["id"], "LAB103")
        self.assertIn({"scenario": "gil", "arm": "threads-gil", "case": "four-compute"}, finding["sick_arms"])
        every = json.loads(self.lab("explain", "--format", "json").out)
        self.assert_obeys(every, "explain")
        self.assertEqual([finding["id"] for finding in every["findings"]], IDS)


if __name__ == "__main__":
    unittest.main()
