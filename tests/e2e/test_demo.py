"""`lab demo`: who may do what with its page, a run as it reaches viewers, and the page as static files. `lab run --stream`."""
import contextlib
import http.client
import itertools
import json
import os
import re
import select
import shutil
import signal
import socket
import subprocess
import time
import unittest
from pathlib import Path
from urllib.parse import urlsplit

from labcase import PAGE, PAGE_BUILT as BUILT, PATIENCE, ROOT, LabCase, figures, lab_program, measured, wait_until

WHY_NOT = "the page was not built (./labw build page)"


def events_in(text):
    """(id, type, data) of each whole server-sent event."""
    found = []
    for block in text.split("\n\n")[:-1]:
        fields = dict(line.split(": ", 1) for line in block.splitlines() if not line.startswith(":"))
        if "data" in fields:
            found.append((fields.get("id"), fields["event"], json.loads(fields["data"])))
    return found


class RunStream(LabCase):
    def test_a_run_says_what_happens_line_by_line_and_ends_with_its_document(self):
        ran = self.lab("run", "blocking-async", "--arms", "blocking-loop,async-loop", "--stream", "--repeat", 1, "--quiet")
        lines = [json.loads(line) for line in ran.out.splitlines()]
        types = [line["type"] for line in lines]
        self.assertEqual(types[0], "header")
        self.assertEqual(types[-2:], ["document", "end"])
        self.assertEqual([kind for kind in types if kind in ("begin", "repetition", "picture")], ["begin", "repetition", "picture"] * 2)
        for line in lines:
            self.assert_obeys(line, "run-stream")
            if line["type"] in ("header", "repetition"):
                self.assert_obeys(line, "run-record")
        document = lines[-2]["document"]
        self.assert_obeys(document, "page")
        self.assert_obeys(document["report"], "run")
        self.assertEqual([arm["arm"] for arm in document["telling"]], ["blocking-loop", "async-loop"])
        self.assertTrue(document["report"]["path"])
        for picture in document["pictures"]:
            self.assertEqual([lane["request"] for lane in picture["lanes"]], list(range(1, 11)))
            for lane in picture["lanes"]:
                ends = [segment[1] for segment in lane["segments"]]
                self.assertEqual([segment[0] for segment in lane["segments"][1:]], ends[:-1], "segments follow each other")
        live = [line for line in lines if line["type"] == "live" and line["repetition"] == 1]
        sent = [row[0] for line in live for row in line["sent"]]
        self.assertEqual(sorted(sent), list(range(1, 11)), "each request is said to be sent once")
        self.assertGreater(len([row for line in live for row in line["answered"]]), 5)

    def test_a_run_that_cannot_begin_says_so_and_ends(self):
        ran = self.lab("run", "blocking-async", "--stream", "--workers", 1000, code=2)
        self.assertEqual([json.loads(line)["type"] for line in ran.out.splitlines()], ["error", "end"])
        self.assert_one_line_reason(self.lab("run", "blocking-async", "gil", "--stream", code=2), 2, "--stream")


