"""The servers of the blind trial, and of the tests of `lab diagnose`: how each is started, and what it is.

Every server has a slow route that waits 50 ms (or computes) and a cheap one, /ping.
"""
import contextlib
import os
import signal
import socket
import subprocess
import tempfile
import time
import urllib.request
from dataclasses import dataclass, field
from pathlib import Path

PYTHON = "/usr/bin/python3"
WAIT, COMPUTE = "/delay?ms=50", "/cpu?ms=40"

FASTAPI = '''
import asyncio, time
from fastapi import FastAPI
from fastapi.concurrency import run_in_threadpool
app = FastAPI()
@app.get("/sleep")
async def sleep(): time.sleep(0.05)
@app.get("/await")
async def awaits(): await asyncio.sleep(0.05)
@app.get("/def")
def in_pool(): time.sleep(0.05)
@app.get("/offload")
async def offload(): await run_in_threadpool(time.sleep, 0.05)
def burn():
    end = time.thread_time() + 0.06
    while time.thread_time() < end: pass
@app.get("/burn")
async def burn_loop(): burn()
@app.get("/burn-def")
def burn_pool(): burn()
@app.get("/ping")
async def ping(): return "pong"
'''

NODE = '''
const http = require("http");
http.createServer((request, response) => {
  if (request.url === "/wait") return setTimeout(() => response.end("ok"), 50);
  if (request.url === "/block") Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 50);
  if (request.url === "/burn") { let sum = 0; for (let i = 0; i < 4e7; ++i) sum += i % 7; }
  response.end("ok");
}).listen(Number(process.argv[2]), "127.0.0.1");
'''

HTTPLIB = '''
#include <httplib.h>
int main(int, char** argv) {
  httplib::Server server;
  server.new_task_queue = [] { return new httplib::ThreadPool(8); };
  server.Get("/wait", [](const httplib::Request&, httplib::Response& response) {
    std::this_thread::sleep_for(std::chrono::milliseconds(50));
    response.set_content("ok", "text/plain");
  });
  server.Get("/ping", [](const httplib::Request&, httplib::Response& r) { r.set_content("ok", "text/plain"); });
  server.listen("127.0.0.1", std::stoi(argv[1]));
}
'''

WSGI = '''
import time
def app(environ, start_response):
    if environ["PATH_INFO"] == "/wait": time.sleep(0.05)
    start_response("200 OK", [("Content-Length", "2")])
    return [b"ok"]
'''


ONE_BY_ONE = '''
import http.server, sys, time
class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        if self.path == "/wait": time.sleep(0.02)
        self.send_response(200)
        self.send_header("Content-Length", "2")
        self.end_headers()
        self.wfile.write(b"ok")
    def log_message(self, *_): pass
http.server.HTTPServer(("127.0.0.1", int(sys.argv[1])), Handler).serve_forever()  # a backlog of 5
'''


@dataclass
class Kind:
    """One kind of server. The true answers: what may be said of it; None: anything."""
    name: str
    command: list
    route: str
    execution: tuple
    parallelism: tuple = None
    bound_by: str = "waiting"
    blocked: bool = None
    files: dict = field(default_factory=dict)
    ping: bool = True


def native(mode, route, *answers, workers=1, threads=None, **more):
    extra = (["--workers", str(workers)] if workers > 1 else []) + (["--threads", str(threads)] if threads else [])
    label = f"{mode}{f' W={workers}' if workers > 1 else ''}{f' k={threads}' if threads else ''}"
    cpu = " cpu" if route == COMPUTE else ""
    return Kind(label + cpu, ["{lab}", "serve", mode, "--port", "{port}", *extra], route, *answers,
                bound_by="cpu" if cpu else "waiting", **more)


def uvicorn(name, route, *answers, workers=1, **more):
    command = [PYTHON, "-m", "uvicorn", "main:app", "--port", "{port}", "--log-level", "warning", "--workers", str(workers)]
    return Kind(f"FastAPI {name}{f' W={workers}' if workers > 1 else ''}", command, route, *answers,
                files={"main.py": FASTAPI}, **more)


def gunicorn(name, worker, workers, files, route, *answers, **more):
    command = [PYTHON, "-m", "gunicorn", "main:app", "-b", "127.0.0.1:{port}", "-w", str(workers), "--log-level", "error",
               "-k", worker]
    return Kind(f"gunicorn {name} W={workers}", command, route, *answers, files={"main.py": files}, **more)


