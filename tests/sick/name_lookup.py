"""The loop asks for a host's address, and the name server is slow."""
import socket

from fastapi import FastAPI

app = FastAPI()


@app.get("/report")
async def report():
    found = socket.getaddrinfo("reports.example", 80, type=socket.SOCK_STREAM)
    return {"address": found[0][4][0]}


@app.get("/health")
async def health():
    return "ok"
