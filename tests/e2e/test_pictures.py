"""Pictures of a run: SVG, PNG, the page and the slide; and which arms and cases a report shows."""
import re
import shutil
import struct
import subprocess
import tempfile
import unittest
from pathlib import Path
from xml.etree import ElementTree

from labcase import PAGE_BUILT, ROOT, LabCase, lab_program


def words_of(svg):
    """The texts of a picture, in its order."""
    return [element.text for element in ElementTree.fromstring(svg).iter() if element.tag.endswith("}text")]


class Pictures(LabCase):
    kept = None

    def measured(self, scenario):
        """A run of the lab's own servers, the same for all tests: every request waits 20 ms."""
        cls = type(self)
        if cls.kept is None:
            cls.kept = tempfile.TemporaryDirectory(prefix="lab-pictures-")
            cls.addClassCleanup(cls.kept.cleanup)
        run = Path(cls.kept.name) / scenario
        if not run.exists():
            self.lab("run", scenario, "--set", "d=20ms", "--quick", "--quiet", "--save", run)
        return run

    def recorded(self, scenario):
        """The run of real FastAPI that the repository keeps: the same on every machine."""
        run = self.work / scenario
        run.mkdir(exist_ok=True)
        shutil.copy(ROOT / f"results/reference/{scenario}.jsonl", run / "run.jsonl")
        return run

    def bytes_of(self, *args, code=0, **environment):
        ran = subprocess.run([lab_program(), *map(str, args)], capture_output=True, cwd=self.work, timeout=60, check=False,
                             env={**self.environment, **environment})
        self.assertEqual(ran.returncode, code, ran.stderr)
        return ran.stdout, ran.stderr.decode()

    def picture(self, run, *args, form="svg"):
        return self.lab("report", run, "--format", form, *args).out

    def test_request_41_stands_alone_below_the_forty_that_look_alike(self):
        words = words_of(self.picture(self.recorded("pool-limit")))
        self.assertTrue(any(word.startswith("thread-pool") and "(burst-41)" in word for word in words), words)
        self.assertEqual(sum("burst-" in word for word in words), 2, words)  # two arms, as on a terminal
        self.assertIn("41", words)

    def test_lanes_of_threads_under_the_gil_show_their_turns(self):
        svg = self.lab("predict", "gil", "--format", "svg").out
        self.assertIn("waits for the GIL", words_of(svg))
        self.assertGreater(svg.count("url(#lock)"), 30)

    def test_a_slide_says_question_answer_makespans_and_the_command(self):
        svg = self.picture(self.measured("blocking-async"), "--slide", "--arms", "blocking-loop,async-loop")
        root = ElementTree.fromstring(svg)
        self.assertEqual(root.get("viewBox"), "0 0 1920 1080")
        words = " ".join(words_of(svg))
        for part in ("Ten requests at once", "lab run blocking-async", "bound", "if they await"):
            self.assertIn(part, words)
        self.assertEqual(words.count("median makespan "), 2)
        self.assertGreaterEqual(min(int(size) for size in re.findall(r"(\d+)px", svg)), 24)

    def test_a_slide_without_a_case_takes_the_telling_one(self):
        words = words_of(self.picture(self.recorded("pool-limit"), "--slide"))
        self.assertTrue(any("(burst-41)" in word for word in words), words)
        words = words_of(self.picture(self.recorded("pool-limit"), "--slide", "--case", "burst-100"))
        self.assertTrue(any("(burst-100)" in word for word in words), words)

    def test_both_themes_are_drawn_and_the_page_has_the_one_that_is_asked_for(self):
        run = self.recorded("blocking-async")
        light, dark = (self.picture(run, "--slide", "--theme", theme) for theme in ("light", "dark"))
        self.assertIn('height="100%" fill="#ffffff"', light)
        self.assertIn('height="100%" fill="#14171b"', dark)
        self.assertIn("@media (prefers-color-scheme: dark)", self.picture(run, form="html"))
        page = self.picture(run, "--theme", "dark", form="html")
        self.assertIn("@media all", page)
        if PAGE_BUILT:
            self.assertIn('"theme":"dark"', page)

    def test_a_page_begins_with_answer_and_contrast_and_a_slide_is_a_page_too(self):
        run = self.measured("blocking-async")
        page = self.picture(run, form="html")
        places = [page.index(part) for part in ("<h1>", 'class="answer"', "<figure><svg", "<table>", "<dl")]
        self.assertEqual(places, sorted(places))
        self.assertLess(page.index("<dl"), page.index("The lanes of all arms</summary>"))
        slide = self.picture(run, "--slide", form="html")
        self.assertIn('viewBox="0 0 1920 1080"', slide)
        self.assertNotIn("<table>", slide)
        if PAGE_BUILT:
            self.assertIn('"slide":true', slide)

    def test_arms_and_case_choose_for_every_format(self):
        run = self.recorded("pool-limit")
        choice = ("--arms", "pool-100,thread-pool@uvloop", "--case", "burst-80")
        arms = self.lab_json("report", run, *choice)["arms"]
        self.assertEqual({(arm["arm"], arm["case"]) for arm in arms},
                         {("pool-100", "burst-80"), ("thread-pool@uvloop", "burst-80")})
        for form in ("text", "md", "csv", "vegeta", "gbench", "trace"):
            told = self.picture(run, *choice, form=form)
            self.assertIn("pool-100", told, form)
            if form in ("vegeta", "gbench", "trace"):
                self.assertNotIn("burst-41", told, form)
        page = self.picture(self.measured("pool-limit"), "--arms", "pool-100", "--case", "burst-80", form="html")
        self.assertIn('<p class="answer">', page)  # the answer has other cases' figures

    def test_what_a_run_has_not_is_refused_with_the_nearest_word(self):
        run = self.recorded("pool-limit")
        refusals = {("--arms", "thread-pol"): "did you mean 'thread-pool'", ("--case", "burst-42"): "burst-4",
                    ("--slide",): "--slide and --theme are for pictures", ("--theme", "drak", "--format", "svg"): "dark"}
        for words, reason in refusals.items():
            self.assert_one_line_reason(self.lab("report", run, *words, code=2), 2, reason)

    @unittest.skipUnless(shutil.which("rsvg-convert"), "librsvg2-bin is missing")
    def test_a_png_is_one_of_the_size_that_was_asked_for(self):
        run = self.recorded("pool-limit")
        for args, size in ((("--slide",), (1920, 1080)), ((), (1920, None))):
            png, _ = self.bytes_of("report", run, "--format", "png", *args)
            self.assertEqual(png[:8], b"\x89PNG\r\n\x1a\n")
            width, height = struct.unpack(">II", png[16:24])
            self.assertEqual((width, height), (size[0], size[1] or height))

    def test_a_png_is_refused_to_a_terminal_and_where_nothing_can_draw_it(self):
        run = self.recorded("pool-limit")
        ran = self.in_terminal("report", run, "--format", "png")
        self.assertEqual(ran.code, 2)
        self.assertIn("> picture.png", ran.out)
        out, err = self.bytes_of("report", run, "--format", "png", code=3, PATH=str(self.work))
        self.assertEqual(out, b"")
        self.assertIn("librsvg2-bin", err)
        self.assertIn("labw setup --with png", err)
        self.assert_one_line_reason(self.lab("predict", "gil", "pool-limit", "--format", "png", code=2), 2, "one picture")

    def test_two_threads_on_one_core_are_seen_to_take_turns(self):
        self.lab("run", "concurrency-vs-parallelism", "--arms", "one-core", "--set", "c=60ms", "--quick", "--quiet")
        svg = self.picture("last")
        self.assertGreater(svg.count('fill="#f0e442"'), 4)  # lacks the core
        predicted = self.lab("predict", "concurrency-vs-parallelism", "--format", "svg").out
        self.assertGreater(predicted.count('fill="#f0e442"'), 20)

    def test_pings_beside_a_slow_request_are_dots_where_each_is_served(self):
        svg = self.lab("predict", "frozen-server", "--format", "svg").out
        words = words_of(svg)
        self.assertIn("served", words)
        self.assertTrue(any(word.startswith("ping 2–") for word in words), words)
        self.assertGreater(len(re.findall(r"<circle cx=\"\d+\.\d", svg)), 40)


if __name__ == "__main__":
    unittest.main()
