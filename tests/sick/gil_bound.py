"""A plain def computes in Python: its threads take turns."""
from fastapi import FastAPI

app = FastAPI()


def checksum(text):
    total = 0
    for place, letter in enumerate(text):
        total = (total * 31 + place * ord(letter)) % 65_521
    return total


@app.get("/report")
def report():
    return {"sum": checksum("tea" * 100_000)}


@app.get("/health")
async def health():
    return "ok"
