"""The loop tries every way to match a text that does not match."""
import re

from fastapi import FastAPI

app = FastAPI()
words = re.compile(r"(\w+\s?)+$")


def is_title(text):
    return words.match(text) is not None


@app.get("/report")
async def report():
    return {"title": is_title("long titles that go on and on and!")}


@app.get("/health")
async def health():
    return "ok"
