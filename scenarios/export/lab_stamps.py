"""MAIN_.py's application with stamps: header fields of each reply that tell what its handler did, and when.

Times are time.monotonic_ns(). Lab-Held lists what the handler had to itself: the loop, or a thread of the pool.
"""
import os
import types
import urllib.parse
from contextvars import ContextVar
from functools import wraps
from inspect import isasyncgenfunction, iscoroutinefunction, isfunction, isgeneratorfunction
from shlex import split
from threading import get_ident
from time import monotonic_ns as now

import anyio.to_thread
import asyncio

request = ContextVar("request", default=None)  # whose Story the code that runs now belongs to
MOST_INTERVALS = 30
NEIGHBOURS = 50_000  # ns


class Story:
    """Of one request: when it was read, started and finished, and what it held from when to when."""

    def __init__(self, read):
        self.read, self.started, self.finished, self.held = read, 0, 0, {}

    def hold(self, what, begin, end):
        intervals = self.held.setdefault(what, [])
        if intervals and begin - intervals[-1][1] < NEIGHBOURS:
            intervals[-1][1] = end
        else:
            intervals.append([begin, end])

    def shorten(self):
        """The smallest gaps vanish until few enough intervals are left."""
        surplus = sum(map(len, self.held.values())) - MOST_INTERVALS
        gaps = sorted(((after[0] - before[1], what, after[0]) for what, intervals in self.held.items()
                       for before, after in zip(intervals, intervals[1:])))[:max(surplus, 0)]
        closed = {(what, begin) for _, what, begin in gaps}
        for what, intervals in self.held.items():
            kept = []
            for interval in intervals:
                if (what, interval[0]) in closed:
                    kept[-1][1] = interval[1]
                else:
                    kept.append(interval)
            self.held[what] = kept

    def fields(self):
        yield b"lab-worker", b"%d" % os.getpid()
        yield b"lab-read", b"%d" % self.read
        if self.finished:
            yield b"lab-started", b"%d" % self.started
            yield b"lab-finished", b"%d" % self.finished
        self.shorten()
        held = [f"{what} {begin}-{end}" for what, intervals in self.held.items() for begin, end in intervals]
        if held:
            yield b"lab-held", ", ".join(held).encode()


@types.coroutine
def watched(coroutine, story):
    """Awaits the coroutine, and notes each step between two suspensions: so long it has the loop."""
    step, value = coroutine.send, None
    while True:
        begin = now()
        try:
            awaited = step(value)
        except StopIteration as end:
            return end.value
        finally:
            story.hold("loop", begin, now())
        try:
            step, value = coroutine.send, (yield awaited)
        except BaseException as problem:
            step, value = coroutine.throw, problem


def watch(function, handler=False):
    """The function of a route or of a dependency, of the same kind as it was: FastAPI looks at that. What is neither a
    function nor a coroutine function (a generator, an object that is called) stays as it is."""
    if not isfunction(function) or isgeneratorfunction(function) or isasyncgenfunction(function):
        return function
    if iscoroutinefunction(function):
        @wraps(function)
        async def noted(*args, **kwargs):
            story = request.get()
            if story is None:
                return await function(*args, **kwargs)
            if not handler:
                return await watched(function(*args, **kwargs), story)
            story.started = now()
            try:
                return await watched(function(*args, **kwargs), story)
            finally:
                story.finished = now()
        return noted

    @wraps(function)
    def noted_in_thread(*args, **kwargs):
        story = request.get()
        if story is None or not handler:
            return function(*args, **kwargs)
        story.started = now()
        try:
            return function(*args, **kwargs)
        finally:
            story.finished = now()
    return noted_in_thread


def watch_pool():
    numbers, run = {}, anyio.to_thread.run_sync

    async def run_sync(function, *args, **kwargs):
        story = request.get()

        def noted(*args):
            begin = now()
            try:
                return function(*args)
            finally:
                story.hold(f"pool:{numbers.setdefault(get_ident(), len(numbers))}", begin, now())
        return await run(function if story is None else noted, *args, **kwargs)
    anyio.to_thread.run_sync = run_sync


def watch_tasks():
    """Of coroutines that a handler lets run beside itself."""
    gather, create_task = asyncio.gather, asyncio.create_task

    def of(coroutine):
        story = request.get()

        async def noted():
            return await watched(coroutine, story)
        return noted() if story is not None and asyncio.iscoroutine(coroutine) else coroutine
    asyncio.gather = lambda *awaitables, **kwargs: gather(*map(of, awaitables), **kwargs)
    asyncio.create_task = lambda coroutine, **kwargs: create_task(of(coroutine), **kwargs)


def watch_reading():
    """Remembers when the first bytes of a request came from the socket, where its ASGI scope can be found."""
    for name, protocol in (("httptools_impl", "HttpToolsProtocol"), ("h11_impl", "H11Protocol")):
        try:
            module = __import__(f"uvicorn.protocols.http.{name}", fromlist=[protocol])
        except ImportError:
            continue

        def data_received(self, data, receive=getattr(module, protocol).data_received):
            read = now()
            receive(self, data)
            if self.scope is not None:
                self.scope.setdefault("lab.read", read)
        getattr(module, protocol).data_received = data_received


def as_url(database):
    """libpq also knows `host=/tmp user=lab`; asyncpg wants a URL."""
    if not database or "://" in database:
        return database
    given = dict(word.split("=", 1) for word in split(database))
    name = given.pop("dbname", "")
    return f"postgresql:///{name}?{urllib.parse.urlencode(given)}"


if "DATABASE_URL" in os.environ:
    os.environ["DATABASE_URL"] = as_url(os.environ["DATABASE_URL"])
os.environ.setdefault("NO_PROXY", "127.0.0.1,localhost")
watch_reading()
watch_pool()
watch_tasks()

from MAIN_ import app as application  # noqa: E402  after what it may import has been prepared

for route in application.routes:
    if getattr(route, "dependant", None) is not None and hasattr(route, "methods"):
        route.dependant.call = watch(route.dependant.call, handler=True)
        for dependency in route.dependant.dependencies:
            dependency.call = watch(dependency.call)


async def app(scope, receive, send):
    if scope["type"] != "http":
        return await application(scope, receive, send)
    story = Story(scope.pop("lab.read", None) or now())
    request.set(story)

    async def stamped(message):
        if message["type"] == "http.response.start":
            message["headers"] = [*message["headers"], *story.fields()]
        await send(message)
    return await application(scope, receive, stamped)
