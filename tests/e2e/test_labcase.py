"""What the other tests stand on: how often a figure is taken, and what is never taken again."""
import contextlib
import fcntl
import io
import tempfile
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


    def test_the_second_has_what_timed_tests_share_for_itself(self):
        was_free = []
        door, shared = (self.enterContext(tempfile.NamedTemporaryFile()) for _ in range(2))

        def another_enters(case):
            with open(shared.name, "rb") as room:
                try:
                    fcntl.flock(room, fcntl.LOCK_SH | fcntl.LOCK_NB)
                    was_free.append(True)
                except BlockingIOError:
                    was_free.append(False)
            self.figure(case)
        with mock.patch.multiple(labcase, PART="paired", _door=door, _room=shared):
            self.attempts(another_enters, another_enters)
            self.attempts(another_enters, self.good)
        self.assertEqual(was_free, [True, False, True])


class Leftovers(unittest.TestCase):
    def test_a_temporary_file_that_is_left_fails_the_test(self):
        for leaves in (True, False):
            class Case(labcase.LabCase):
                def test(self):
                    process = self.start("list")
                    process.communicate()
                    if leaves:
                        (self.temporary / "forgotten").touch()
            self.assertEqual(Case("test").run().wasSuccessful(), not leaves)


class Parts(unittest.TestCase):
    def test_each_test_is_in_one_part_and_what_holds_figures_runs_beside_none_that_does_not(self):
        class Case(unittest.TestCase):
            def test_a_count(self): pass
            @labcase.measured
            def test_a_figure(self): pass
            @labcase.alone
            @labcase.measured
            def test_of_computing(self): pass
            @labcase.timed
            def test_with_a_helper(self): pass

        @labcase.timed
        class Helped(Case):
            pass
        count, figure, computing, helper = names = unittest.defaultTestLoader.getTestCaseNames(Case)
        for case, beside in ((Case, [count]), (Helped, [])):
            paired = [name for name in (count, figure, helper) if name not in beside]
            for part, wanted in ((None, names), ("alone", [computing]), ("paired", paired), ("beside", beside)):
                with mock.patch.object(labcase, "PART", part):
                    self.assertEqual(unittest.defaultTestLoader.getTestCaseNames(case), wanted)

    def test_figures_beside_others_are_a_mistake(self):
        with mock.patch.object(labcase, "PART", "beside"), self.assertRaises(RuntimeError):
            with labcase.figures():
                pass


if __name__ == "__main__":
    unittest.main()
