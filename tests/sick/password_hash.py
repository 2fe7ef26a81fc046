"""The loop computes a password's hash, as bcrypt does: in C, and without the GIL."""
import hashlib

from fastapi import FastAPI

app = FastAPI()


class Passwords:
    def is_right(self, password):
        return hashlib.scrypt(password, salt=b"salt" * 4, n=2**14, r=8, p=1, maxmem=2**26).hex() != ""


@app.get("/login")
async def login():
    return {"right": Passwords().is_right(b"correct horse")}


@app.get("/health")
async def health():
    return "ok"
