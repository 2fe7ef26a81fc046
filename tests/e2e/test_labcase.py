"""What the other tests stand on: how often a figure is taken, and what is never taken again."""
import contextlib
import io
import unittest
from unittest import mock

import labcase


class Attempts(unittest.TestCase):
    def attempts(self, *outcomes):
        """How often a measured test whose attempts end like that is tried, whether it passed, and what the end tells."""
        tried = []

        class Case(unittest.TestCase):
            @labcase.measured
            def test(self):
                tried.append(outcomes[len(tried)])
                tried[-1](self)

        with mock.patch.object(labcase, "PAUSE", 0), mock.patch.object(labcase, "_second_attempts", []):
            passed = Case("test").run().wasSuccessful()
            with contextlib.redirect_stdout(io.StringIO()) as told:
                labcase.report_attempts()
        return len(tried), passed, told.getvalue()

    @staticmethod
    def good(_):
        pass

    @staticmethod
    def figure(case):
        with labcase.figures():
            case.assertLess(2, 1)

    @staticmethod
    def count(case):
        case.assertEqual(9, 10)

    @staticmethod
    def mistake(_):
        raise NameError("what")

    def test_a_figure_has_two_attempts_and_the_end_names_both(self):
        self.assertEqual(self.attempts(self.good), (1, True, ""))
        tries, passed, told = self.attempts(self.figure, self.good)
        self.assertEqual((tries, passed), (2, True))
        self.assertRegex(told, r"^second attempt: .*Case\.test: 2 not less than 1\n$")
        self.assertEqual(self.attempts(self.figure, self.figure, self.good)[:2], (2, False))

    def test_counts_and_mistakes_fail_at_once(self):
        for wrong in (self.count, self.mistake):
            self.assertEqual(self.attempts(wrong, self.good), (1, False, ""))
            self.assertEqual(self.attempts(self.figure, wrong, self.good)[:2], (2, False))


if __name__ == "__main__":
    unittest.main()
