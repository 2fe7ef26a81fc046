"""lab load and everything that can go wrong: replies that are none, servers that are not there, limits, Ctrl-C, certificates."""
import contextlib
import json
import os
import resource
import shutil
import signal
import socket
import ssl
import subprocess
import threading
import time
import unittest

from labcase import PATIENCE, figures, lab_program, measured, wait_until
from loadcase import LoadCase, problems_of, reply


class Replies(LoadCase):
    def errors(self, script, *args, code=1):
        server = self.scripted(script) if callable(script) else self.answers(script)
        return self.load(server.url(), "-n", "4", "-c", "4", "--timeout", "500ms", *args, code=code)["books"]["errors"]

    def test_every_sound_way_to_end_a_reply_is_understood(self):
        chunked = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2;x=y\r\nok\r\n0\r\nTrailer: x\r\n\r\n"
        self.assertEqual(self.errors(chunked, code=0), {})

        def until_close(_, connection):
            connection.sendall(b"HTTP/1.1 200 OK\r\n\r\nuntil the close")
            return False

        def old(_, connection):
            connection.sendall(b"HTTP/1.0 200 OK\r\nContent-Length: 2\r\n\r\nok")
            return False
        self.assertEqual(self.errors(until_close, code=0), {})
        self.assertEqual(self.errors(old, code=0), {})

    def test_broken_replies_have_a_name_each(self):
        def truncated(_, connection):
            connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nshort")
            return False

        def endless(_, connection):
            connection.sendall(b"HTTP/1.1 200 OK\r\n\r\n")
            while True:
                connection.sendall(b"x" * 1000)
                time.sleep(0.01)

        def drops(_, connection):
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
            return False
        self.assertEqual(self.errors(b"SSH-2.0-OpenSSH_9.2\r\n", code=3), {"bad_reply": 4})
        self.assertEqual(self.errors(truncated, code=3), {"closed": 4})
        self.assertEqual(self.errors(endless, code=3), {"timeout": 4})
        self.assertEqual(self.errors(lambda *_: time.sleep(2), code=3), {"timeout": 4})
        self.assertEqual(self.errors(drops, code=3), {"reset": 4})
        self.assertEqual(self.errors(reply() + b"surplus"), {"extra": 4})
        self.assertEqual(self.errors(reply(b"ok", "200 OK", "X: " + 9000 * "x"), code=3), {"long_header": 4})

    def test_a_second_reply_that_comes_later_is_no_answer_to_the_next_request(self):
        def twice(_, connection):
            connection.sendall(reply())
            time.sleep(0.02)
            connection.sendall(reply(b"again"))
        found = self.load(self.scripted(twice).url(), "-n", "4", "-c", "1", "--max-connections", "1", "--rate", "10", code=1)
        self.assertEqual((found["books"]["ok"], found["books"]["errors"], found["statuses"]), (2, {"extra": 2}, {"200": 2}))
        self.assertEqual(found["connections_opened"], 2)

    def test_a_server_that_is_gone_refuses_what_still_comes(self):
        def last(_, connection):
            server.close()
            connection.sendall(reply(b"ok", "200 OK", "Connection: close"))
            return False
        server = self.scripted(last)
        found = self.load(server.url(), "-n", "4", "-c", "1", "--max-connections", "1", "--rate", "50", code=1)
        self.assertEqual((found["books"]["ok"], found["books"]["unsent"], found["books"]["not_sent"]), (1, 3, {"refused": 3}))

    def test_where_a_server_closes_is_reported(self):
        def after_one(_, connection, answered=set()):
            if connection in answered:
                return False
            answered.add(connection)
            connection.sendall(reply())
        def in_one(_, connection):
            connection.sendall(reply()[:30])
            return False
        for script, closed in ((lambda *_: False, "before_reply"), (in_one, "in_reply"), (after_one, "after_reply")):
            server = self.scripted(script)
            found = self.load(server.url(), "-n", "8", "-c", "2", "--method", "POST", code=None)
            self.assertEqual({where for where, count in found["closed"].items() if count}, {closed})

    def test_a_headline_does_not_hide_that_most_replies_were_errors(self):
        answered = []

        def limited(_, connection):
            answered.append(1)
            connection.sendall(reply() if len(answered) <= 5 else reply(b"busy", "503 Service Unavailable"))
        server = self.scripted(limited)
        told = self.lab("load", server.url(), "-n", "205", "-c", "1", "--ascii", code=1).out
        self.assertIn("5 answered ok", told)
        self.assertIn("200 of 205 replies were 503", told)
        self.assertIn("of errors", told)

    def test_statuses_are_errors_unless_they_are_expected(self):
        busy = reply(b"busy", "503 Service Unavailable")
        self.assertEqual(self.errors(busy), {"status_503": 4})
        self.assertEqual(self.errors(busy, "--expect-status", "503", code=0), {})
        self.assertEqual(self.errors(busy, "--expect-status", "2xx,5xx", code=0), {})

    def test_an_answer_in_the_middle_of_a_body_is_the_reply(self):
        listener = socket.create_server(("127.0.0.1", 0))
        self.addCleanup(listener.close)

        def refuse():
            with contextlib.suppress(OSError):
                while True:
                    with listener.accept()[0] as connection:
                        connection.recv(1000)
                        connection.sendall(reply(b"", "413 Content Too Large"))
        threading.Thread(target=refuse, daemon=True).start()
        (self.work / "large").write_bytes(b"x" * 20_000_000)
        found = self.load(f"http://127.0.0.1:{listener.getsockname()[1]}/", "-n", "3", "-c", "1", "--body", "@large",
                          code=1)
        self.assertEqual(found["books"]["errors"], {"status_413": 3})

    def test_a_redirect_is_a_status_and_not_followed(self):
        server = self.answers(reply(b"", "302 Found", "Location: /elsewhere"))
        found = self.load(server.url(), "-n", "3", "-c", "1")
        self.assertEqual((found["statuses"], len(server.requests)), ({"302": 3}, 3))
        self.assertIn("not followed", " ".join(remark["text"] for remark in found["remarks"]))

    @measured
    def test_it_ends_a_second_after_duration_and_timeout_whatever_the_server_does(self):
        server = self.scripted(lambda *_: time.sleep(30))
        for args in (["-c", "5"], ["--rate", "50"]):
            ran = self.lab("load", server.url(), "--duration", "1s", "--timeout", "1s", "--quiet", *args, code=3)
            with figures():
                self.assertLess(ran.seconds, 3 * max(1, PATIENCE / 3))


