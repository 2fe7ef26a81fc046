"""Run records that somebody forged, with checksums that are right: report, compare and grade give a verdict on any."""
import json
import random
import shutil
import subprocess
import unittest
import zlib

from labcase import BINARY, ROOT, LabCase, counted

NUMBERS = (0, -1, 1, 2, 255, 4096, 65535, 2**31 - 1, 2**32 - 1, 2**62, 2**63 - 1, -2**63, 10**9, 1e308, -1.5)
WORDS = ("", "x", "\x1b[31mred\x1b]0;t\x07", "main", "async-loop", "native", "fastapi", "A" * 5000, "ok", "reset")


def sealed(line):
    body = json.dumps({key: value for key, value in line.items() if key != "crc32"}, separators=(",", ":"))
    return '%s,"crc32":"%08x"}\n' % (body[:-1], zlib.crc32(body.encode()))


def forged(draw, value):
    """The same kind of value, but any."""
    if isinstance(value, bool):
        return not value
    if isinstance(value, (int, float)):
        return draw.choice((*NUMBERS, value + 1, value - 1, -value, value + 10**9))
    if isinstance(value, str):
        return draw.choice(WORDS)
    if isinstance(value, list) and value:
        value = list(value)
        if draw.random() < 0.2:
            draw.shuffle(value)
        at = draw.randrange(len(value))
        value[at] = forged(draw, value[at])
        return value
    if isinstance(value, dict) and value:
        key = draw.choice(list(value))
        return {**value, key: forged(draw, value[key])}
    return draw.choice((0, "x", [], {}))


class ForgedRuns(LabCase):
    def setUp(self):
        super().setUp()
        self.lines = [json.loads(line) for line in (ROOT / "results/reference/blocking-async.jsonl").read_text().splitlines()]

    def write(self, lines):
        folder = self.work / "forged"
        folder.mkdir(exist_ok=True)
        (folder / "run.jsonl").write_text("".join(map(sealed, lines)))
        return folder

    def changed(self, kind, place, **members):
        """The record with one line of that type changed."""
        lines = [dict(line) for line in self.lines]
        [line for line in lines if line["type"] == kind][place].update(members)
        return self.write(lines)

    def test_an_index_that_the_scenario_lacks_is_damage_and_no_crash(self):
        for members in ({"route": 7}, {"load": 7}, {"route": 2**32 - 1}, {"worker": 2**31 - 1}, {"id": 4096},
                        {"received_ns": 2**63 - 1}, {"received_ns": 1}):
            done = self.lab("report", self.changed("request", 3, **members))
            self.assertIn("cannot be", done.err, members)
        for members in ({"pace": 1e308}, {"number": 2**31 - 1}, {"began_ns": -1}, {"killed": [{"worker": -9, "at_ns": 1}]}):
            self.assertIn("cannot be", self.lab("report", self.changed("repetition", 0, **members)).err, members)

    def test_entries_behind_their_repetition_and_a_header_behind_its_entries_are_looked_at_too(self):
        begins = [at for at, line in enumerate(self.lines) if line["type"] == "repetition"]
        request = next(line for line in self.lines if line["type"] == "request")
        bad = {**request, "route": 2**32 - 1, "load": 2**32 - 1}
        late = self.lines[:-1] + [bad] + self.lines[-1:]
        headless = [bad if line is request else line for line in self.lines[1:]]
        headless.insert(begins[2], self.lines[0])
        for lines, said in ((late, "behind its end are left out"), (headless, "cannot be")):
            for shape in ("text", "json", "svg"):
                self.assertIn(said, self.lab("report", self.write(lines), "--format", shape).err)

    def test_a_request_that_is_lost_does_not_make_others_of_its_neighbours(self):
        lost = [line for line in self.lines if line["type"] != "request" or line["id"] != 3]
        self.assertIn("of 10 requests", self.lab("report", self.write(lost)).err)

    def test_whatever_is_forged_report_and_compare_end_in_order(self):
        draw = random.Random(19)
        sound = self.work / "sound"
        sound.mkdir()
        shutil.copy2(ROOT / "results/reference/blocking-async.jsonl", sound / "run.jsonl")
        for number in range(counted(300)):
            lines = [dict(line) for line in self.lines]
            for _ in range(draw.choice((1, 1, 2, 4))):
                kind = draw.choice(("header", "repetition", "request", "request", "events", "summary"))
                line = draw.choice([line for line in lines if line["type"] == kind])
                key = draw.choice([key for key in line if key not in ("type", "crc32", "scenario_source", "schema")])
                line[key] = forged(draw, line[key])
            if draw.random() < 0.1:
                draw.shuffle(lines)
            folder = self.write(lines)
            shape = draw.choice(("text", "json", "md", "csv", "svg", "html", "trace", "vegeta", "gbench"))
            for words in (("report", folder, "--format", shape), ("compare", folder, sound)):
                done = self.lab(*words, code=None)
                self.assertIn(done.code, (0, 2, 3), (number, words, done.err[-500:]))
                self.assertNotIn("\x1b", done.out + done.err, (number, words))

    def test_what_is_damaged_is_not_complete_and_passes_no_check(self):
        folder = self.changed("request", 3, route=7)
        document = json.loads(self.lab("report", folder, "--format", "json").out)
        self.assertFalse(document["complete"])
        shutil.copytree(folder, self.runs / "2026-11-21T09-30-00Z-blocking-async")
        bent = self.runs / "2026-11-21T09-30-00Z-blocking-async/run.jsonl"
        bent.write_text(bent.read_text().replace('"status":200', '"status":201', 1))
        self.assertRegex(self.lab("history").out, r"incomplete\n *its record is damaged")
        sound = self.work / "sound"
        sound.mkdir()
        shutil.copy2(ROOT / "results/reference/blocking-async.jsonl", sound / "run.jsonl")
        self.assertIn("damaged", self.lab("compare", folder, sound, "--check", code=3).out)

    def test_the_grader_leaves_its_results_whatever_becomes_of_it(self):
        folder = self.work / "autograder"
        (folder / "submission").mkdir(parents=True)
        answers = {"schema": "lab.answers/1", "scenario": "blocking-async", "answers": {"blocking-async-1": "1 s"}}
        (folder / "submission/answers.json").write_text(json.dumps(answers))
        shutil.copy2(self.changed("request", 3, route=7) / "run.jsonl", folder / "submission/run.jsonl")
        grade = (BINARY, "grade", "--scenario", "blocking-async", "--gradescope-folder", folder)
        results = folder / "results/results.json"
        self.assertEqual(subprocess.run(grade, env=self.environment, capture_output=True).returncode, 0)
        self.assertIn("cannot be", json.loads(results.read_text())["output"])
        results.unlink()
        starved = subprocess.run(("prlimit", "--as=60000000", *map(str, grade)), env=self.environment, capture_output=True)
        if results.exists():  # with less memory still it could not even begin
            self.assertEqual(json.loads(results.read_text())["score"], 0, starved.stderr)

    def test_a_link_in_a_submission_reads_no_other_file(self):
        folder = self.work / "autograder"
        (folder / "submission").mkdir(parents=True)
        (self.work / "secret.json").write_text("the teacher's secret")
        (folder / "submission/answers.json").symlink_to(self.work / "secret.json")
        self.lab("grade", "--scenario", "blocking-async", "--gradescope-folder", folder)
        said = json.loads((folder / "results/results.json").read_text())["output"]
        self.assertIn("no answer file", said)


if __name__ == "__main__":
    unittest.main()
