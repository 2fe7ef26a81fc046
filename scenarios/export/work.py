"""Work for the processor: a fixed number of loop turns, however long they then take.

How many turns this machine makes in a second is measured once, at the start, or given in WORK_RATE.
`python3 work.py` prints it; `python3 work.py roots` prints how many square roots a second are added up.
"""
import os
import sys
import time
from math import sqrt


def turn(count):
    value = 0
    for i in range(count):
        value = (value + i) & 0xFFFF
    return value


def add_roots(count):
    return sum(map(sqrt, range(count)))


def rate_of(work, count):
    """Units a second: the best of several short runs, the one that nobody disturbed."""
    best = float("inf")
    for _ in range(10):
        begin = time.perf_counter()
        work(count)
        best = min(best, time.perf_counter() - begin)
    return count / best


RATE = float(os.environ.get("WORK_RATE") or 0) or rate_of(turn, 50_000)


def burn(seconds):
    """Computes what takes that long on an idle processor."""
    turn(int(seconds * RATE))


if __name__ == "__main__":
    print(f"{rate_of(add_roots if sys.argv[1:] == ['roots'] else turn, 200_000):.0f}")
