"""Each request of an async route takes one of the 40 threads for a dependency that is a plain def."""
import time

from fastapi import Depends, FastAPI

app = FastAPI()


def current_user():
    time.sleep(0.1)
    return "ada"


@app.get("/report")
async def report(user=Depends(current_user)):
    return {"user": user}


@app.get("/health")
async def health():
    return "ok"
