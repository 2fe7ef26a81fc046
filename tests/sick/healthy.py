"""Nothing here is to blame: waits are awaited, or are fewer than the threads; computing leaves the loop free."""
import asyncio
import hashlib
import time

from fastapi import FastAPI

app = FastAPI()


@app.get("/await")
async def awaits():
    await asyncio.sleep(0.05)
    return "rested"


@app.get("/threads")
def threads():
    time.sleep(0.05)
    return "rested"


@app.get("/offloaded")
async def offloaded():
    return (await asyncio.to_thread(hashlib.pbkdf2_hmac, "sha256", b"password", b"salt", 60_000)).hex()


@app.get("/health")
async def health():
    return "ok"
