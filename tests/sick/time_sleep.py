"""The loop sleeps."""
import time

from fastapi import FastAPI

app = FastAPI()


def rows():
    time.sleep(0.05)
    return ["one", "two"]


@app.get("/report")
async def report():
    return {"rows": rows()}


@app.get("/health")
async def health():
    return "ok"
