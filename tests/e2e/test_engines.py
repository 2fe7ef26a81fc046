"""The same plan on real FastAPI, on Node and on a server of one's own, beside ours in one run."""
import json
import signal
import stat
import unittest
from pathlib import Path

from labcase import PATIENCE, ROOT, LabCase, alone, descendants, figures, measured, timed, wait_until

PYTHON = "/usr/bin/python3"
QUICK = ("--quick", "--no-save")


class Engines(LabCase):
    def run_json(self, *args, code=0, within=120):
        return json.loads(self.lab("run", *args, "--format", "json", code=code, within=within).out)

    def arms(self, report):
        return {(arm["engine"], arm["arm"], arm["case"]): arm for arm in report["arms"]}

    def arm(self, report, engine, arm):
        return next(one for one in report["arms"] if one["engine"] == engine and one["arm"] == arm)

    def script(self, name, text):
        path = Path(self.work) / name
        path.write_text(text)
        path.chmod(path.stat().st_mode | stat.S_IXUSR)
        return str(path)


class FastApi(Engines):
    @measured
    def test_the_five_spellings_stand_beside_ours_and_the_model(self):
        report = self.run_json("blocking-async", "--engine", "native,fastapi,model", *QUICK)
        arms = self.arms(report)
        for arm in ("blocking-loop", "async-loop", "thread-pool", "offload", "workers-4"):
            for engine in ("native", "fastapi", "model"):
                self.assertIn((engine, arm, "main"), arms)
        self.assertIn(("fastapi", "async-loop@uvloop", "main"), arms)
        self.assertIn(("fastapi", "workers-4@gunicorn", "main"), arms)
        for arm in report["arms"]:
            self.assert_books_balance(arm["books"])
            self.assertEqual(arm["books"]["errors"], {}, arm["arm"])
            self.assertGreaterEqual(arm["makespan_s"]["median"], 0.999 * arm["bound_s"], arm["arm"])
        blocking = self.arm(report, "fastapi", "blocking-loop")
        self.assertIn("LAB101", [finding["id"] for finding in blocking["findings"]])
        self.assertEqual(self.arm(report, "fastapi", "async-loop")["findings"], [])
        with figures():
            self.assertEqual(blocking["verdict"], "reproduced")
            self.assertLess(self.arm(report, "fastapi", "async-loop")["makespan_s"]["median"], 0.5)

    @measured
    def test_our_servers_are_not_further_above_the_bound_than_fastapi(self):
        arms = ("blocking-loop", "async-loop", "thread-pool", "offload")
        report = self.run_json("blocking-async", "--engine", "native,fastapi", "--repeat", "3", "--no-save",
                               "--arms", ",".join(arms), "--scale", "0.3")  # what they need beside waiting is as long
        over = {key: arm["makespan_s"]["median"] - arm["bound_s"] for key, arm in self.arms(report).items()}
        with figures():
            for arm in arms:
                self.assertLessEqual(over["native", arm, "main"], over["fastapi", arm, "main"], arm)

    def test_an_arm_without_a_meaning_there_says_why(self):
        report = self.run_json("worker-identity", "--engine", "native,fastapi", "--arms", "reuseport", "--scale", "0.1",
                               *QUICK)
        self.assertIn("SO_REUSEPORT", self.arm(report, "fastapi", "reuseport")["not_run"])

    def test_memory_threads_and_cpu_time_of_its_processes_are_recorded(self):
        folder = Path(self.work) / "run"
        self.lab("run", "blocking-async", "--engine", "native,fastapi", "--arms", "thread-pool", "--scale", "0.2",
                 "--quick", "--save", str(folder))
        used = {}
        for line in (folder / "run.jsonl").read_text().splitlines():
            record = json.loads(line)
            if record.get("type") == "repetition":
                used[record["engine"], record["arm"]] = record["server"]
        self.assertGreater(used["fastapi", "thread-pool"]["private_peak"], 4 * used["native", "thread-pool"]["private_peak"])
        self.assertGreater(used["fastapi", "thread-pool"]["threads_peak"], 5)
        self.assertGreater(used["fastapi", "thread-pool"]["cpu_ns"], 0)

    def test_without_fastapi_our_arms_run_and_theirs_name_the_fix(self):
        bare = self.script("python-without", f"#!/bin/sh\nexec {PYTHON} -S \"$@\"\n")
        ran = self.lab("run", "blocking-async", "--engine", "native,fastapi", "--python", bare, "--arms", "async-loop",
                       "--scale", "0.1", *QUICK)
        self.assertIn("not run", ran.out)
        self.assertIn("labw setup --with fastapi", " ".join(ran.out.split()))
        ran = self.lab("run", "blocking-async", "--engine", "fastapi", "--python", bare, *QUICK, code=3)
        self.assertIn("fastapi", ran.err)
        ran = self.lab("run", "blocking-async", "--engine", "fastapi", "--python", "/nowhere/python", *QUICK, code=3)
        self.assertIn("/nowhere/python", ran.err)

    def test_a_version_that_is_too_old_is_named(self):
        old = self.script("old-python", "#!/bin/sh\nprintf 'python 3.11.2\\nfastapi 0.20.0\\nuvicorn 0.17.6\\n"
                                        "httptools 0.5\\nuvloop 0.17\\nanyio 3.6\\n'\n")
        ran = self.lab("run", "blocking-async", "--engine", "fastapi", "--python", old, "--arms", "async-loop", *QUICK,
                       code=3)
        self.assertIn("fastapi 0.20.0 is too old", ran.err)

    def test_an_interruption_leaves_no_process(self):
        for how, code in ((signal.SIGINT, 130), (signal.SIGKILL, -9)):
            with self.subTest(how=how):
                process = self.start("run", "blocking-async", "--engine", "fastapi", "--arms", "blocking-loop",
                                     "--repeat", "9", "--no-save", "--quiet")
                self.assertTrue(wait_until(lambda: self.pythons(process.pid), 30 * PATIENCE))
                children = descendants(process.pid)
                process.send_signal(how)
                self.assertEqual(process.wait(20 * PATIENCE), code)
                process.communicate()
                self.assertTrue(wait_until(lambda: not any(map(self.alive, children)), 5 * PATIENCE), children)

    @staticmethod
    def pythons(pid):
        def command(child):
            try:
                return Path(f"/proc/{child}/cmdline").read_text()
            except OSError:
                return ""
        return [child for child in descendants(pid) if "uvicorn" in command(child)]

    @staticmethod
    def alive(pid):
        try:
            return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
        except OSError:
            return False