class DemoCase(LabCase):
    @contextlib.contextmanager
    def demo(self, *args):
        """`lab demo --port 0`; yields (process, port, the browser's fields)."""
        process = self.start("demo", "--port", 0, *args)
        ready = select.select([process.stdout], [], [], 20 * PATIENCE)[0]
        line = process.stdout.readline().strip() if ready else "silence"
        if not line.startswith("http://127.0.0.1:"):
            process.kill()
            self.fail(f"no address: {line!r} {process.communicate()[1]}")
        address = urlsplit(line)
        status, fields, _ = self.http(address.port, "GET", f"/?{address.query}", headers={"Host": address.netloc})
        self.assertEqual((status, fields["Refresh"]), (200, "0; url=/"))
        self.assertRegex(fields["Set-Cookie"], f"^lab-page-{address.port}=[0-9a-f]{{64}}; Path=/; HttpOnly; SameSite=Strict$")
        browser = {"Host": address.netloc, "Cookie": fields["Set-Cookie"].split(";")[0]}
        try:
            yield process, address, browser
        finally:
            if process.poll() is None:
                process.send_signal(signal.SIGINT)
                process.wait(10 * PATIENCE)

    def post(self, address, browser, path, body):
        status, _, text = self.http(address.port, "POST", path, json.dumps(body),
                                    {**browser, "Origin": f"http://{address.netloc}", "Content-Type": "application/json"})
        return status, json.loads(text) if text else None

    @contextlib.contextmanager
    def viewer(self, address, browser, last=None, path="/api/events"):
        """A connection to a stream of events; yields a function that reads until an event of that type that fits."""
        connection = http.client.HTTPConnection(address.hostname, address.port, timeout=20 * PATIENCE)
        connection.request("GET", path, headers={**browser, **({"Last-Event-ID": last} if last else {})})
        reply = connection.getresponse()
        self.assertEqual(reply.status, 200)
        self.assertEqual(reply.headers["Content-Type"], "text/event-stream")
        text, arrived = "", []  # and when each event did

        def until(kind, fits=lambda data: True):
            nonlocal text
            while not any(event[1] == kind and fits(event[2]) for event in events_in(text)):
                data = reply.read1(65536).decode()
                if not data:
                    self.fail(f"the stream ended before {kind}: {text[-500:]}")
                text += data
                arrived.extend([time.monotonic_ns()] * (len(events_in(text)) - len(arrived)))
            return events_in(text)
        until.arrived = arrived
        try:
            yield until
        finally:
            connection.close()


