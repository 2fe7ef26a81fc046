"""What the tests of lab load share: servers whose every reply is scripted, and the checks that every document gets."""
import contextlib
import json
import socket
import ssl
import threading

from labcase import ROOT, LabCase


def problems_of(document):
    """What the schema has against a document of lab load."""
    import jsonschema
    schema = json.loads((ROOT / "results/schema/load.schema.json").read_text())
    kind = jsonschema.validators.validator_for(schema)
    kind.check_schema(schema)
    return [problem.message for problem in kind(schema).iter_errors(document)]


def reply(body=b"ok", status="200 OK", *fields):
    head = [f"HTTP/1.1 {status}", f"Content-Length: {len(body)}", *fields]
    return "\r\n".join(head).encode() + b"\r\n\r\n" + body


class Scripted:
    """A server with one thread per connection; `script(request, connection)` sends what it likes. It returns False to
    close the connection."""

    def __init__(self, script, context=None, backlog=512):
        self.script, self.context, self.requests, self.connections = script, context, [], 0
        self.listener = socket.create_server(("127.0.0.1", 0), backlog=backlog)
        self.port = self.listener.getsockname()[1]
        self.over = False
        threading.Thread(target=self.accept, daemon=True).start()

    def url(self, target="/"):
        return f"{'https' if self.context else 'http'}://127.0.0.1:{self.port}{target}"

    def accept(self):
        while not self.over:
            with contextlib.suppress(OSError):
                connection, _ = self.listener.accept()
                self.connections += 1
                threading.Thread(target=self.serve, args=(connection,), daemon=True).start()

    def serve(self, connection):
        with contextlib.suppress(OSError, ssl.SSLError):
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            if self.context:
                connection = self.context.wrap_socket(connection, server_side=True)
            with connection:
                waiting = b""
                while True:
                    while b"\r\n\r\n" not in waiting:
                        data = connection.recv(65536)
                        if not data:
                            return
                        waiting += data
                    head, _, rest = waiting.partition(b"\r\n\r\n")
                    length = next((int(line.split(b":")[1]) for line in head.split(b"\r\n")
                                   if line.lower().startswith(b"content-length:")), 0)
                    while len(rest) < length:
                        rest += connection.recv(65536)
                    waiting = rest[length:]
                    request = (head + b"\r\n\r\n" + rest[:length]).decode()
                    self.requests.append(request)
                    if self.script(request, connection) is False:
                        return

    def close(self):
        self.over = True
        with contextlib.suppress(OSError):
            self.listener.shutdown(socket.SHUT_RDWR)
        self.listener.close()


class LoadCase(LabCase):
    def scripted(self, script, **options):
        server = Scripted(script, **options)
        self.addCleanup(server.close)
        return server

    def answers(self, *what):
        """A server that always sends these bytes."""
        def script(_, connection):
            connection.sendall(b"".join(what))
        return self.scripted(script)

    def load(self, *args, code=0, **options):
        """The JSON document; its schema and its books are checked each time."""
        document = self.lab_json("load", *args, "--quiet", code=code, **options)
        self.assertEqual(problems_of(document), [])
        self.check_books(document)
        return document

    def check_books(self, document):
        books = document["books"]
        self.assertEqual(books["planned"], books["sent"] + books["unsent"], books)
        self.assertEqual(books["sent"], books["ok"] + sum(books["errors"].values()) + books["unfinished"], books)
        self.assertLessEqual(sum(books["not_sent"].values()), books["unsent"], books)
        self.assertEqual(document["latency_s"]["n"], books["ok"])
        self.assertEqual(document["error_latency_s"]["n"], sum(document["statuses"].values()) - books["ok"])
        self.assertEqual(books["errors"].get("closed", 0), sum(document["closed"].values()), document["closed"])

    def serve(self):
        """The port and pid of an async-loop server."""
        process = self.start("serve", "async-loop", "--port", "0")
        words = process.stdout.readline().split()
        return int(words[2].rsplit(":", 1)[1]), int(words[4].partition("=")[2])
