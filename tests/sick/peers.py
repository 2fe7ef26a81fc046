"""What the sick apps wait for: services that answer after 50 ms, in threads of this process. Each yields the environment of its app."""
import contextlib
import os
import socket
import struct
import tempfile
import threading
import time
from pathlib import Path

WAIT = 0.05


@contextlib.contextmanager
def listening(serve):
    """A TCP server of this machine, which calls serve(connection) in a thread for each; its port."""
    with socket.create_server(("127.0.0.1", 0), backlog=256) as listener:
        def each(connection):
            with connection, contextlib.suppress(OSError):
                serve(connection)

        def accept():
            with contextlib.suppress(OSError):
                while True:
                    threading.Thread(target=each, args=listener.accept()[:1], daemon=True).start()
        threading.Thread(target=accept, daemon=True).start()
        try:
            yield listener.getsockname()[1]
        finally:
            listener.shutdown(socket.SHUT_RDWR)  # accept returns


@contextlib.contextmanager
def upstream():
    """HTTP."""
    def serve(connection):
        while connection.recv(65536):
            time.sleep(WAIT)
            connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nrows")
    with listening(serve) as port:
        yield {"UPSTREAM": f"http://127.0.0.1:{port}/"}


def _message(kind, body=b""):
    return kind + struct.pack("!i", len(body) + 4) + body


@contextlib.contextmanager
def database():
    """So much of PostgreSQL's protocol as psycopg2 speaks: everybody may come in, and each pg_sleep takes 50 ms. A server of its own
    would take seconds to start, and can't be root's. https://www.postgresql.org/docs/15/protocol-message-formats.html"""
    ready = _message(b"Z", b"I")
    settings = b"".join(_message(b"S", name + b"\0" + value + b"\0") for name, value in (
        (b"server_version", b"15.0"), (b"client_encoding", b"UTF8"), (b"DateStyle", b"ISO, MDY"), (b"integer_datetimes", b"on"),
        (b"standard_conforming_strings", b"on")))

    def serve(connection):
        stream = connection.makefile("rb")
        stream.read(struct.unpack("!i", stream.read(4))[0] - 4)
        connection.sendall(_message(b"R", struct.pack("!i", 0)) + settings + ready)
        while (kind := stream.read(1)) not in (b"", b"X"):
            text = stream.read(struct.unpack("!i", stream.read(4))[0] - 4)
            if kind == b"Q":
                time.sleep(WAIT if b"pg_sleep" in text else 0)
                connection.sendall(_message(b"C", b"SET\0") + ready)
    with listening(serve) as port:
        yield {"DATABASE": f"host=127.0.0.1 port={port} user=lab dbname=lab sslmode=disable gssencmode=disable"}


@contextlib.contextmanager
def resolver():
    """What slow_resolver.c asks: answers any datagram."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as door:
        door.bind(("127.0.0.1", 0))

        def serve():
            with contextlib.suppress(OSError):
                while True:
                    sender = door.recvfrom(512)[1]
                    time.sleep(WAIT)
                    door.sendto(b"127.0.0.1", sender)
        threading.Thread(target=serve, daemon=True).start()
        yield {"SLOW_DNS": str(door.getsockname()[1])}


@contextlib.contextmanager
def log_reader():
    """A FIFO, from which somebody reads 100 KB each 50 ms."""
    with tempfile.TemporaryDirectory(prefix="lab-sick-") as folder:
        path = f"{folder}/log"
        os.mkfifo(path)
        fd = os.open(path, os.O_RDWR)  # never at its end, whoever comes and goes
        over = threading.Event()

        def read():
            while not over.wait(WAIT):
                with contextlib.suppress(BlockingIOError):
                    taken = 0
                    while taken < 100_000:
                        taken += len(os.read(fd, 100_000 - taken))
        os.set_blocking(fd, False)
        reader = threading.Thread(target=read)
        reader.start()
        try:
            yield {"LOG_PIPE": path}
        finally:
            over.set()
            reader.join()
            os.close(fd)


@contextlib.contextmanager
def big_file():
    """200 MB, all of them zero, which take no room."""
    with tempfile.TemporaryDirectory(prefix="lab-sick-") as folder:
        path = Path(folder) / "big.txt"
        path.touch()
        os.truncate(path, 200_000_000)
        yield {"BIG_FILE": str(path)}
