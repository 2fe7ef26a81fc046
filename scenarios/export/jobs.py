"""Queues of jobs: the reply is a number, and a worker of the queue does the job afterwards."""
import fcntl
import json
import multiprocessing
import os
import pickle
import queue
import random
import sqlite3
import subprocess
import sys
import threading
import time
import traceback

from fastapi import HTTPException


def outcome_of(function, arguments):
    try:
        return {"status": "done", "prediction": function(*arguments)}
    except Exception:
        traceback.print_exc()
        return {"status": "failed"}


class JobQueue:
    """In memory, worked on by threads: each process of the server has one of its own."""

    def __init__(self, workers, capacity):
        self.results = {}
        self.waiting = queue.Queue(capacity)
        for _ in range(workers):
            threading.Thread(target=self.work, daemon=True).start()

    def enqueue(self, function, *arguments):
        task_id = random.randrange(1, 2**52)
        self.results[str(task_id)] = {"task_id": task_id, "status": "pending"}
        try:
            self.waiting.put_nowait((task_id, function, arguments))
        except queue.Full:
            del self.results[str(task_id)]
            raise HTTPException(503, "the queue is full") from None
        return task_id

    def result(self, task_id):
        if task_id not in self.results:
            raise HTTPException(404, "no such task in this process's queue")
        return self.results[task_id]

    def work(self):
        while True:
            task_id, function, arguments = self.waiting.get()
            self.results[str(task_id)] = {"task_id": task_id, **outcome_of(function, arguments)}


class SharedJobQueue:
    """In an SQLite file, worked on by processes of its own: one for the whole server, as with Celery."""

    def __init__(self, name, store, workers, capacity):
        self.name, self.capacity = name, capacity
        self.database = sqlite3.connect(store, timeout=30, isolation_level=None, check_same_thread=False)
        self.database.execute("pragma synchronous = off")
        if "JOBS_OF" in os.environ:  # we are one of those processes
            return
        with open(f"{store}.setup", "w") as setup:
            fcntl.flock(setup, fcntl.LOCK_EX)  # the server's processes all come here at once
            self.database.execute("pragma journal_mode = wal")
            self.database.execute(f"create table if not exists {name} (id integer primary key, state text, result text, job blob)")
            self.database.execute(f"create index if not exists {name}_state on {name} (state)")
        with open(f"{store}.{name}", "w") as ours:
            try:
                fcntl.flock(ours, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                return  # the processes that inherited this lock are at work
            several = multiprocessing.parent_process() is not None or "gunicorn" in sys.modules
            server = os.getppid() if several else os.getpid()
            ready, tell = os.pipe()
            for _ in range(workers):
                subprocess.Popen([sys.executable, "-c", f"import MAIN_; MAIN_.{name}.work()"],
                                 pass_fds=[ours.fileno(), tell],
                                 env={**os.environ, "JOBS_OF": str(server), "JOBS_READY": str(tell)})
            os.close(tell)
            while workers > 0 and os.read(ready, 1):  # no request comes before they are all there
                workers -= 1
            os.close(ready)

    def enqueue(self, function, *arguments):
        added = self.database.execute(
            f"insert into {self.name} (state, job) select 'pending', ? "
            f"where (select count(*) from {self.name} where state = 'pending') < ? returning id",
            (pickle.dumps((function, arguments)), self.capacity)).fetchone()
        if added is None:
            raise HTTPException(503, "the queue is full")
        return added[0]

    def result(self, task_id):
        found = self.database.execute(f"select id, result from {self.name} where id = ?", (task_id,)).fetchone()
        if found is None:
            raise HTTPException(404, "no such task")
        return {"task_id": found[0], **(json.loads(found[1]) if found[1] else {"status": "pending"})}

    def work(self):
        """Until the server has ended."""
        os.write(int(os.environ["JOBS_READY"]), b"!")
        os.close(int(os.environ["JOBS_READY"]))
        oldest = f"select id from {self.name} where state = 'pending' order by id limit 1"
        while os.path.exists(f"/proc/{os.environ['JOBS_OF']}"):
            if self.database.execute(oldest).fetchone() is None:
                time.sleep(0.005)
                continue
            taken = self.database.execute(
                f"update {self.name} set state = 'running' where id = ({oldest}) returning id, job").fetchone()
            if taken is not None:
                result = outcome_of(*pickle.loads(taken[1]))
                self.database.execute(f"update {self.name} set state = ?, result = ? where id = ?",
                                      (result["status"], json.dumps(result), taken[0]))
