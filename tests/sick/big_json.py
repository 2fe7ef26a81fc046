"""The loop reads 20 MB of JSON: one call into C that keeps the GIL."""
import json

from fastapi import FastAPI

app = FastAPI()
orders = json.dumps([{"id": number, "item": "tea", "price": 4.5, "paid": True} for number in range(360_000)])


@app.get("/report")
async def report():
    rows = json.loads(orders)
    return {"rows": len(rows)}


@app.get("/health")
async def health():
    return "ok"
