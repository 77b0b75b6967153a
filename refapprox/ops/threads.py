"""Threads for work that NumPy does without the interpreter's lock: copies, look-ups, matrix products.

BLAS has threads of its own, which an environment variable sets; ours are given by an argument. All calls share one
pool, with as many threads as the machine has cores, whatever is asked for.
"""
import math
import os
from concurrent.futures import ThreadPoolExecutor, wait
from functools import cache

import numpy as np


@cache
def cores():
    """Cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def bounded(workers):
    """`workers`, but no more than two, or the number of cores where that is larger: more would wait for each other."""
    return min(workers, max(2, cores()))


@cache
def blas_threads():
    """Threads that BLAS was told to use, else the number of cores: it has no portable way to ask."""
    for name in ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS"):
        if os.environ.get(name, "").isdigit() and int(os.environ[name]) > 0:
            return int(os.environ[name])
    return os.cpu_count() or 1


@cache
def pool():
    """Threads that stay: starting them takes as long as a small convolution."""
    return ThreadPoolExecutor(bounded(1 << 20) - 1, "refapprox")


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=pool.cache_clear)      # threads do not survive a fork


def each(work, jobs, workers):
    """`work(job, worker)` for every job, worker in range(workers); a list of results in the order of the jobs.

    Every worker takes the next job as soon as it is free, for cores may be slowed by others. The caller is one of the
    workers: where other threads start late, it has begun already. Where they have not started when no job is left, they
    are not waited for, so that work which calls `each` itself cannot wait for a thread that waits for it. An error is
    raised when all have stopped.
    """
    workers = min(bounded(workers), len(jobs))
    results, positions = [None] * len(jobs), iter(range(len(jobs)))      # next() on it is atomic

    def take_jobs(worker):
        for position in positions:
            results[position] = work(jobs[position], worker)

    others = [pool().submit(take_jobs, worker) for worker in range(1, workers)]
    try:
        take_jobs(0)
    finally:
        others = [other for other in others if not other.cancel()]
        wait(others)
    for other in others:
        other.result()
    return results


class Scratch:
    """Buffers that one worker reuses from block to block: fresh pages cost as much as filling them."""

    def __init__(self):
        self._buffers = {}

    def array(self, name, shape, dtype):
        """An uninitialized array, in the memory of the last one called `name` where it suffices."""
        size = math.prod(shape)
        buffer = self._buffers.pop(name, None)
        if buffer is None or buffer.size < size or buffer.dtype != dtype:
            buffer = None                                      # freed before its successor takes memory
            buffer = np.empty(size, dtype=dtype)
        self._buffers[name] = buffer
        return buffer[:size].reshape(shape)
