"""What a run says of its question: the numbers in it, the sentence that answers it, and clients that are processes."""
import shutil
import unittest

from labcase import LabCase, figures, measured

QUICK = ("--quick", "--quiet", "--no-save")


class Answers(LabCase):
    def words(self, *args):
        return " ".join(self.lab(*args).out.split())

    def test_the_question_takes_its_numbers_from_the_options(self):
        out = self.words("run", "frozen-server", "--delay", "200ms", *QUICK)
        self.assertTrue(out.startswith("One request sleeps 200 ms."), out)
        self.assertNotIn("5 s", out.split("?")[0])
        out = self.words("predict", "blocking-async", "--requests", 20, "--delay", "1s", "--format", "json")
        self.assertIn("Twenty requests at once, each waits 1 s.", out)

    @measured
    def test_a_run_ends_with_the_sentence_that_answers_its_question(self):
        out = self.words("run", "pool-limit", *QUICK, "--details")
        self.assertRegex(out, r"SO A whole second round: .* so 41 requests take [\d.]+ m?s where 40 take [\d.]+ m?s\. NEXT lab run [a-z-]+ \([^()]*\)$")
        with figures():
            self.assertRegex(out, r"so 41 requests take 2\d\d ms where 40 take 1\d\d ms\.")
        with figures():  # what is explained is request 41, not the larger bursts
            self.assertIn("WHY thread-pool (burst-41): LAB102", out)

    def test_there_is_no_such_sentence_where_an_arm_of_it_is_missing(self):
        out = self.words("run", "blocking-async", "--arms", "async-loop", "--delay", "10ms", *QUICK)
        self.assertNotIn(" SO ", out)

    @measured
    @unittest.skipUnless(shutil.which("curl"), "curl is not installed")
    def test_a_forgotten_await_takes_as_long_as_ten_client_processes_need_to_start(self):
        report = self.lab_json("run", "forgotten-await", *QUICK)
        arms = {arm["case"]: arm for arm in report["arms"]}
        with figures():
            self.assertEqual(arms["ten-curls"]["books"]["ok"], 10)
            self.assertGreater(arms["ten-curls"]["makespan_s"]["median"], 3 * arms["forgotten"]["makespan_s"]["median"])
        done = {measure["stat"]: measure["median"] for measure in arms["ten-curls"]["measures"]}
        self.assertEqual((done["work.done"], done["work.forgotten"]), (0, 10))
        self.assertEqual([finding["id"] for finding in arms["ten-curls"]["findings"]], ["LAB108"])

    def test_without_curl_the_client_processes_are_left_out_and_the_rest_is_run(self):
        self.environment["PATH"] = str(self.work)
        report = self.lab_json("run", "forgotten-await", *QUICK)
        arms = {arm["case"]: arm for arm in report["arms"]}
        self.assertIn("curl", arms["ten-curls"]["not_run"])
        self.assertEqual(arms["forgotten"]["books"]["ok"], 10)


if __name__ == "__main__":
    unittest.main(verbosity=2)