class Scenarios(Engines):
    def test_a_case_without_queries_needs_no_database(self):
        report = self.run_json("connection-pool", "--engine", "fastapi", "--arms", "five", "--scale", "0.2", *QUICK)
        arms = self.arms(report)
        self.assertIsNotNone(arms["fastapi", "five", "stand-in"]["makespan_s"]["median"])
        self.assertEqual(arms["fastapi", "five", "stand-in"]["books"]["errors"], {})
        self.assertIn("PostgreSQL", arms["fastapi", "five", "postgres"]["not_run"])

    @alone
    @measured
    def test_a_switch_of_pythons_tasks_costs_about_as_much_as_one_of_its_threads(self):
        report = self.run_json("switch-cost", "--engine", "native,fastapi", "--seed", "1", *QUICK)
        took = {(one["engine"], one["case"]): one["measures"][1]["median"] for one in report["arms"] if one["arm"] == "here"}
        self.assertEqual(report["arms"][0]["measures"][1]["stat"], "switch.time")
        self.assertEqual(len(took), 6, took)
        with figures():
            self.assertLess(took["native", "coroutines"], 0.1 * took["native", "threads"])
            self.assertGreater(took["fastapi", "coroutines"], 0.1 * took["fastapi", "threads"])  # the loop asks the kernel, in Python
            self.assertLess(took["fastapi", "coroutines"], took["fastapi", "processes"])

    @measured
    def test_a_worker_that_was_replaced_counts_under_its_slot(self):
        report = self.run_json("worker-crash", "--engine", "fastapi", "--arms", "four", "--set", "d=200ms", *QUICK)
        arm = self.arm(report, "fastapi", "four@gunicorn")
        (split,) = arm["splits"]
        with figures():
            self.assertGreaterEqual(sum(split), arm["books"]["ok"], split)
            self.assertIn("LAB116", [one["id"] for one in arm["findings"]], arm["findings"])

    def test_a_note_about_an_arm_that_is_not_there_is_not_reported(self):
        out = self.lab("run", "blocking-async", "--arms", "blocking-loop", *QUICK, "--details").out
        self.assertNotIn("workers-4", out)
        self.assertNotIn("0.03", out)


