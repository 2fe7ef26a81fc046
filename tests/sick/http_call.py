"""The loop waits for another service, with a client that blocks."""
import os

import requests
from fastapi import FastAPI

app = FastAPI()
upstream = requests.Session()


@app.get("/report")
async def report():
    reply = upstream.get(os.environ["UPSTREAM"], timeout=5)
    return {"upstream": reply.text}


@app.get("/health")
async def health():
    return "ok"
