"""The suite's closing line counts what the programs counted, and never loses a failure."""
import tempfile
import unittest
from xml.sax.saxutils import escape

from count_tests import cases, count, notes


class Cases(unittest.TestCase):
    def test_catch2_that_passed(self):
        self.assertEqual(cases("All tests passed (57 assertions in 12 test cases)\n"), (12, 0, 0))
        self.assertEqual(cases("All tests passed (1 assertion in 1 test case)\n"), (1, 0, 0))

    def test_catch2_that_failed(self):
        self.assertEqual(cases("x\ntest cases:  12 |  9 passed | 3 failed\nassertions: 57 | 54 passed\n"), (9, 3, 0))

    def test_unittest(self):
        self.assertEqual(cases("...\nRan 3 tests in 0.1s\n\nOK\n"), (3, 0, 0))
        self.assertEqual(cases("Ran 5 tests in 0.1s\n\nFAILED (failures=1, errors=2)\n"), (2, 3, 0))

    def test_a_skipped_case_is_neither_passed_nor_failed(self):
        self.assertEqual(cases("Ran 5 tests in 0.1s\n\nOK (skipped=2)\n"), (3, 0, 2))
        output = "x.cpp:3: warning:\n  skipped: no io_uring\n\nAll tests passed (9 assertions in 4 test cases)\n"
        self.assertEqual(cases(output), (3, 0, 1))

    def test_other_programs_do_not_count(self):
        self.assertIsNone(cases("hello\n"))


class Count(unittest.TestCase):
    def count(self, *tests):
        body = "".join(f'<testcase name="t" status="{status}"><system-out>{escape(output)}</system-out></testcase>'
                       for status, output in tests)
        with tempfile.NamedTemporaryFile("w", suffix=".xml") as file:
            file.write(f"<testsuite>{body}</testsuite>")
            file.flush()
            return count(file.name)[:3]

    def test_sums_over_programs(self):
        self.assertEqual(self.count(("run", "All tests passed (5 assertions in 2 test cases)"), ("run", "fine")), (3, 0, 0))

    def test_a_crash_after_good_cases_is_a_failure(self):
        self.assertEqual(self.count(("fail", "All tests passed (5 assertions in 2 test cases)\nLeakSanitizer")), (2, 1, 0))

    def test_a_program_that_never_started_is_a_failure(self):
        self.assertEqual(self.count(("fail", ""), ("notrun", "")), (0, 2, 0))


class Notes(unittest.TestCase):
    def test_a_skip_names_its_reason(self):
        output = "test_x (__main__.Export.test_x) ... skipped 'no pyflakes'\n"
        self.assertEqual(list(notes("e2e.export", output)), [("skipped", "e2e.export: no pyflakes")])

    def test_a_second_attempt_and_a_long_test_are_named(self):
        self.assertEqual(list(notes("e", "second attempt: Load.test_a: 3 != 4\n12.500 s: a long one\n")),
                         [("second attempt", "e: Load.test_a: 3 != 4"), ("took", "   12.50 s  e: a long one")])


if __name__ == "__main__":
    unittest.main()
