"""What `lab diagnose` puts into a Python server: how late its event loop is and where, what its threads are in, who waits for whom.

Python imports it as sitecustomize because its folder stands first in PYTHONPATH; the sitecustomize behind it runs all the same. It
writes lines of JSON into the folder that LAB_INSIDE names, prints nothing, and breaks nothing: what fails here is written down and
let be. Nothing runs in a process that neither runs an event loop nor accepts a connection.
"""
import os
import sys

FOLDER = os.environ.get("LAB_INSIDE")
HERE = os.path.dirname(os.path.abspath(__file__))


def chain():
    """Runs the sitecustomize that this one stands in front of."""
    sys.path[:] = [path for path in sys.path if os.path.abspath(path) != HERE]
    mine = sys.modules.pop("sitecustomize")
    try:
        __import__("sitecustomize")
    except ImportError:
        if getattr(sys.exc_info()[1], "name", "sitecustomize") != "sitecustomize":
            raise
    finally:
        sys.modules.setdefault("sitecustomize", mine)


def begin():
    if sys.version_info < (3, 9):
        with open(os.path.join(FOLDER, "%d.jsonl" % os.getpid()), "a") as file:
            file.write('{"kind": "error", "text": "it knows Python 3.9 and later, and this is %d.%d"}\n' % sys.version_info[:2])
        return
    import _thread
    import json
    from time import monotonic_ns as clock
    from time import sleep
    from time import thread_time_ns as spent

    ms = 1000000
    tick = 10 * ms       # of the watchdog
    beat = 20 * ms       # of the loop's heartbeat
    late_from = 5 * ms   # beyond its time
    gather = 50 * ms     # samples of one stack become a line
    look_every = 100 * ms
    share = 200          # at most one part in so many of the time goes into looking at threads and tasks
    max_lines = 20000
    max_frames = 30
    errors_left = [5]
    lines_left = [max_lines]
    own = [None, None, None]  # process, descriptor, the file's status

    def write(kind, **values):
        if lines_left[0] <= 0:
            return
        lines_left[0] -= 1
        values["kind"] = kind
        line = (json.dumps(values) + "\n").encode()
        os.write(descriptor(), line)

    def descriptor():
        """The file of this process. It stays open: a server that gives up its rights could not open it again."""
        process, fd, file = own
        if process == os.getpid():
            try:
                # A server that becomes a daemon closes what it does not know, and gives its number to another file.
                if os.path.samestat(os.fstat(fd), file):
                    return fd
            except OSError:
                pass
        fd = os.open(os.path.join(FOLDER, "%d.jsonl" % os.getpid()), os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o600)
        own[:] = os.getpid(), fd, os.fstat(fd)
        return fd

    def fail(doing):
        error = sys.exc_info()[1]
        if errors_left[0] > 0:
            errors_left[0] -= 1
            try:
                write("error", text="%s: %s: %s" % (doing, type(error).__name__, error))
            except Exception:
                lines_left[0] = 0  # the folder is gone, or is somebody else's

    def hello(loop, thread):
        write("hello", language="python", version="%d.%d.%d" % sys.version_info[:3], pid=os.getpid(), loop=loop, thread=thread,
              cwd=os.getcwd(), libraries=[sys.prefix, sys.base_prefix])

    # --- Stacks.

    def place_of(frame):
        return [frame.f_code.co_filename, frame.f_lineno, frame.f_code.co_name]

    def frames_from(frame):
        frames = []
        while frame is not None and len(frames) < max_frames:
            frames.append(frame)
            frame = frame.f_back
        return frames

    def key_of(frames):
        return tuple((id(frame.f_code), frame.f_lineno) for frame in frames)

    def handler_of(frames):
        """The function behind the route, where a framework makes a reply of what it returned."""
        if not any(frame.f_code.co_name == "serialize_response" or frame.f_code.co_filename.endswith(replies) for frame in frames):
            return None
        for frame in frames:
            if frame.f_code.co_name == "handle" and frame.f_code.co_filename.endswith("starlette/routing.py"):
                endpoint = getattr(frame.f_locals.get("self"), "endpoint", None)
                code = getattr(endpoint, "__code__", None)
                if code is not None:
                    return [code.co_filename, code.co_firstlineno, code.co_name]
        return None

    replies = ("fastapi/encoders.py", "fastapi/responses.py", "starlette/responses.py")
    waits = ("threading.py", "queue.py", "selectors.py", "socket.py", "ssl.py")  # how a thread waits, whatever for
    servers = {("thread.py", "_worker"), ("_asyncio.py", "run"), ("socketserver.py", "serve_forever"),
               ("socketserver.py", "get_request"), ("server.py", "handle_one_request"), ("base_events.py", "_run_once"),
               ("process.py", "_process_worker"), ("simple_server.py", "handle"), ("sitecustomize.py", "run_forever")}
    idle_in = ("/gunicorn/", "/uvicorn/", "/waitress/", "/multiprocessing/", "/werkzeug/_reloader")

    def is_idle(frames):
        """It waits for work, not for what a request needs."""
        for frame in frames:
            file = frame.f_code.co_filename
            name = os.path.basename(file)
            if name not in waits:
                return (name, frame.f_code.co_name) in servers or any(part in file for part in idle_in)
        return True

    # --- The loop: a heartbeat on it, and its stack while that is late.

    class Loop:
        def __init__(self, loop):
            self.loop = loop
            self.ident = _thread.get_ident()
            self.thread = _thread.get_native_id()
            self.due = self.sampled = clock()
            self.key = self.line = None
            self.handle = loop.call_soon(self.beat)

        def beat(self):
            self.due = clock() + beat
            self.handle = self.loop.call_later(beat / 1e9, self.beat)

        def end(self):
            self.handle.cancel()
            self.flush()

        def flush(self):
            line, self.line, self.key = self.line, None, None
            if line is not None:
                write("late", **line)

        def look(self, frames, now):
            if now - self.due > late_from:
                self.sample(frames(), now)
            elif self.line is not None:
                self.flush()

        def sample(self, by_thread, now):
            since = max(self.sampled, self.due)
            self.sampled = now
            stack = frames_from(by_thread.get(self.ident))
            key = key_of(stack)
            if key != self.key:
                self.flush()
                self.key = key
                self.line = {"at_ns": now, "late_ns": 0, "thread": self.thread, "samples": 0, "began_ns": since,
                             "stack": [place_of(frame) for frame in stack]}
                handler = handler_of(stack)
                if handler is not None:
                    self.line["handler"] = handler
            self.line["at_ns"] = now
            self.line["late_ns"] += now - since
            self.line["samples"] += 1
            if now - self.line["began_ns"] > gather:
                self.flush()

    # --- Threads, pools and locks, while anybody waits or works.

    def threads_by_ident():
        threading = sys.modules.get("threading")
        return dict(getattr(threading, "_active", {})) if threading else {}

    def look_at_threads(by_thread, loops):
        """What those are in that do something, together where they do the same."""
        known = threads_by_ident()
        groups = {}
        for ident, frame in by_thread.items():
            if ident == probe.ident or ident in loops:
                continue
            frames = frames_from(frame)
            if is_idle(frames):
                continue
            key = key_of(frames)
            thread = known.get(ident)
            native = getattr(thread, "native_id", None) or 0
            if key in groups:
                groups[key]["count"] += 1
                groups[key]["all"].append(native)
            else:
                groups[key] = {"thread": native, "name": getattr(thread, "name", ""), "count": 1, "all": [native],
                               "stack": [place_of(each) for each in frames]}
        return sorted(groups.values(), key=lambda group: -group["count"])[:20]

    def pools(frames):
        """Each pool of threads that somebody waits for: name, limit, taken, waiting."""
        module = sys.modules.get("concurrent.futures.thread")
        queues = {}
        for thread, queue in list(getattr(module, "_threads_queues", {}).items()):
            queues.setdefault(id(queue), (queue, []))[1].append(thread)
        for queue, threads in queues.values():
            waiting = queue.qsize()
            if waiting > 0 and not any(is_idle(frames_from(frames().get(thread.ident))) for thread in threads):
                yield "ThreadPoolExecutor", len(threads), len(threads), waiting
        for values in list(getattr(sys.modules.get("anyio.lowlevel"), "_run_vars", {}).values()):
            for limiter in list(values.values()):
                if hasattr(limiter, "total_tokens") and hasattr(limiter, "statistics"):
                    said = limiter.statistics()
                    if said.tasks_waiting > 0:
                        yield "anyio's thread limiter", int(min(said.total_tokens, 1 << 30)), said.borrowed_tokens, said.tasks_waiting

    def chain_of(task):
        """The frames of a task that waits, innermost first."""
        frames = []
        coroutine = task.get_coro()
        while coroutine is not None and len(frames) < max_frames:
            frame = getattr(coroutine, "cr_frame", None) or getattr(coroutine, "gi_frame", None)
            if frame is None:
                break
            frames.append(frame)
            coroutine = getattr(coroutine, "cr_await", None) or getattr(coroutine, "gi_yieldfrom", None)
        frames.reverse()
        return frames

    def look_at_tasks(loop, now):
        """Tasks that wait for an asyncio.Lock, a semaphore or a pool made of a queue, and those that are behind it."""
        asyncio = sys.modules.get("asyncio")
        if asyncio is None:
            return
        chains = [chain_of(task) for task in asyncio.all_tasks(loop.loop)]
        waiting = {}
        for frames in chains:
            outer = next((place for place, frame in enumerate(frames)
                          if os.path.basename(frame.f_code.co_filename) not in ("locks.py", "queues.py")), 0)
            if outer == 0:
                continue
            own = frames[outer - 1].f_locals.get("self")
            if own is not None:
                waiting.setdefault(id(own), (own, outer, []))[2].append(frames)
        for own, outer, waiters in waiting.values():
            if len(waiters) < 2 or type(own).__name__ in ("Event", "Condition"):  # nobody holds those
                continue
            code = waiters[0][outer].f_code
            names = [frame.f_code for frame in waiters[0][outer:]]
            if "asyncpg" in code.co_filename or type(own).__name__ not in ("Lock", "Semaphore", "BoundedSemaphore"):
                name = "a pool's %s" % type(own).__name__
            else:
                name = "asyncio.%s" % type(own).__name__
            held_by = None
            for frames in chains:
                codes = [frame.f_code for frame in frames]
                # Whoever is in the function that takes it, and is not waiting for it.
                if any(each in names[:3] for each in codes) and not any(frames is each for each in waiters):
                    held_by = [place_of(frame) for frame in frames]
                    break
            write("lock", at_ns=now, name=name, waiting=len(waiters), held_by=held_by,
                  waiters=[[place_of(frame) for frame in waiters[0]]])

    class Probe:
        def __init__(self):
            self.reset()

        def reset(self):
            self.pid = self.ident = None
            self.loops = {}  # by thread
            self.next_look = self.next_pools = 0
            self.is_busy = False

        def start(self):
            """The watchdog: one a process, without threading, so that nobody counts it."""
            if self.pid != os.getpid():
                self.pid = os.getpid()
                self.ident = _thread.start_new_thread(self.watch, ())

        def watch(self):
            self.ident = _thread.get_ident()
            while True:
                # Less often while there is nothing to see.
                sleep((tick if self.is_busy else 2 * tick) / 1e9)
                try:
                    self.look(clock())
                except Exception:
                    fail("the watchdog")
                    if errors_left[0] == 0:
                        return

        def look(self, now):
            seen = []

            def frames():
                if not seen:
                    seen.append(sys._current_frames())
                return seen[0]
            for loop in list(self.loops.values()):
                loop.look(frames, now)
            self.is_busy = bool(seen)
            if now >= self.next_pools:
                for name, limit, taken, waiting in pools(frames):
                    write("pool", at_ns=now, what="threads", name=name, limit=limit, taken=taken, waiting=waiting, holders=[])
                    self.next_pools = now + gather
            if now < self.next_look:
                return
            began = spent()
            stacks = look_at_threads(frames(), self.loops)
            if stacks:
                write("threads", at_ns=now, stacks=stacks)
            for loop in list(self.loops.values()):
                look_at_tasks(loop, now)
            self.next_look = now + max(look_every, share * (spent() - began))

        def begin_loop(self, loop, name):
            self.start()
            watched = self.loops[_thread.get_ident()] = Loop(loop)
            hello(name, watched.thread)
            return watched

        def end_loop(self, watched):
            self.loops.pop(watched.ident, None)
            watched.end()

    probe = Probe()

    def in_child():
        was = probe.pid
        errors_left[0] = 5
        lines_left[0] = max_lines
        probe.reset()
        try:
            if was is not None:
                hello(None, _thread.get_native_id())
                probe.start()
        except Exception:
            fail("after a fork")

    # --- Hooks: put in when a module is imported, so that nothing is imported that the server does not import itself.

    def watch_loops(cls, name):
        original = cls.run_forever

        def run_forever(self):
            watched = None
            try:
                watched = probe.begin_loop(self, name)
            except Exception:
                fail("the loop's heartbeat")
            try:
                return original(self)
            finally:
                if watched is not None:
                    try:
                        probe.end_loop(watched)
                    except Exception:
                        fail("the loop's end")
        cls.run_forever = run_forever

    def watch_accepts(module):
        original = module.socket.accept

        def accept(self):
            module.socket.accept = original
            try:
                if probe.pid != os.getpid():
                    hello(None, _thread.get_native_id())
                    probe.start()
            except Exception:
                fail("the watchdog's start")
            return original(self)
        module.socket.accept = accept

    hooks = {"asyncio.base_events": lambda module: watch_loops(module.BaseEventLoop, "asyncio"),
             "uvloop": lambda module: watch_loops(module.Loop, "uvloop"),
             "socket": watch_accepts}

    class Finder:
        """Finds as the others do, and puts a hook behind the module's own code."""
        @staticmethod
        def find_spec(name, path=None, target=None):
            hook = hooks.get(name)
            if hook is None:
                return None
            for finder in sys.meta_path:
                find = getattr(finder, "find_spec", None)
                spec = find(name, path, target) if finder is not Finder and find else None
                if spec is None:
                    continue
                execute = getattr(spec.loader, "exec_module", None)
                if execute is not None:
                    def exec_module(module):
                        execute(module)
                        put_in(hook, module)
                    spec.loader.exec_module = exec_module
                return spec
            return None

    def put_in(hook, module):
        try:
            hook(module)
        except Exception:
            fail("a hook in %s" % module.__name__)

    try:
        hello(None, _thread.get_native_id())
        for name, hook in hooks.items():
            if name in sys.modules:
                put_in(hook, sys.modules[name])
        sys.meta_path.insert(0, Finder)
        os.register_at_fork(after_in_child=in_child)
    except Exception:
        fail("the probe's begin")


try:
    chain()
finally:
    # Whatever the other one raises is its own affair, and Python says so as it would have done.
    try:
        if FOLDER and hasattr(sys, "_current_frames"):
            begin()
    except Exception:  # noqa: S110
        pass
