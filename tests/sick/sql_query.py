"""The loop waits for PostgreSQL, with a driver that blocks."""
import os

import psycopg2
from fastapi import FastAPI

app = FastAPI()
database = psycopg2.connect(os.environ["DATABASE"])
database.autocommit = True


@app.get("/report")
async def report():
    with database.cursor() as cursor:
        cursor.execute("SELECT pg_sleep(0.05)")
    return {"rows": 1}


@app.get("/health")
async def health():
    return "ok"
