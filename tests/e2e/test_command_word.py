"""Commands that the program prints can be typed as they stand: `./labw …` in a clone, `lab …` where it is installed."""
import re
import unittest

from labcase import LabCase

IN_CLONE = {"LAB_COMMAND": "./labw"}
INSTALLED = r"(?<![\w./-])lab (?:--|\[|{})"


class CommandWord(LabCase):
    def setUp(self):
        super().setUp()
        helped = self.lab("--help").out
        self.verbs = re.findall(r"^  ([a-z]+) ", helped[helped.index("Subcommands:"):], re.MULTILINE)
        self.assertGreater(len(self.verbs), 15)
        self.installed = INSTALLED.format("(?:" + "|".join(self.verbs) + r")\b")

    def assert_called_by_labw(self, *args, code=0):
        ran = self.lab(*args, code=code, env=IN_CLONE)
        said = re.sub("<script>.*?</script>", "", ran.out, flags=re.DOTALL) + ran.err  # a page's own script is no text
        self.assertIsNone(re.search(self.installed, said), args)
        self.assertTrue("./labw " in said, args)
        return said

    def test_the_help_of_every_verb(self):
        self.assert_called_by_labw("--help")
        for verb in self.verbs:
            self.assert_called_by_labw(verb, "--help")

    def test_what_tables_advice_and_findings_lead_to(self):
        for args in (["list"], ["show", "gil"], ["explain"], ["explain", "LAB101"], ["predict", "gil"], ["advise", "--list"],
                     ["history"]):
            with self.subTest(args):
                self.assert_fits(self.assert_called_by_labw(*args), 4000 if "--list" in args else 82)
        self.assert_called_by_labw("predict", "gil", "--format", "html")

    def test_errors(self):
        self.assert_called_by_labw("nonsense", code=2)
        self.assert_called_by_labw("run", "nonsense", code=2)

    def test_where_it_is_installed_it_is_lab(self):
        self.assertIn("NEXT  lab run ", self.lab("predict", "gil").out)
        self.assertIn("see lab --help", self.lab("nonsense", code=2).err)

    def test_json_is_the_same_however_the_program_was_called(self):
        self.assertEqual(self.lab("explain", "LAB101", "--format", "json", env=IN_CLONE).out,
                         self.lab("explain", "LAB101", "--format", "json").out)


if __name__ == "__main__":
    unittest.main()
