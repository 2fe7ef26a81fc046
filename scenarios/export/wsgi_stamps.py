"""MAIN_.py's application with stamps: header fields of each reply that tell what its handler did, and when.

Times are time.monotonic_ns(). Lab-Held names the thread that the request had to itself.
"""
import os
import threading
from time import monotonic_ns as now

from gunicorn.http.unreader import SocketUnreader

thread = threading.local()
numbers = {}


def chunk(self, receive=SocketUnreader.chunk):
    data = receive(self)
    if data and getattr(thread, "read", None) is None:
        thread.read = now()
    return data


SocketUnreader.chunk = chunk
os.environ.setdefault("NO_PROXY", "127.0.0.1,localhost")

from MAIN_ import app as application  # noqa: E402


def app(environ, start_response):
    read, begin = getattr(thread, "read", None), now()
    number = numbers.setdefault(threading.get_ident(), len(numbers))

    def stamped(status, headers, *problem):
        end = now()
        return start_response(status, [
            *headers, ("Lab-Worker", str(os.getpid())), ("Lab-Read", str(read or begin)), ("Lab-Started", str(begin)),
            ("Lab-Finished", str(end)), ("Lab-Held", f"thread:{number} {read or begin}-{end}")], *problem)
    try:
        return application(environ, stamped)
    finally:
        thread.read = None
