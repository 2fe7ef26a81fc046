"""A lock is held while its holder awaits."""
import asyncio

from fastapi import FastAPI

app = FastAPI()
cache_lock = asyncio.Lock()


async def refresh():
    await asyncio.sleep(0.05)


@app.get("/report")
async def report():
    async with cache_lock:
        await refresh()
    return "fresh"


@app.get("/health")
async def health():
    return "ok"
