# Parts of the servers that `lab export` writes, as they stand in main.py. A line `#: name` begins one: what it imports, what it
# sets up, its functions, with a blank line between them. Words that end in `_` are filled in.

#: log
import logging

logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s worker=%(process)d")
logging.getLogger("uvicorn").propagate = False  # it prints its own lines
logger = logging.getLogger(__name__)

#: clock
from datetime import datetime

def clock():
    return datetime.now().isoformat(" ", "microseconds")

#: main
if __name__ == "__main__":
    import uvicorn

    uvicorn.run("MAIN_:app", host="0.0.0.0", port=PORT_WORKERS_)

#: infer
from work import burn

def infer(features, seconds):
    burn(seconds)  # in place of a model
    return 0.5

#: process_pool
from concurrent.futures import ProcessPoolExecutor

processes = ProcessPoolExecutor(THREADS_)

#: pool_size
import anyio

@app.on_event("startup")
async def size_of_the_pool():
    anyio.to_thread.current_default_thread_limiter().total_tokens = THREADS_

#: queue
from jobs import JobQueue

NAME_ = JobQueue(workers=WORKERS_, capacity=CAPACITY_)

#: shared_queue
import os
from jobs import SharedJobQueue

STORE = os.environ.get("STORE", "store.sqlite")
NAME_ = SharedJobQueue("NAME_", STORE, workers=WORKERS_, capacity=CAPACITY_)

#: body
from fastapi import HTTPException
from fastapi import Request

async def NAME_(request: Request):
    size = 0
    async for part in request.stream():
        size += len(part)
        if size > LIMIT_:
            raise HTTPException(413, "the body is too large")
    return size

#: body_in_time
import asyncio
from fastapi import HTTPException
from fastapi import Request

async def NAME_(request: Request):
    size = 0
    try:
        async with asyncio.timeout(DEADLINE_):
            async for part in request.stream():
                size += len(part)
                if size > LIMIT_:
                    raise HTTPException(413, "the body is too large")
    except TimeoutError:
        raise HTTPException(408, "the body took too long")
    return size

#: unless_gone
import asyncio
from fastapi import Request

async def gone(request):
    while (await request.receive())["type"] != "http.disconnect":
        pass

async def unless_gone(request, coroutine):
    steps, left = asyncio.create_task(coroutine), asyncio.create_task(gone(request))
    done, _ = await asyncio.wait([steps, left], return_when=asyncio.FIRST_COMPLETED)
    left.cancel()
    if steps in done:
        return steps.result()
    steps.cancel()

#: wsgi_body
def NAME_(environ):
    left = int(environ.get("CONTENT_LENGTH") or 0)
    if left > LIMIT_:
        return "413 Content Too Large"
    while left > 0:
        part = environ["wsgi.input"].read(min(left, 65_536))
        left -= len(part)
        if not part:
            return "400 Bad Request"
    return None

#: wsgi_not_found
def not_found(environ):
    return "404 Not Found", {"detail": "Not Found"}

#: wsgi_app
import json

def app(environ, start_response):
    handler = ROUTES.get((environ["REQUEST_METHOD"], environ["PATH_INFO"]), not_found)
    status, reply = handler(environ)
    body = json.dumps(reply).encode()
    length = str(len(body))
    start_response(status, [("Content-Type", "application/json"), ("Content-Length", length)])
    return [body]

#: upstream
import os

UPSTREAM = os.environ.get("UPSTREAM", "http://127.0.0.1:9000")

#: close_client
@app.on_event("shutdown")
async def close_NAME_():
    await NAME_.aclose()

#: client_each_time
async def NAME_(url):
    async with CLIENT_ as client:
        return await client.get(url)

#: session
session = requests.Session()

#: large_session
from requests.adapters import HTTPAdapter

session = requests.Session()
session.mount("http://", HTTPAdapter(pool_maxsize=THREADS_))

#: read_file
def read_file(path, size):
    with open(path, "rb") as file:
        while size > 0:
            piece = file.read(min(size, 65_536))
            size -= len(piece)
            if not piece:
                file.seek(0)  # a shorter one is read again

#: data_file
import os

DATA_FILE = os.environ.get("DATA_FILE", "data.bin")
if not os.path.exists(DATA_FILE):
    with open(DATA_FILE, "wb") as file:
        file.write(b"x" * 8_000_000)

#: fetch
import asyncpg
import os

DATABASE_URL = os.environ.get("DATABASE_URL", "postgresql:///postgres")

async def fetch(statement):
    connection = await asyncpg.connect(DATABASE_URL)
    try:
        return await connection.fetch(statement)
    finally:
        await connection.close()

#: pool.fetch
import asyncpg
import os

DATABASE_URL = os.environ.get("DATABASE_URL", "postgresql:///postgres")
pool = None

@app.on_event("startup")
async def connect():
    global pool
    pool = await asyncpg.create_pool(DATABASE_URL, min_size=CONNECTIONS_, max_size=CONNECTIONS_)

@app.on_event("shutdown")
async def disconnect():
    await pool.close()

#: execute
import os
import psycopg2

DATABASE_URL = os.environ.get("DATABASE_URL", "postgresql:///postgres")

def execute(statement):
    connection = psycopg2.connect(DATABASE_URL)
    with connection.cursor() as cursor:
        cursor.execute(statement)
    connection.close()

#: execute_pooled
import os
import psycopg2
import queue

DATABASE_URL = os.environ.get("DATABASE_URL", "postgresql:///postgres")
connections = queue.SimpleQueue()
for _ in range(CONNECTIONS_):
    connections.put(psycopg2.connect(DATABASE_URL))

def execute(statement):
    connection = connections.get()  # waits until one is free
    try:
        with connection, connection.cursor() as cursor:
            cursor.execute(statement)
    finally:
        connections.put(connection)

#: count_one
import os
import sqlite3

STORE = os.environ.get("STORE", "store.sqlite")
database = sqlite3.connect(STORE, timeout=30, isolation_level=None, check_same_thread=False)
database.execute("pragma synchronous = off")  # a count need not outlive the machine
database.execute("create table if not exists counter (id integer primary key, n integer)")
database.execute("insert or ignore into counter values (1, 0)")

def count_one():
    (count,) = database.execute("update counter set n = n + 1 returning n").fetchone()
    return count

#: ready
async def is_there_already():
    pass

#: switch_coroutines
import asyncio

async def take_turns(times):
    for _ in range(times):
        await asyncio.sleep(0)

async def switch_coroutines(times):
    await asyncio.gather(take_turns(times // 2), take_turns(times // 2))

#: hand_over
import os

def answer_all(reading, writing):
    while byte := os.read(reading, 1):
        os.write(writing, byte)

def hand_over(times, start):
    there, back = os.pipe(), os.pipe()
    cores = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {min(cores)})  # both on one core: to wake another one takes longer than the switch
    wait = start(there, back)
    for _ in range(times // 2):
        os.write(there[1], b"x")
        os.read(back[0], 1)
    os.close(there[1])
    wait()
    os.sched_setaffinity(0, cores)
    for end in (there[0], *back):
        os.close(end)

#: switch_threads
import threading

def start_thread(there, back):
    partner = threading.Thread(target=answer_all, args=(there[0], back[1]))
    partner.start()
    return partner.join

def switch_threads(times):
    hand_over(times, start_thread)

#: switch_processes
import os

def start_process(there, back):
    partner = os.fork()
    if partner == 0:
        os.close(there[1])
        answer_all(there[0], back[1])
        os._exit(0)
    return lambda: os.waitpid(partner, 0)

def switch_processes(times):
    hand_over(times, start_process)
