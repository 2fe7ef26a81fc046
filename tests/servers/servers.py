"""The servers of servers.toml: which can run here, and each of them running."""
import contextlib
import os
import shlex
import shutil
import signal
import socket
import subprocess
import tempfile
import time
import tomllib
from dataclasses import dataclass, field
from pathlib import Path

FOLDER = Path(__file__).resolve().parent
PYTHON = "/usr/bin/python3"  # Debian's own sees Debian's FastAPI
READY_WITHIN = 60


@dataclass
class Server:
    """An entry of servers.toml, which says what the fields mean."""
    name: str
    run: str
    expected: dict
    url: str = "http://127.0.0.1:{port}"
    path: str = "/work"
    ping: str = "/ping"
    build: str = ""
    limit: str = ""
    behind: list = field(default_factory=list)
    options: list = field(default_factory=list)
    fresh: bool = False

    def programs(self):
        for command in filter(None, (self.build, self.run, *self.behind)):
            yield next(word for word in shlex.split(command) if word != "env" and "=" not in word)

    def is_here(self):
        return all(each.startswith(("{", "./")) or shutil.which(each) for each in self.programs())


def all_servers():
    servers = tomllib.loads((FOLDER / "servers.toml").read_text())["server"]
    return [Server(expected=each.pop("is"), **each) for each in servers]


def named(name):
    return next(server for server in all_servers() if server.name == name)


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class Workshop:
    """A folder of what is built, once for all servers that need it."""

    def __init__(self, lab, environment=None):
        self.lab, self.environment = lab, {**(environment or os.environ)}
        self.built = set()
        self.folder = tempfile.TemporaryDirectory(prefix="lab-scored-")

    def __enter__(self):
        shutil.copytree(FOLDER, self.folder.name, dirs_exist_ok=True, ignore=shutil.ignore_patterns("__pycache__", "*.toml"))
        return self

    def __exit__(self, *_):
        self.folder.cleanup()

    def build(self, command):
        if command and command not in self.built:
            environment = {"GOCACHE": f"{self.folder.name}/go", "GO111MODULE": "off", **self.environment}
            subprocess.run(command, shell=True, cwd=self.folder.name, check=True, capture_output=True, env=environment)
            self.built.add(command)

    @contextlib.contextmanager
    def running(self, server):
        """Yields the URL of its root; ends all of its processes."""
        self.build(server.build)
        with tempfile.TemporaryDirectory(prefix="lab-scored-") as folder, contextlib.ExitStack() as stack:
            for file in Path(self.folder.name).iterdir():
                Path(folder, file.name).symlink_to(file)
            port, behind = free_port(), [free_port() for _ in server.behind]
            fill_in(Path(folder, "nginx.conf"), port, behind, server.limit)
            commands = [(command, each) for command, each in zip(server.behind, behind)] + [(server.run, 0)]
            for command, own in commands:
                words = [word.format(lab=self.lab, python=PYTHON, port=port, folder=folder, behind=own) for word in shlex.split(command)]
                with open(Path(folder, "log"), "ab") as log:
                    process = subprocess.Popen(words, cwd=folder, stdout=log, stderr=log, start_new_session=True, env=self.environment)
                stack.callback(stop, process)
                url = f"http://127.0.0.1:{own}" if own else server.url.format(port=port, folder=folder)
                await_ready(url, process, Path(folder, "log"))
            yield server.url.format(port=port, folder=folder)


def fill_in(file, port, behind, limit):
    text = file.read_text().replace("@PORT@", str(port)).replace("@LIMIT@", limit)
    text = text.replace("@BEHIND@", " ".join(f"server 127.0.0.1:{each};" for each in behind))
    file.unlink()
    file.write_text(text)


def connect(url):
    if url.startswith("unix:"):
        found = socket.socket(socket.AF_UNIX)
        found.settimeout(5)
        try:
            found.connect(url.split(":")[1])
        except OSError:
            found.close()
            raise
        return found
    host, _, port = url.split("//")[1].rpartition(":")
    return socket.create_connection((host.strip("[]"), int(port)), timeout=5)


def await_ready(url, process, log):
    end = time.monotonic() + READY_WITHIN
    while time.monotonic() < end and process.poll() is None:
        with contextlib.suppress(OSError), connect(url) as found:
            if not url.startswith("https"):
                found.sendall(b"GET /ping HTTP/1.0\r\nHost: x\r\n\r\n")
                if not found.recv(100):
                    continue
            if any("uvicorn" in word or "gunicorn" in word or "cluster" in word for word in process.args):
                time.sleep(1.5)  # the other workers
            return
        time.sleep(0.05)
    raise RuntimeError(f"{process.args} does not answer: {log.read_text()[-500:]}")


def stop(process):
    for number, patience in ((signal.SIGTERM, 5), (signal.SIGKILL, 5)):
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, number)
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(patience)
            break
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
