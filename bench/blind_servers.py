"""The servers of the blind trial, and of the tests of `lab diagnose`: how each is started, and what it is.

Every server has a slow route that waits 50 ms (or computes) and a cheap one, /ping.
"""
import contextlib
import os
import shutil
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

POOL_OF_FOUR = FASTAPI.replace("async def ping()", "def ping()") + '''
from anyio.lowlevel import RunVar
from anyio import CapacityLimiter
@app.on_event("startup")
def four(): RunVar("_default_thread_limiter").set(CapacityLimiter(4))
'''

NODE = '''
const http = require("http");
const block = (ms) => Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, ms);
const [port, pause] = process.argv.slice(2).map(Number);
let inFlight = 0, tokens = 20, asked = 0;
setInterval(() => { tokens = Math.min(20, tokens + 1); }, 100);
if (pause) setInterval(() => block(2000), pause);
const routes = {
  "/wait": (end) => setTimeout(end, 50),
  "/block": (end) => { block(50); end(); },
  "/burn": (end) => { let sum = 0; for (let i = 0; i < 4e7; ++i) sum += i % 7; end(); },
  "/part": (end) => setTimeout(() => { block(10); end(); }, 90),
  "/half": (end) => setTimeout(() => { block(30); end(); }, 30),
  "/sometimes": (end) => { if (Math.random() < 0.1) { block(200); end(); } else setTimeout(end, 50); },
  "/eight": (end) => {
    if (inFlight >= 8) return end(503);
    ++inFlight;
    setTimeout(() => { --inFlight; end(); }, 50);
  },
  "/rate": (end) => { if (tokens < 1) return end(429); --tokens; setTimeout(end, 20); },
  "/warm": (end) => setTimeout(end, asked++ === 0 ? 302 : 25),
};
http.createServer((request, response) => {
  const route = routes[request.url] || ((end) => end());
  route((status = 200) => { response.statusCode = status; response.end("ok"); });
}).listen(port, "127.0.0.1");
'''

JAVA = '''
import com.sun.net.httpserver.*;
import java.net.*;
import java.util.concurrent.*;
public class Main {
  static void route(HttpServer server, String path, Callable<Object> work) {
    server.createContext(path, exchange -> {
      try { work.call(); } catch (Exception e) { throw new java.io.IOException(e); }
      exchange.sendResponseHeaders(200, 2);
      exchange.getResponseBody().write("ok".getBytes());
      exchange.close();
    });
  }
  public static void main(String[] args) throws Exception {
    HttpServer server = HttpServer.create(new InetSocketAddress("127.0.0.1", Integer.parseInt(args[0])), 256);
    server.setExecutor(args[1].equals("0") ? Executors.newCachedThreadPool() : Executors.newFixedThreadPool(Integer.parseInt(args[1])));
    route(server, "/wait", () -> { Thread.sleep(50); return null; });
    route(server, "/burn", () -> { double sum = 0; for (int i = 1; i < 6000000; ++i) sum += Math.sqrt(i) * Math.log(i); return sum; });
    route(server, "/ping", () -> null);
    server.start();
  }
}
'''

GO = '''
package main
import ("net/http"; "os"; "sync"; "time")
var lock sync.Mutex
var eight = make(chan int, 8)
func main() {
  ok := func(w http.ResponseWriter, r *http.Request) { w.Write([]byte("ok")) }
  route := func(path string, work func()) {
    http.HandleFunc(path, func(w http.ResponseWriter, r *http.Request) { work(); ok(w, r) })
  }
  route("/wait", func() { time.Sleep(50 * time.Millisecond) })
  route("/lock", func() { time.Sleep(90 * time.Millisecond); lock.Lock(); time.Sleep(10 * time.Millisecond); lock.Unlock() })
  route("/all-locked", func() { lock.Lock(); time.Sleep(50 * time.Millisecond); lock.Unlock() })
  route("/ping", func() {})
  http.HandleFunc("/eight", func(w http.ResponseWriter, r *http.Request) {
    select {
    case eight <- 1:
      time.Sleep(50 * time.Millisecond)
      <-eight
      ok(w, r)
    default: http.Error(w, "busy", 429)
    }
  })
  http.ListenAndServe("127.0.0.1:" + os.Args[1], nil)
}
'''

PHP = '<?php if ($_SERVER["REQUEST_URI"] == "/wait") usleep(50000); echo "ok";'

