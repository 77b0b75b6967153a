"""Threads for work that NumPy does without the interpreter's lock: copies, look-ups, matrix products.

BLAS has threads of its own, which an environment variable sets; ours are given by an argument. All calls share the
same helpers, one for every core but the caller's, whatever is asked for.

A thread that finds the interpreter's lock taken sleeps, and to be woken takes some 50 microseconds, as much as a pass
over 1 MiB: work is worth sharing where its calls of NumPy are few and long. Where every core is wanted, a helper is
kept off the caller's: the scheduler of a virtual machine, which takes a core that sleeps for one that is gone, wakes it
there, and leaves it there for some 30 ms.
"""
import contextlib
import ctypes
import math
import os
import threading
from collections import deque
from functools import cache

import numpy as np

from refapprox.validation import check_integer


@cache
def cores():
    """Cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def bounded(workers):
    """`workers`, but no more than two, or the number of cores where that is larger: more would wait for each other."""
    return min(check_integer("workers", workers, minimum=1), max(2, cores()))


class Helper:
    """A thread that stays and sleeps until it is given a Task: an executor takes 20 microseconds to hand one out."""

    def __init__(self, idle):
        self.idle, self.wake, self.avoided = idle, taken_lock(), None
        self.thread = threading.Thread(target=self._run, name="refapprox", daemon=True)
        self.thread.start()

    def start(self, task, core):
        """Have `task` run, on another core than `core`."""
        if core not in (None, self.avoided):
            self.avoided = core
            with contextlib.suppress(OSError):      # where it may not, or there is no other core
                os.sched_setaffinity(self.thread.native_id, os.sched_getaffinity(0) - {core})
        self.task = task
        self.wake.release()

    def finish(self, task):
        """Wait until `task` has run, and return its error; where it has not begun, it will not."""
        if self.wake.acquire(blocking=False):
            if self.task is task:
                self.task = None
                self.idle.append(self)
                return None
            self.wake.release()                 # `task` ran long ago, and others have woken this helper since
        task.done.acquire()
        return task.error

    def _run(self):
        while True:
            self.wake.acquire()
            task, self.task = self.task, None
            try:
                task.function()
            except BaseException as error:      # the caller's to raise
                task.error = error
            self.idle.append(self)
            task.done.release()
            del task                            # nothing is kept alive meanwhile


class Task:
    """A function without arguments, whether it has run, and the error that it ended with."""

    def __init__(self, function):
        self.function, self.done, self.error = function, taken_lock(), None


def taken_lock():
    lock = threading.Lock()
    lock.acquire()
    return lock


@cache
def core_teller():
    """A function that tells on which core the thread that calls it runs, where the system has one."""
    try:
        tell = ctypes.PyDLL(None).sched_getcpu
        return tell if hasattr(os, "sched_setaffinity") else None
    except (AttributeError, OSError, TypeError):
        return None


@cache
def idle_helpers():
    """The helpers that nobody uses."""
    idle = deque()
    idle.extend([Helper(idle) for _ in range(bounded(1 << 20) - 1)])
    return idle


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=idle_helpers.cache_clear)      # threads do not survive a fork


def each(work, jobs, workers):
    """`work(job, worker)` for every job, worker in range(workers); a list of results in the order of the jobs.

    Every worker has a share of neighboring jobs, which it takes from the front, and helps at the end of the others'
    when its own is done, for cores may be slowed by others: so nearly all that it takes are neighbors. The caller is
    one of the workers: where helpers start late, it has begun already. Those that have not started when no job is left
    are not waited for, so that work which calls `each` itself cannot wait for a thread that waits for it. An error is
    raised when all have stopped.
    """
    workers = min(bounded(workers), len(jobs))
    if workers < 2:
        return [work(job, 0) for job in jobs]
    results = [None] * len(jobs)
    shares = [deque(range(len(jobs) * i // workers, len(jobs) * (i + 1) // workers)) for i in range(workers)]

    def take_jobs(worker):
        for position in positions(worker, shares):
            results[position] = work(jobs[position], worker)

    tasks = []
    try:
        for worker in range(1, workers):
            tasks.append((idle_helpers().pop(), Task(lambda worker=worker: take_jobs(worker))))
    except IndexError:      # the helpers work for others
        pass
    core = core_teller()() if tasks and workers == cores() and core_teller() else None
    for helper, task in tasks:
        helper.start(task, core)
    try:
        take_jobs(0)
    finally:
        errors = [helper.finish(task) for helper, task in tasks]
    for error in filter(None, errors):
        raise error
    return results


def positions(worker, shares):
    """What a worker takes: its own share from the front, then those of others from the back."""
    while any(shares):
        try:
            yield shares[worker].popleft() if shares[worker] else max(shares, key=len).pop()
        except IndexError:      # another was faster
            continue


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