def kinds(cores):
    """All of them. On one core nothing computes beside anything else."""
    serial, pool, workers, concurrent = ("serial",), ("pool",), ("workers",), ("concurrent",)
    many = ("pool", "concurrent")
    return [
        native("blocking-loop", WAIT, serial, (1,), blocked=True),
        native("blocking-loop", WAIT, workers, (2,), workers=2, blocked=True),
        native("blocking-loop", WAIT, workers, (4,), workers=4, blocked=True),
        native("async-loop", WAIT, concurrent, blocked=False),
        native("async-loop", WAIT, concurrent, workers=2, blocked=False),
        native("async-loop", WAIT, concurrent, workers=4, blocked=False),
        native("thread-pool", WAIT, pool, (40,), blocked=False),
        native("thread-pool", WAIT, pool, (8,), threads=8, blocked=False),
        native("thread-pool", WAIT, pool, (4,), threads=4, blocked=False),
        native("thread-pool", WAIT, pool, (8,), threads=4, workers=2, blocked=False),
        native("offload", WAIT, pool, (40,), blocked=False),
        native("offload", WAIT, pool, (8,), threads=8, blocked=False),
        native("thread-per-request", WAIT, pool, (40,), blocked=False),
        native("thread-per-request", WAIT, pool, (8,), threads=8, blocked=False),
        native("thread-per-request", WAIT, pool, (2,), threads=2, blocked=False),
        native("task-queue", WAIT, concurrent, blocked=False),
        native("blocking-loop", COMPUTE, serial, (1,), blocked=True),
        native("async-loop", COMPUTE, serial, (1,), blocked=True),
        native("blocking-loop", COMPUTE, workers, None, workers=2, blocked=True),
        native("thread-pool", COMPUTE, many, (cores,), threads=8, blocked=False),
        uvicorn("async def + time.sleep", "/sleep", serial, (1,), blocked=True),
        uvicorn("async def + asyncio.sleep", "/await", concurrent, blocked=False),
        uvicorn("def", "/def", pool, (40,), blocked=False),
        uvicorn("run_in_threadpool", "/offload", pool, (40,), blocked=False),
        uvicorn("async def computing", "/burn", serial, (1,), bound_by="cpu", blocked=True),
        uvicorn("def computing", "/burn-def", serial, (1,), bound_by="cpu", blocked=False),
        uvicorn("async def + time.sleep", "/sleep", workers, (2,), workers=2, blocked=True),
        uvicorn("async def + time.sleep", "/sleep", workers, (4,), workers=4, blocked=True),
        uvicorn("async def + asyncio.sleep", "/await", concurrent, workers=2, blocked=False),
        uvicorn("def", "/def", many, workers=2, blocked=False),
        gunicorn("uvicorn", "uvicorn.workers.UvicornWorker", 2, FASTAPI, "/sleep", workers, (2,), blocked=True),
        gunicorn("sync", "sync", 4, WSGI, "/wait", ("workers", "pool"), (4,)),
        Kind("node setTimeout", ["node", "main.js", "{port}"], "/wait", concurrent, blocked=False, files={"main.js": NODE}),
        Kind("node blocked", ["node", "main.js", "{port}"], "/block", serial, (1,), blocked=True, files={"main.js": NODE}),
        Kind("node computing", ["node", "main.js", "{port}"], "/burn", serial, (1,), bound_by="cpu", blocked=True,
             files={"main.js": NODE}),
        Kind("http.server", [PYTHON, "main.py", "{port}"], "/wait", serial, (1,), blocked=True, files={"main.py": ONE_BY_ONE}),
        Kind("cpp-httplib k=8", ["./main", "{port}"], "/wait", pool, (8,), files={"main.cpp": HTTPLIB}, blocked=False),
    ]


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def build(folder):
    """Compiles what is C++; cpp-httplib's flags matter, its Request's layout differs without them."""
    flags = subprocess.run(["pkg-config", "--cflags", "--libs", "cpp-httplib"], capture_output=True, text=True, check=True)
    subprocess.run(["g++", "-O1", "-pthread", "main.cpp", "-o", "main", *flags.stdout.split()], cwd=folder, check=True)


@contextlib.contextmanager
def running(kind, lab, environment=None):
    """Starts the server in a folder of its own; yields its port; ends all of its processes."""
    with tempfile.TemporaryDirectory(prefix="lab-blind-") as folder:
        for name, text in kind.files.items():
            Path(folder, name).write_text(text)
        if "main.cpp" in kind.files:
            build(folder)
        port = free_port()
        command = [part.format(lab=lab, port=port) for part in kind.command]
        server = subprocess.Popen(command, cwd=folder, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
                                  start_new_session=True, env=environment)
        try:
            await_reply(port, server)
            yield port
        finally:
            stop(server)


def await_reply(port, server, seconds=60):
    end = time.monotonic() + seconds
    while time.monotonic() < end and server.poll() is None:
        with contextlib.suppress(OSError):
            urllib.request.urlopen(f"http://127.0.0.1:{port}/ping", timeout=2).close()
            time.sleep(1.0 if "uvicorn" in str(server.args) or "gunicorn" in str(server.args) else 0)  # the other workers
            return
        time.sleep(0.05)
    raise RuntimeError(f"{server.args} does not answer")


def stop(server):
    for number, patience in ((signal.SIGTERM, 5), (signal.SIGKILL, 5)):
        with contextlib.suppress(ProcessLookupError):
            os.killpg(server.pid, number)
        with contextlib.suppress(subprocess.TimeoutExpired):
            server.wait(patience)
            break
    with contextlib.suppress(ProcessLookupError):
        os.killpg(server.pid, signal.SIGKILL)
