"""The same steps (server.py) in frameworks: `uvicorn app:app` (FastAPI) and `gunicorn app:wsgi`.

The environment has STEPS, and KIND, the way in which the route is written: async, def, offload (an async one that gives its
steps to a thread after WAIT milliseconds). TOKENS: the threads of `def`, instead of 40. /ping is async, with PING=def it is not.
"""
import asyncio
import os
import threading

from anyio import CapacityLimiter
from anyio.lowlevel import RunVar
from fastapi import FastAPI
from fastapi.concurrency import run_in_threadpool
from server import Steps

texts = os.environ["STEPS"].split()
threaded = Steps(texts, threading.Semaphore)


def wsgi(environ, start_response):
    if environ["PATH_INFO"] == "/work":
        threaded.work_in_thread()
    start_response("200 OK", [("Content-Length", "2")])
    return [b"ok"]


app, looped = FastAPI(), Steps(texts, asyncio.Semaphore)


@app.on_event("startup")
async def start():
    if "TOKENS" in os.environ:
        RunVar("_default_thread_limiter").set(CapacityLimiter(int(os.environ["TOKENS"])))


async def work():
    await looped.work()


def work_in_thread():
    threaded.work_in_thread()


async def offload():
    await asyncio.sleep(int(os.environ.get("WAIT", "0")) / 1000)
    await run_in_threadpool(threaded.work_in_thread)


async def ping():
    return "pong"


def ping_in_thread():
    return "pong"


app.get("/work")({"async": work, "def": work_in_thread, "offload": offload}[os.environ.get("KIND", "async")])
app.get("/ping")(ping_in_thread if os.environ.get("PING") == "def" else ping)
