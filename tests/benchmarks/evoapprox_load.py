"""Seconds of processor time to load a checkout of EvoApproxLib: full 8x8 tables, and everything.

    REFAPPROX_EVOAPPROX_DIR=CHECKOUT[:CHECKOUT] python tests/benchmarks/evoapprox_load.py
"""
import os
import tempfile
import time

from refapprox import load_library


def seconds(**kinds):
    """(number of circuits, processor time) of loading all that is of these kinds."""
    start = time.process_time()
    count = sum(len(load_library(**kinds, signed=signed)) for signed in (True, False))
    return count, time.process_time() - start


def main():
    for checkout in os.environ["REFAPPROX_EVOAPPROX_DIR"].split(os.pathsep):
        release = next(iter(load_library(checkout))).release
        with tempfile.TemporaryDirectory() as folder:
            for what, kinds in (("8x8 tables", {"bits": 8}), ("all circuits", {"bits": None, "operation": None})):
                for cached, place in (("no cache", ""), ("first time, cache written", folder), ("cached", folder)):
                    os.environ["REFAPPROX_CACHE_DIR"] = place
                    count, time_taken = seconds(source=checkout, **kinds)
                    print(f"{release}: {count} {what}, {cached}: {time_taken:.2f} s")


if __name__ == "__main__":
    main()