class Demo(DemoCase):
    @unittest.skipIf(BUILT, "the page is built")
    def test_without_the_page_it_says_what_to_install(self):
        for words in ((), ("--export", "site")):
            self.assert_one_line_reason(self.lab("demo", *words, code=3), 3, "./labw setup --with page")

    def test_bad_words_are_refused(self):
        for words, reason in ((("--single-file",), "--export"), (("--scenario", "blocking-asink"), "blocking-async"),
                              (("--export", "x", "--open"), "--open"), (("--export", "x", "--class"), "--class"),
                              (("--scenario", "./x.toml"), "path")):
            self.assert_one_line_reason(self.lab("demo", *words, code=2), 2, reason)

    @unittest.skipUnless(BUILT, WHY_NOT)
    def test_the_printed_address_works_once_and_nothing_is_served_without_its_cookie(self):
        with self.demo() as (_, address, browser):
            host = {"Host": address.netloc}
            self.assertEqual(self.http(address.port, "GET", f"/?{address.query}", headers=host)[0], 403)
            for path in ("/", "/page.js", "/model.js", "/api/events"):
                self.assertEqual(self.http(address.port, "GET", path, headers=host)[0], 403, path)
            status, fields, text = self.http(address.port, "GET", "/", headers=browser)
            self.assertEqual(status, 200)
            self.assertIn("frame-ancestors 'none'", fields["Content-Security-Policy"])
            self.assertEqual(fields["X-Content-Type-Options"], "nosniff")
            self.assertEqual(fields["Referrer-Policy"], "no-referrer")
            config = json.loads(re.search(r'id="lab-config">(.*?)</script>', text)[1])
            self.assertEqual((config["source"], config["scenario"]), ("server", "blocking-async"))
            self.assertGreater(len(config["catalogue"]["scenarios"]), 30)

    @unittest.skipUnless(BUILT, WHY_NOT)
    def test_names_origins_keys_and_methods_are_admitted_as_the_rules_say(self):
        tried = 0
        with self.demo() as (_, address, browser):
            own = f"http://{address.netloc}"
            rows = itertools.product((address.netloc, "evil.example", f"127.0.0.1:{address.port}.evil.example"),
                                     (None, own, "http://evil.example", "null"), (None, browser["Cookie"], "lab-page=0"),
                                     (("POST", "/api/call"), ("POST", "/api/stop"), ("GET", "/page.js"), ("GET", "/api/run")))
            for host, origin, cookie, (method, path) in rows:
                fields = {"Host": host, "Content-Type": "application/json",
                          **({"Origin": origin} if origin else {}), **({"Cookie": cookie} if cookie else {})}
                status = self.http(address.port, method, path, "{}" if method == "POST" else None, fields)[0]
                known, same = cookie == browser["Cookie"], origin == own or (origin is None and method == "GET")
                wanted = (421 if host != address.netloc else 405 if path == "/api/run" else 403 if not known or not same
                          else {"/api/call": 400, "/api/stop": 204, "/page.js": 200}[path])
                self.assertEqual(status, wanted, fields)
                tried += 1
            self.assertGreaterEqual(tried, 60)
            for path in ("/../page.js", "/%2e%2e/etc/passwd", "//etc/passwd", "/index.html"):
                self.assertEqual(self.http(address.port, "GET", path, headers=browser)[0], 404, path)

    @unittest.skipUnless(BUILT, WHY_NOT)
    def test_a_run_reaches_every_viewer_and_one_that_comes_back_goes_on_where_it_was(self):
        with self.demo() as (_, address, browser):
            run = {"scenario": "blocking-async", "options": {"arms": ["blocking-loop", "async-loop"], "guess": ["blocking-loop=1s"]}}
            self.assertEqual(self.post(address, browser, "/api/run", run), (202, {"run": 1}))
            self.assertEqual(self.post(address, browser, "/api/run", run)[0], 409)
            with socket.create_connection(("127.0.0.1", address.port)) as stalled:  # reads nothing
                stalled.sendall(f"GET /api/events HTTP/1.1\r\nHost: {address.netloc}\r\nCookie: {browser['Cookie']}\r\n\r\n".encode())
                with self.viewer(address, browser) as until:
                    first = until("picture")
                with self.viewer(address, browser, last=first[-1][0]) as until:
                    rest = until("end")
                with self.viewer(address, browser) as until:
                    whole = until("end")
            self.assertEqual([event[0] for event in first + rest], [event[0] for event in whole])
            document = [event[2] for event in whole if event[1] == "document"][0]["document"]
            self.assert_obeys(document, "page")
            self.assertIn("GUESS", [remark["tag"] for remark in document["report"]["remarks"]])
            bad = self.post(address, browser, "/api/run", {"scenario": "blocking-async", "options": {"server": "sh -c id"}})
            self.assertEqual((bad[0], bad[1]["error"]["exit"]), (400, 2))

    @unittest.skipUnless(BUILT, WHY_NOT)
    def test_a_run_is_stopped_and_ctrl_c_ends_everything_and_frees_the_port(self):
        with self.demo() as (process, address, browser):
            slow = {"scenario": "blocking-async", "options": {"delay": "2s"}}
            self.assertEqual(self.post(address, browser, "/api/run", slow)[0], 202)
            with self.viewer(address, browser) as until:
                until("live")
                self.assertEqual(self.post(address, browser, "/api/stop", {})[0], 204)
                self.assertFalse(until("end")[-1][2]["complete"])
            self.assertEqual(self.post(address, browser, "/api/run", slow)[0], 202)
            with self.viewer(address, browser) as until:
                until("live")
            asked = time.monotonic()
            process.send_signal(signal.SIGINT)
            self.assertEqual(process.wait(10 * PATIENCE), 130)
            self.assertLess(time.monotonic() - asked, 2 * PATIENCE)
            self.assertTrue(wait_until(lambda: not self.running(), 2), "its run and that run's servers end with it")
            with socket.socket() as again:
                again.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
                again.bind(("127.0.0.1", address.port))

    @unittest.skipUnless(BUILT, WHY_NOT)
    @measured
    def test_what_happens_is_on_the_page_within_50_ms(self):
        with self.demo() as (_, address, browser):
            self.post(address, browser, "/api/run", {"scenario": "blocking-async", "options": {"arms": "blocking-loop"}})
            with self.viewer(address, browser) as until:
                seen = list(zip(until("end"), until.arrived, strict=True))
            began = next(event[2]["began_ns"] for event, _ in seen if event[1] == "repetition")
            late = [at - began - row[1] for event, at in seen if event[1] == "live" for row in event[2]["answered"]]
            self.assertGreaterEqual(len(late), 9)
            with figures():
                self.assertLess(max(late), 50e6)

    @unittest.skipUnless(BUILT, WHY_NOT)
    def test_a_hostile_scenario_ends_no_script_of_the_page(self):
        text = (ROOT / "scenarios/blocking-async.toml").read_text(encoding="utf-8")
        (self.work / "evil.toml").write_text(re.sub('^question = ".*"', 'question = "</script><script>x()//<!--"', text, count=1,
                                                    flags=re.MULTILINE), encoding="utf-8")
        self.environment["LAB_SCENARIOS"] = str(self.work)
        with self.demo("--scenario", "evil") as (_, address, browser):
            page = self.http(address.port, "GET", "/", headers=browser)[2]
        self.assertNotIn("<script>x()", page)
        config = json.loads(re.search(r'id="lab-config">(.*?)</script>', page, re.DOTALL)[1])
        self.assertIn("</script><script>x()//<!--", [one["question"] for one in config["catalogue"]["scenarios"]])

    @unittest.skipUnless((PAGE / "model.js").exists() and BUILT, WHY_NOT)
    def test_the_page_is_written_as_static_files_and_as_one(self):
        self.lab("demo", "--export", "site", "--scenario", "pool-limit")
        self.lab("demo", "--export", "page.html", "--single-file")
        before = (self.work / "page.html").read_bytes()
        for words in (("site",), ("page.html", "--single-file")):
            self.assert_one_line_reason(self.lab("demo", "--export", *words, code=2), 2, "exists already", "--force")
        self.lab("demo", "--export", "page.html", "--single-file", "--force")
        self.assertEqual((self.work / "page.html").read_bytes(), before)
        names = {path.name for path in (self.work / "site").iterdir()}
        self.assertGreaterEqual(names, {"index.html", "page.js", "page.css", "model.js"})
        for file, scenario in (("site/index.html", "pool-limit"), ("page.html", "blocking-async")):
            text = (self.work / file).read_text(encoding="utf-8")
            config = json.loads(re.search(r'id="lab-config">(.*?)</script>', text, re.DOTALL)[1])
            self.assertEqual((config["source"], config["scenario"]), ("model", scenario))
            self.assert_obeys(config["first"], "page")
            self.assertEqual(config["first"]["report"]["scenario"], scenario)
            self.assertIn("gil", config["recorded"])
        single = (self.work / "page.html").read_text(encoding="utf-8")
        self.assertEqual(re.findall(r'(?:src|href)="(?!data:)[^"]*"', single.partition("<script>")[0]), [])
        self.assert_one_line_reason(self.lab("demo", "--export", "/proc/nowhere", code=3), 3, "/proc/nowhere")
        self.assertTrue(os.path.getsize(self.work / "page.html") < 6_000_000)