RUBY = '''
require "socket"
server = TCPServer.new("127.0.0.1", ARGV[0].to_i)
server.listen(256)
ARGV[1].to_i.times.map do
  Thread.new do
    loop do
      socket = server.accept
      line = socket.gets
      loop { break if (socket.gets || "").strip.empty? }
      sleep 0.05 if line && line.include?("/wait")
      socket.write "HTTP/1.1 200 OK\\r\\nContent-Length: 2\\r\\nConnection: close\\r\\n\\r\\nok"
      socket.close
    rescue SystemCallError
      nil
    end
  end
end.each(&:join)
'''

# In front of node; what limits stands in LIMIT.
NGINX = '''
daemon off; user root; pid nginx.pid; error_log error.log; worker_processes 2;
events {{ }}
http {{
  access_log off; client_body_temp_path t; proxy_temp_path p; fastcgi_temp_path f; uwsgi_temp_path u; scgi_temp_path s;
  limit_req_zone $server_name zone=rate:1m rate=10r/s;
  limit_conn_zone $server_name zone=conn:1m;
  server {{
    listen 127.0.0.1:{port} backlog=1024; server_name x;
    location /ping {{ return 200 "ok"; }}
    location / {{ {limit} proxy_pass http://127.0.0.1:{behind}; }}
  }}
}}
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
    limit: tuple = None  # (kind, how many, status or None)
    serial_part: tuple = None  # what one at a time runs of each request, seconds: from, to
    says: str = ""  # words that must be in what it prints
    options: tuple = ()
    behind: tuple = ()  # a second server that the first one asks
    fresh: bool = False  # started anew for each trial


def native(mode, route, *answers, workers=1, threads=None, **more):
    extra = (["--workers", str(workers)] if workers > 1 else []) + (["--threads", str(threads)] if threads else [])
    label = f"{mode}{f' W={workers}' if workers > 1 else ''}{f' k={threads}' if threads else ''}"
    cpu = " cpu" if route == COMPUTE else ""
    return Kind(label + cpu, ["{lab}", "serve", mode, "--port", "{port}", *extra], route, *answers,
                bound_by="cpu" if cpu else "waiting", **more)


def uvicorn(name, route, *answers, workers=1, of=FASTAPI, **more):
    command = [PYTHON, "-m", "uvicorn", "main:app", "--port", "{port}", "--log-level", "warning", "--workers", str(workers)]
    return Kind(f"FastAPI {name}{f' W={workers}' if workers > 1 else ''}", command, route, *answers,
                files={"main.py": of}, **more)


def gunicorn(name, worker, workers, files, route, *answers, **more):
    command = [PYTHON, "-m", "gunicorn", "main:app", "-b", "127.0.0.1:{port}", "-w", str(workers), "--log-level", "error",
               "-k", worker]
    return Kind(f"gunicorn {name} W={workers}", command, route, *answers, files={"main.py": files}, **more)


def node(name, route, *answers, pause=0, **more):
    return Kind(f"node {name}", ["node", "main.js", "{port}", str(pause)], route, *answers, files={"main.js": NODE}, **more)


def java(name, route, threads, *answers, **more):
    return Kind(f"java {name}", ["java", "Main", "{port}", str(threads)], route, *answers, files={"Main.java": JAVA}, **more)


def go(name, route, *answers, **more):
    return Kind(f"go {name}", ["./main", "{port}"], route, *answers, files={"main.go": GO}, **more)


def nginx(name, rule, route, *answers, **more):
    """In front of node; /ping is nginx's own and knows no limit."""
    return Kind(f"nginx {name}", ["sh", "-c", "exec nginx -p . -c nginx.conf 2>/dev/null"], route, *answers,
                files={"nginx.conf": NGINX.replace("{limit}", rule), "main.js": NODE}, behind=("node", "main.js", "{behind}"), **more)


def kinds(cores):
    """All of them. On one core nothing computes beside anything else."""
    serial, pool, workers, concurrent = ("serial",), ("pool",), ("workers",), ("concurrent",)
    many, unknown = ("pool", "concurrent"), ("unknown",)
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
        node("await 90 ms + block 10 ms", "/part", concurrent, blocked=True, serial_part=(0.009, 0.013)),
        node("await 30 ms + block 30 ms", "/half", concurrent, blocked=True, serial_part=(0.028, 0.035)),
        node("a tenth blocks 200 ms", "/sometimes", concurrent, says="now and then"),
        node("503 beyond 8", "/eight", concurrent, (8,), limit=("in_flight", 8, 503)),
        node("429 by rate", "/rate", ("concurrent", "unknown"), limit=("rate", 10, 429)),
        node("warm-up", "/warm", concurrent, blocked=False, says="the first request took 30", fresh=True),
        node("a pause of 2 s every 10 s", "/wait", concurrent, pause=10000, says="2.0 s", options=("--watch", "25s")),
        java("a pool of 6", "/wait", 6, pool, (6,), says="kept connection"),
        java("a thread each", "/wait", 0, concurrent, blocked=False, says="kept connection"),
        java("computing", "/burn", 8, many, (cores,), bound_by="cpu"),
        go("goroutines", "/wait", concurrent, blocked=False),
        go("90 ms + a lock for 10 ms", "/lock", concurrent, blocked=False, serial_part=(0.009, 0.013)),
        go("a lock for 50 ms", "/all-locked", serial, (1,), blocked=False),
        go("429 beyond 8", "/eight", concurrent, (8,), limit=("in_flight", 8, 429)),
        Kind("php -S", ["php", "-S", "127.0.0.1:{port}", "main.php"], "/wait", serial, (1,), files={"main.php": PHP}),
        Kind("php -S W=4", ["env", "PHP_CLI_SERVER_WORKERS=4", "php", "-S", "127.0.0.1:{port}", "main.php"], "/wait",
             ("workers", "pool"), (4, 5), files={"main.php": PHP}),
        Kind("ruby k=4", ["ruby", "main.rb", "{port}", "4"], "/wait", ("pool", "workers"), (4,), files={"main.rb": RUBY}),
        nginx("limit_req", "limit_req zone=rate;", "/wait", unknown, limit=("rate", 10, 503)),
        nginx("limit_req burst", "limit_req zone=rate burst=100;", "/wait", unknown, limit=("rate", 10, None)),
        nginx("limit_req nodelay", "limit_req zone=rate burst=20 nodelay;", "/wait", many + unknown, limit=("rate", 10, 503)),
        nginx("limit_conn 8", "limit_conn conn 8;", "/wait", concurrent, (8,), limit=("in_flight", 8, 503)),
        uvicorn("def, pools of 4", "/def", pool, (8,), workers=2, of=POOL_OF_FOUR),
        native("thread-pool", WAIT, many, None, workers=4, blocked=False),
    ]


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def build(folder):
    """Compiles what is to be compiled; cpp-httplib's flags matter, its Request's layout differs without them."""
    run = lambda *command: subprocess.run(command, cwd=folder, check=True, capture_output=True, text=True).stdout
    if Path(folder, "main.cpp").exists():
        flags = run("pkg-config", "--cflags", "--libs", "cpp-httplib").split()
        run("g++", "-O1", "-pthread", "main.cpp", "-o", "main", *flags)
    if Path(folder, "Main.java").exists():
        run("javac", "Main.java")
    if Path(folder, "main.go").exists():
        run("go", "build", "main.go")


def is_here(kind):
    """Whether this machine has what the kind needs."""
    builder = {"main.cpp": "g++", "main.go": "go", "Main.java": "javac"}
    needs = [builder[name] for name in kind.files if name in builder] + list(kind.behind[:1])
    needs.append(kind.name.split()[0] if kind.command[0] in ("env", "sh") else kind.command[0])
    return all(each.startswith(("{", "./")) or shutil.which(each) for each in needs)


@contextlib.contextmanager
def running(kind, lab, environment=None):
    """Starts the server in a folder of its own; yields its port; ends all of its processes."""
    with tempfile.TemporaryDirectory(prefix="lab-blind-") as folder, contextlib.ExitStack() as stack:
        port, behind = free_port(), free_port()
        for name, text in kind.files.items():
            text = text.format(port=port, behind=behind, lab=lab) if name.endswith(".conf") else text
            Path(folder, name).write_text(text)
        build(folder)
        for command in filter(None, (kind.behind, kind.command)):
            command = [part.format(lab=lab, port=port, behind=behind) for part in command]
            server = subprocess.Popen(command, cwd=folder, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
                                      start_new_session=True, env=environment)
            stack.callback(stop, server)
            await_reply(behind if command[-1] == str(behind) else port, server)
        yield port


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
