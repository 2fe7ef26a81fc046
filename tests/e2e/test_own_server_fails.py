"""A server of one's own that fails: the line that names the error, once, and where the whole stands."""
import re
import unittest

from labcase import LabCase

BROKEN = """
import json
def configure():
    return json.loads("{not json")
configure()
"""
# Tells of itself, and answers every request with an error, or ends at the first.
FAILING = """
import http.server, os, sys, time, traceback
class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    def log_message(self, *args): pass
    def do_GET(self): self.do_POST()
    def do_POST(self):
        now = time.monotonic_ns
        read, ends = now(), sys.argv[2] == "ends"
        if self.path != "/delay":
            status = 200
        else:
            status = 500
            try:
                {}["user"]
            except KeyError:
                traceback.print_exc()
                sys.stderr.flush()
                if ends: os._exit(3)
        self.send_response(status)
        for name, value in (("Read", read), ("Started", read), ("Finished", now()), ("Worker", 0)):
            self.send_header("Lab-" + name, str(value))
        self.send_header("Content-Length", "0")
        self.end_headers()
http.server.ThreadingHTTPServer(("127.0.0.1", int(sys.argv[1])), Handler).serve_forever()
"""


class OwnServerFails(LabCase):
    def run_beside(self, text, *words, code):
        (self.work / "own.py").write_text(text)
        return self.lab("run", "blocking-async", "--arms", "async-loop", "--quick", "--server",
                        " ".join(["python3", "own.py", "{port}", *words]), code=code)

    def whole(self, ran):
        """What the file holds that the output names."""
        joined = re.sub(r"\n +", "", ran.out)  # a long path goes on in the next line
        found = re.search(r"all that the server wrote:\s*(\S*?server\.txt)", joined)
        self.assertIsNotNone(found, ran)
        return (self.work / found[1]).read_text()

    def test_one_that_does_not_start(self):
        ran = self.run_beside(BROKEN, code=3)
        self.assertEqual(ran.out.count("JSONDecodeError"), 1, ran)
        self.assertEqual(ran.err.count("JSONDecodeError"), 1, ran)
        self.assertNotIn(" | ", ran.out + ran.err)
        self.assertIn("Traceback", self.whole(ran))
        self.assertIn("Traceback", self.whole(self.lab("report", "last")))
        listed = self.lab("history").out
        self.assertRegex(listed, r"incomplete\n +server could not be run")
        self.assert_fits(listed, 80)

    def test_what_a_terminal_would_obey_is_never_shown(self):
        ran = self.run_beside('raise SystemExit("\\x1b[2J\\x1b]0;title\\x07 an error of its own")', code=3)
        self.assertNotIn("\x1b", ran.out + ran.err)
        self.assertNotIn("\x07", ran.out + ran.err)
        self.assertIn("an error of its own", ran.err)

    def test_one_that_ends_at_the_first_request(self):
        ran = self.run_beside(FAILING, "ends", code=0)
        self.assertIn("ended with exit code 3: KeyError: 'user'", re.sub(r"\s+", " ", ran.out))
        self.assertNotIn(" | ", ran.out)
        self.assertIn("Traceback", self.whole(ran))

    def test_one_that_answers_with_errors(self):
        ran = self.run_beside(FAILING, "stays", code=0)
        self.assertIn("the server said: KeyError: 'user'", re.sub(r"\s+", " ", ran.out))
        self.assertIn("Traceback", self.whole(ran))


if __name__ == "__main__":
    unittest.main()