class OwnServer(Engines):
    def export(self, scenario, arm, to, name):
        folder = Path(self.work) / name
        self.lab("export", scenario, "--arm", arm, "--to", to, "--dir", str(folder))
        return folder

    @timed
    def test_a_student_repairs_the_exported_file_and_sees_it(self):
        folder = self.export("frozen-server", "blocking-loop", "fastapi", "frozen")
        main = folder / "main.py"
        command = f"sh -c 'cd {folder} && exec {PYTHON} -m uvicorn lab_stamps:app --port {{port}} --log-level warning'"

        def findings():
            report = self.run_json("frozen-server", "--arms", "blocking-loop", "--set", "d=500ms", "--server", command, *QUICK)
            return [finding["id"] for finding in self.arm(report, "server", "server")["findings"]]
        main.write_text(main.read_text().replace("time.sleep(5)", "time.sleep(0.5)"))
        self.assertIn("LAB101", findings())
        text = main.read_text().replace("time.sleep(0.5)", "await asyncio.sleep(0.5)").replace("import time", "import asyncio")
        main.write_text(text)
        self.assertNotIn("LAB101", findings())

    def test_a_server_that_reports_nothing_is_measured_all_the_same(self):
        server = self.script("plain.py", "import http.server, socketserver, sys, time\n"
                             "class Handler(http.server.BaseHTTPRequestHandler):\n"
                             "    protocol_version = 'HTTP/1.1'\n"
                             "    def do_GET(self):\n"
                             "        if self.path != '/ping': time.sleep(0.1)\n"
                             "        self.send_response(200)\n"
                             "        self.send_header('Content-Length', '2')\n"
                             "        self.end_headers()\n"
                             "        self.wfile.write(b'{}')\n"
                             "    do_POST = do_GET\n"
                             "    def log_message(self, *args): pass\n"
                             "class Server(socketserver.ThreadingMixIn, http.server.HTTPServer):\n"
                             "    request_queue_size = 64\n"
                             "    daemon_threads = True\n"
                             "Server(('127.0.0.1', int(sys.argv[1])), Handler).serve_forever()\n")
        report = self.run_json("blocking-async", "--arms", "async-loop", "--server", f"{PYTHON} {server} {{port}}",
                               "--ready", "/ping", *QUICK)
        own = self.arm(report, "server", "server")
        self.assertEqual(own["books"]["errors"], {})
        self.assertAlmostEqual(own["bound_s"], 0.1)
        self.assertGreaterEqual(own["makespan_s"]["median"], 0.1)

    @timed
    def test_why_speaks_of_a_server_of_ones_own_first_and_reports_how_its_replies_come(self):
        server = self.script("one.py", "import http.server, sys, time\n"
                             "class Handler(http.server.BaseHTTPRequestHandler):\n"
                             "    def do_GET(self):\n"
                             "        if self.path != '/ping': time.sleep(0.1)\n"
                             "        self.send_response(200)\n"
                             "        self.end_headers()\n"
                             "    do_POST = do_GET\n"
                             "    def log_message(self, *args): pass\n"
                             "http.server.HTTPServer.request_queue_size = 64\n"
                             "http.server.HTTPServer(('127.0.0.1', int(sys.argv[1])), Handler).serve_forever()\n")
        report = self.run_json("blocking-async", "--arms", "blocking-loop", "--server", f"{PYTHON} {server} {{port}}",
                               "--ready", "/ping", "--repeat", "2", "--no-save")
        why = [remark["text"] for remark in report["remarks"] if remark["tag"] == "WHY"]
        self.assertRegex(why[0], r"^server: the replies come one at a time, 10\d(\.\d+)? ms each.*bursts fit")
        self.assertNotIn("no cause is known", why[0])

    def test_a_reply_faster_than_the_plan_is_no_fault_of_the_instrument(self):
        server = self.script("empty.py", "import http.server, sys\n"
                             "class Handler(http.server.BaseHTTPRequestHandler):\n"
                             "    def do_POST(self): self.send_response(200); self.end_headers()\n"
                             "    def log_message(self, *args): pass\n"
                             "http.server.ThreadingHTTPServer(('127.0.0.1', int(sys.argv[1])), Handler).serve_forever()\n")
        ran = self.lab("run", "blocking-async", "--arms", "async-loop", "--server", f"{PYTHON} {server} {{port}}", *QUICK)
        self.assertIn("does not run the plan", " ".join(ran.out.split()))

    def test_what_is_wrong_with_a_command_is_said(self):
        one = ("run", "blocking-async", "--arms", "async-loop", *QUICK)
        self.assertIn("{port}", self.lab(*one, "--server", "node server.js", code=2).err)
        self.assertIn("quote", self.lab(*one, "--server", "node 'server.js {port}", code=2).err)
        self.assertIn("/nowhere/node", self.lab(*one, "--server", "/nowhere/node {port}", code=3).err)
        broken = self.script("broken.py", "print('no database here', flush=True)\nraise SystemExit(4)\n")
        said = self.lab(*one, "--server", f"{PYTHON} {broken} {{port}}", code=3).err
        self.assertIn("no database here", said)
        self.assertIn("4", said)

    def test_a_server_that_does_not_start_costs_only_its_own_rows(self):
        one = ("blocking-async", "--engine", "native", "--arms", "async-loop", *QUICK)
        report = self.run_json(*one, "--server", "false {port}", code=3)
        self.assertFalse(report["complete"])
        self.assertIsNotNone(self.arm(report, "native", "async-loop")["makespan_s"]["median"])
        own = self.arm(report, "server", "server")
        self.assertIsNone(own["makespan_s"]["median"])
        self.assertIn("exit code 1", own["not_run"])
        ran = self.lab("run", *one, "--server", f"{PYTHON} missing.py {{port}}", code=3)
        self.assertIn("missing.py", ran.err)
        self.assertIn("incomplete: server", " ".join(ran.out.split()))
        self.assertIn("No such file or directory", " ".join(ran.out.split()))

    def test_a_server_at_another_port_is_reported(self):
        elsewhere = self.script("elsewhere.py", "import http.server\nhttp.server.HTTPServer(('127.0.0.1', 0), "
                                "http.server.SimpleHTTPRequestHandler).serve_forever()\n")
        ran = self.lab("run", "blocking-async", "--arms", "async-loop", "--server", f"{PYTHON} {elsewhere} {{port}}",
                       *QUICK, code=3, within=40)
        self.assertRegex(ran.err, r"did not answer at port \d+ .* it listens at \d+, but it must listen at {port}")

    @measured
    def test_node_has_an_event_loop_too(self):
        report = self.run_json("blocking-async", "--engine", "native,node", "--arms", "blocking-loop,async-loop", *QUICK)
        self.assertIn("LAB101", [finding["id"] for finding in self.arm(report, "node", "blocking-loop")["findings"]])
        self.assertEqual(self.arm(report, "node", "async-loop")["findings"], [])
        folder = self.export("blocking-async", "async-loop", "node", "node")
        report = self.run_json("blocking-async", "--arms", "async-loop", "--server", f"node {folder}/server.js {{port}}", *QUICK)
        with figures():
            self.assertLess(self.arm(report, "server", "server")["makespan_s"]["median"], 0.5)


