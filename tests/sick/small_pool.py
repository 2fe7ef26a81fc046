"""Forty threads wait for five connections."""
import os
import queue

import psycopg2
from fastapi import FastAPI

app = FastAPI()
connections = queue.LifoQueue()
for _ in range(5):
    connections.put(psycopg2.connect(os.environ["DATABASE"]))


@app.get("/report")
def report():
    connection = connections.get()
    try:
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_sleep(0.05)")
    finally:
        connections.put(connection)
    return "done"


@app.get("/health")
async def health():
    return "ok"