def listens_at(pid):
    """The IPv4 addresses at which a process takes connections."""
    inodes = {os.readlink(file)[8:-1] for file in Path(f"/proc/{pid}/fd").iterdir() if os.readlink(file).startswith("socket:[")}
    rows = [line.split() for line in Path("/proc/net/tcp").read_text(encoding="ascii").splitlines()[1:]]
    return sorted({socket.inet_ntoa(bytes.fromhex(row[1][:8])[::-1]) for row in rows if row[3] == "0A" and row[9] in inodes})


def in_a_network():
    """Whether this machine has an address that others can reach; `lab demo --class` says the same."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as tried, contextlib.suppress(OSError):
        tried.connect(("192.0.2.1", 9))  # sends nothing
        return not tried.getsockname()[0].startswith("127.")
    return False


def can_leave_the_network():
    words = ["unshare", "-rn", "ip", "link", "set", "lo", "up"]
    return all(map(shutil.which, ("unshare", "ip"))) and subprocess.run(words, capture_output=True, check=False).returncode == 0


TWO_ARMS = [{"ask": "blocked", "choices": ["100 ms", "1.00 s", "another"]}, {"ask": "awaited", "choices": ["100 ms", "another"]}]


@unittest.skipUnless(BUILT, WHY_NOT)
class ClassVote(DemoCase):
    @contextlib.contextmanager
    def class_demo(self):
        """Yields (the teacher's address, the teacher's fields, the students' address)."""
        if not in_a_network():
            self.skipTest("this machine is in no network")
        with self.demo("--class") as (process, address, browser):
            self.pid = process.pid
            yield address, browser, urlsplit(process.stdout.readline().strip())

    def phone(self, join):
        """The fields of a phone that has opened the address."""
        status, fields, text = self.http(join.port, "GET", "/", headers={"Host": join.netloc}, host=join.hostname)
        self.assertEqual(status, 200)
        self.assertRegex(fields["Set-Cookie"], f"^lab-class-{join.port}=[0-9a-f]{{64}}; Path=/; HttpOnly; SameSite=Lax$")
        self.assertEqual(json.loads(re.search(r'id="lab-config">(.*?)</script>', text)[1]), {"source": "server", "role": "student"})
        self.assertNotIn("recorded", text, "an old browser shows no answer either")
        return {"Host": join.netloc, "Cookie": fields["Set-Cookie"].split(";")[0]}

    def guess(self, join, phone, vote, *guesses):
        fields = {**phone, "Origin": f"http://{join.netloc}", "Content-Type": "application/json"}
        return self.http(join.port, "POST", "/api/guess", json.dumps({"vote": vote, "guesses": guesses}), fields, host=join.hostname)[0]

    def ask(self, address, browser, number):
        body = {"round": number, "question": "Ten at once: when is the last answered?", "arms": TWO_ARMS}
        self.assertEqual(self.post(address, browser, "/api/vote", body), (204, None))

    def test_phones_vote_discuss_and_vote_again_and_the_teacher_sees_how_the_guesses_split(self):
        with self.class_demo() as (address, browser, join):
            phones = [self.phone(join) for _ in range(4)]
            self.assertEqual(self.guess(join, phones[0], 0), 409, "nothing was asked")
            with self.viewer(address, browser, path="/api/votes") as teacher, self.viewer(join, phones[0], path="/api/ballot") as student:
                self.assertEqual(teacher("votes")[-1][2]["phones"], 4)
                self.assertFalse(student("ballot")[-1][2]["open"])
                self.ask(address, browser, 1)
                asked = student("ballot", lambda ballot: ballot["open"])[-1][2]
                self.assertEqual((asked["round"], asked["arms"]), (1, TWO_ARMS))
                self.assertNotIn("counts", asked)
                for phone, guess in zip(phones, ((0, 0), (1, 0), (2, 1), (0, 0)), strict=True):
                    self.assertEqual(self.guess(join, phone, 1, *guess), 204)
                self.assertEqual(self.guess(join, phones[0], 1, 1, 0), 204, "replaces the first")
                before = teacher("votes", lambda votes: votes["votes"] == [4, 0] and votes["counts"][0][0] == [1, 2, 1])[-1][2]
                self.assertEqual(before["counts"], [[[1, 2, 1], [3, 1]], [[0, 0, 0], [0, 0]]])
                self.ask(address, browser, 0)
                student("ballot", lambda ballot: ballot["round"] == 1 and not ballot["open"])
                self.assertEqual(self.guess(join, phones[0], 1, 0, 0), 409, "closed")
                self.ask(address, browser, 2)
                again = student("ballot", lambda ballot: ballot["round"] == 2)[-1][2]
                self.assertIsNone(again["mine"])
                for phone in phones[1:]:
                    self.assertEqual(self.guess(join, phone, again["vote"], 1, 0), 204)
                after = teacher("votes", lambda votes: votes["votes"] == [4, 3])[-1][2]
                self.assertEqual(after["counts"], [[[1, 2, 1], [3, 1]], [[0, 3, 0], [3, 0]]], "both rounds are kept")
            with self.viewer(join, phones[1], path="/api/ballot") as student:
                self.assertEqual(student("ballot")[-1][2]["mine"], [1, 0], "a phone that comes back finds its guess")
            for wrong in ((5, 0), (0,), (-1, 0), ("0", 0)):
                self.assertEqual(self.guess(join, phones[0], again["vote"], *wrong), 400, wrong)
            self.assertEqual(self.post(address, browser, "/api/vote", {"round": 7})[0], 400)
            kept = "".join(file.read_text(encoding="utf-8", errors="ignore") for file in self.work.rglob("*") if file.is_file())
            self.assertNotIn(phones[0]["Cookie"].partition("=")[2], kept, "no key is written anywhere")

    def test_a_student_reads_the_question_and_votes_and_nothing_else(self):
        tried = 0
        asks = {("POST", "/api/guess"): 400, ("GET", "/page.js"): 200, ("GET", "/model.js"): 404, ("GET", "/recorded.svg"): 404, ("GET", "/api/guess"): 405,
                **{(method, f"/api/{name}"): 403 for method, name in (("POST", "run"), ("POST", "call"), ("POST", "stop"), ("POST", "vote"), ("GET", "events"),
                                                                      ("GET", "votes"), ("GET", "recorded"))}}
        with self.class_demo() as (address, browser, join):
            phone, own = self.phone(join), f"http://{join.netloc}"
            rows = itertools.product((join.netloc, f"127.0.0.1:{join.port}", f"{join.netloc}.evil.example"), (None, own, "http://evil.example"),
                                     (phone["Cookie"], browser["Cookie"], f"lab-class-{join.port}=0", None), asks)
            for host, origin, cookie, (method, path) in rows:
                fields = {"Host": host, "Content-Type": "application/json", **({"Origin": origin} if origin else {}), **({"Cookie": cookie} if cookie else {})}
                status = self.http(join.port, method, path, "{}" if method == "POST" else None, fields, host=join.hostname)[0]
                usual = asks[method, path]
                entitled = cookie == phone["Cookie"] and (origin == own or (origin is None and method == "GET"))
                wanted = 421 if host != join.netloc else usual if usual in (404, 405) or entitled else 403
                self.assertEqual(status, wanted, (method, path, fields))
                tried += 1
            self.assertGreaterEqual(tried, 60)
            fields = {**phone, "Origin": own, "Content-Type": "application/json", "Lab-Token": browser["Cookie"].partition("=")[2]}
            self.assertEqual(self.http(join.port, "POST", "/api/run", "{}", fields, host=join.hostname)[0], 403, "nor does the teacher's key open it here")
            for path in ("/api/ballot", "/api/guess"):
                self.assertEqual(self.http(address.port, "GET", path, headers=browser)[0], 404, "and no student's page at the teacher's")
            self.assertEqual(listens_at(self.pid), sorted(["127.0.0.1", join.hostname]))

    def test_phones_and_what_they_send_are_limited(self):
        with self.class_demo() as (_, _, join):
            first = self.phone(join)
            seen = {self.phone(join)["Cookie"] for _ in range(499)}
            self.assertEqual(len(seen | {first["Cookie"]}), 500)
            status, _, why = self.http(join.port, "GET", "/", headers={"Host": join.netloc}, host=join.hostname)
            self.assertEqual((status, "raise your hand" in why), (503, True))
            self.assertEqual(self.http(join.port, "GET", "/", headers=first, host=join.hostname)[0], 200, "a phone that is known comes back")
            own = {**first, "Origin": f"http://{join.netloc}", "Content-Type": "application/json"}
            for fields, body in ((own, " " * 5_000), ({**own, "X": "x" * 9_000}, "{}")):
                with self.assertRaises((http.client.HTTPException, OSError)):
                    self.http(join.port, "POST", "/api/guess", body, fields, host=join.hostname)
            self.assertEqual(self.guess(join, first, 0), 409)

    def test_without_it_nothing_is_open_to_the_network(self):
        with self.demo() as (process, address, browser):
            self.assertEqual(listens_at(process.pid), ["127.0.0.1"])
            self.assertEqual(self.post(address, browser, "/api/stop", {})[0], 204)
            own = {**browser, "Origin": f"http://{address.netloc}", "Content-Type": "application/json"}
            self.assertEqual(self.http(address.port, "POST", "/api/vote", '{"round": 0}', own)[0], 404)
            self.assertEqual(self.http(address.port, "GET", "/api/votes", headers=browser)[0], 404)
            self.assertNotIn('"class":{', self.http(address.port, "GET", "/", headers=browser)[2])

    @unittest.skipUnless(can_leave_the_network(), "this machine lets nobody leave its network")
    def test_a_machine_in_no_network_is_said_with_what_to_do_instead(self):
        ran = subprocess.run(["unshare", "-rn", "sh", "-c", 'ip link set lo up && exec "$0" demo --class', lab_program()], cwd=self.work,
                             env=self.environment, capture_output=True, text=True, timeout=20 * PATIENCE, check=False)
        self.assertEqual((ran.returncode, ran.stdout), (3, ""), ran.stderr)
        self.assertRegex(ran.stderr, r"^lab: --class: .* raised hands.*\n$")


if __name__ == "__main__":
    unittest.main(verbosity=2)