class Recorded(Engines):
    def test_a_recording_stands_beside_a_native_run_where_python_is_missing(self):
        for scenario in ("blocking-async", "pool-limit", "worker-identity", "gil", "forgotten-await"):
            with self.subTest(scenario=scenario):
                self.assertTrue((ROOT / "results" / "reference" / f"{scenario}.jsonl").exists())
        ran = self.lab("run", "blocking-async", "--engine", "native,recorded", *QUICK, "--details")
        self.assertRegex(" ".join(ran.out.split()),
                         r"NOTE recorded: FastAPI as it was measured earlier, 20\d\d-\d\d-\d\d on .*\d cores, kernel .*Python 3.*FastAPI")
        report = self.run_json("blocking-async", "--engine", "native,recorded", *QUICK)
        self.assertEqual(self.arm(report, "recorded", "blocking-loop")["verdict"], "reproduced")

    def test_every_case_has_its_recording(self):
        report = self.run_json("forgotten-await", "--engine", "native,recorded", *QUICK)
        cases = {engine: {arm["case"] for arm in report["arms"] if arm["engine"] == engine and arm["makespan_s"]}
                 for engine in ("native", "recorded")}
        self.assertEqual(cases["recorded"], cases["native"])
        self.assertIn("ten-curls", cases["recorded"])

    def test_a_recording_does_not_speak_of_other_settings(self):
        report = self.run_json("blocking-async", "--engine", "native,recorded", "--arms", "async-loop", "--scale", "0.1", *QUICK)
        self.assertIn("recorded", self.arm(report, "recorded", "async-loop")["not_run"])


if __name__ == "__main__":
    unittest.main(verbosity=2)
