"""The loop writes its log into a pipe, and who reads it is slow."""
import logging
import os

from fastapi import FastAPI

app = FastAPI()
log = logging.getLogger("orders")
log.setLevel(logging.INFO)
log.propagate = False
log.addHandler(logging.StreamHandler(open(os.environ["LOG_PIPE"], "w", encoding="utf-8")))
order = "tea, " * 20_000


@app.get("/report")
async def report():
    log.info("an order of %s", order)
    return "written"


@app.get("/health")
async def health():
    return "ok"