class Refusals(LoadCase):
    def refused(self, *args, code, word):
        ran = self.lab("load", *args, code=code)
        self.assertEqual(ran.out, "")
        lines = [line for line in ran.err.splitlines() if line.startswith("lab: ")]
        self.assertEqual(len(lines), 1, ran)
        self.assertIn(word, lines[0])

    def test_bad_input_gets_one_line_and_exit_2(self):
        here = "http://127.0.0.1:1/"
        for args, word in (
                (["127.0.0.1:8000"], "write http://127.0.0.1:8000"),
                (["ftp://127.0.0.1/"], "http and https"),
                (["http://user@127.0.0.1/"], "names a user"),
                (["http://127.0.0.1/a b"], "%20"),
                (["http://127.0.0.1/#x"], "fragment"),
                (["http://127.0.0.1:99999/"], "port"),
                (["http://[::1/"], "IPv6"),
                ([here, "--duration", "10"], "--duration"),
                ([here, "--rate", "5", "--arrivals", "closed"], "--arrivals constant"),
                ([here, "--arrivals", "poisson"], "--rate"),
                ([here, "--threshold", "p99=1s"], "compares nothing"),
                ([here, "--threshold", "p42x<1s"], "not a number"),
                ([here, "--threshold", "p99<100"], "unit"),
                ([here, "--header", "no colon"], "header field"),
                ([here, "--method", "get"], "GET"),
                ([here, "--expect-status", "abc"], "--expect-status"),
                ([here, "-c", "1", "--threads", "2"], "--threads"),
                ([here, "--cacert", "x", "--insecure"], "--insecure"),
                ([here, "--cacert", "/nope"], "--cacert: '/nope'"),
                ([here, "--body", "@missing"], "--body: 'missing'"),
                ([here, "--body", "@/tmp"], "--body: '/tmp' is a folder"),
                ([here, "--format", "svg"], "--format"),
                (["http://203.0.113.9/"], "--i-own-this-server")):
            self.refused(*args, code=2, word=word)

    def test_what_cannot_be_reached_is_named_and_exit_3(self):
        with socket.create_server(("127.0.0.1", 0)) as unused:
            port = unused.getsockname()[1]
        self.refused(f"http://127.0.0.1:{port}/", code=3, word="nothing listens at")
        self.refused("http://no-such-host.invalid/", code=3, word="no-such-host.invalid")

    def test_more_connections_than_descriptors_are_refused_with_the_limit(self):
        server = self.answers(reply())
        process = self.start("load", server.url(), "-c", "500", "--duration", "1s",
                             preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_NOFILE, (200, 200)))
        ran = self.finish(process)
        self.assertEqual(ran.code, 3, ran)
        self.assertIn("the hard limit is 200", ran.err)

    def test_a_pool_that_the_limit_makes_smaller_is_reported(self):
        process = self.start("load", self.answers(reply()).url(), "--rate", "20", "-n", "5", "--quiet",
                             preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_NOFILE, (200, 200)))
        self.assertIn("allows 136 of 1000 connections", self.finish(process).out.replace("\n      ", " "))

    def in_a_small_network(self, *load, code):
        """What a load on a server says where there are ten ports."""
        if subprocess.run(["unshare", "-n", "true"], capture_output=True).returncode != 0:
            self.skipTest("a network namespace needs root")
        inside = f"""
            ip link set lo up && echo '40000 40009' > /proc/sys/net/ipv4/ip_local_port_range || exit 77
            {lab_program()} serve async-loop --port 8000 > ready & server=$!
            until grep -q listening ready; do sleep 0.05; done
            timeout 20 {lab_program()} load http://127.0.0.1:8000/delay?ms=500 {" ".join(load)} --quiet; code=$?
            kill $server; wait $server; exit $code"""
        ran = subprocess.run(["unshare", "-n", "bash", "-c", inside], capture_output=True, text=True, cwd=self.work,
                             env=self.environment, timeout=60 * PATIENCE)
        if ran.returncode == 77:
            self.skipTest("the port range cannot be changed here")
        self.assertEqual(ran.returncode, code, ran)
        return ran.stdout or ran.stderr

    def test_more_connections_than_ports_are_refused_with_the_range(self):
        self.assertIn("40000 to 40009", self.in_a_small_network("-c", "30", "-n", "100", code=3))

    def test_descriptors_that_run_out_under_load_are_this_sides(self):
        server = self.answers(reply())
        # Who looks for leaks at the end needs descriptors.
        running = self.start("load", server.url(), "-c", "1", "--rate", "20", "--duration", "1500ms", "--connections", "fresh",
                             "--format", "json", "--quiet",
                             env={"ASAN_OPTIONS": f"{os.environ.get('ASAN_OPTIONS', '')}:detect_leaks=0".lstrip(":")})
        self.assertTrue(wait_until(lambda: server.requests, 10))
        resource.prlimit(running.pid, resource.RLIMIT_NOFILE, (3, 3))
        ran = self.finish(running)
        found = json.loads(ran.out)
        self.check_books(found)
        books = found["books"]
        self.assertEqual((ran.code, books["errors"]), (1, {}), ran)
        self.assertEqual(books["not_sent"], {"no_descriptors": books["unsent"]})
        self.assertGreater(books["unsent"], 10)
        self.assertIn("this side ran out of file descriptors", str(found["remarks"]))

    def test_ports_that_run_out_under_load_are_this_sides(self):
        found = json.loads(self.in_a_small_network("-n", "15", "-c", "1", "--rate", "100", "--format", "json", code=1))
        self.check_books(found)
        books = found["books"]
        self.assertEqual((books["ok"], books["errors"], books["not_sent"]), (10, {}, {"no_ports": 5}))
        self.assertIn("this side ran out of local ports", str(found["remarks"]))

    def test_ctrl_c_prints_what_there_is(self):
        server = self.answers(reply())
        for number, code in ((signal.SIGINT, 130), (signal.SIGTERM, 143)):
            running = self.start("load", server.url(), "-c", "2", "--duration", "60s", "--format", "json", "--quiet")
            self.assertTrue(wait_until(lambda: len(server.requests) > 50, 10))
            running.send_signal(number)
            ran = self.finish(running, within=5)
            found = json.loads(ran.out)
            self.assertEqual((ran.code, found["complete"]), (code, False))
            self.assertEqual(problems_of(found), [])
            self.check_books(found)
            server.requests.clear()


@unittest.skipUnless(shutil.which("openssl"), "openssl makes the certificates")
class Https(LoadCase):
    def setUp(self):
        super().setUp()
        self.pem, self.key = self.folder / "cert.pem", self.folder / "key.pem"
        subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes",
                        "-days", "1", "-subj", "/CN=test", "-addext", "subjectAltName=IP:127.0.0.1", "-keyout",
                        self.key, "-out", self.pem], check=True, capture_output=True)
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(self.pem, self.key)
        self.context = context

    def server(self, script=lambda _, connection: connection.sendall(reply(b"x" * 40_000))):
        return self.scripted(script, context=self.context)

    def test_a_trusted_certificate_is_load_like_any_other(self):
        found = self.load(self.server().url(), "-n", "50", "-c", "3", "--cacert", self.pem)
        self.assertEqual((found["books"]["ok"], found["connections_opened"]), (50, 3))
        self.assertGreater(found["bytes_received"], 50 * 40_000)

    def test_an_unknown_certificate_is_refused_and_named(self):
        ran = self.lab("load", self.server().url(), "-n", "5", code=3)
        self.assertIn("certificate is not trusted", ran.err)
        self.assertEqual(self.load(self.server().url(), "-n", "5", "--insecure")["books"]["ok"], 5)

    def test_a_certificate_for_another_host_is_refused(self):
        url = self.server().url().replace("127.0.0.1", "localhost")
        ran = self.lab("load", url, "-n", "5", "--cacert", self.pem, code=3)
        self.assertIn("certificate is not trusted", ran.err)

    def test_a_handshake_that_fails_is_no_fault_of_a_certificate_that_nobody_looks_at(self):
        self.context.maximum_version = ssl.TLSVersion.TLSv1_2
        self.context.load_verify_locations(self.pem)
        self.context.verify_mode = ssl.CERT_REQUIRED  # and this side has none
        ran = self.lab("load", self.server().url(), "-n", "5", "--insecure", code=3)
        self.assertIn("no TLS connection", ran.err)

    def test_a_server_without_tls_is_named(self):
        listener = socket.create_server(("127.0.0.1", 0))
        self.addCleanup(listener.close)

        def complain():
            with contextlib.suppress(OSError):
                while True:
                    with listener.accept()[0] as connection:
                        connection.sendall(b"HTTP/1.1 400 Bad Request\r\n\r\n")
        threading.Thread(target=complain, daemon=True).start()
        ran = self.lab("load", f"https://127.0.0.1:{listener.getsockname()[1]}/", "-n", "5", code=3, within=10)
        self.assertIn("no TLS connection", ran.err)


if __name__ == "__main__":
    unittest.main()
