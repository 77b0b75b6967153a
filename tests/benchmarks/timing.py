"""Medians of times measured in turns, so that a busy moment of the machine hits every candidate alike."""
import os
import time
import tracemalloc
from typing import NamedTuple

import numpy as np

ROUNDS, REPEATS = 3, 5
WARM = 0.05      # seconds: OpenMP spins for 15 ms when its work is done, and ours may share a core for 30 ms at first


class Time(NamedTuple):
    """Median seconds of one run: on the clock, and of all cores together."""

    clock: float
    cores: float


def medians(candidates, rounds=ROUNDS, repeats=REPEATS):
    """Median Time of every function without arguments, by name: `rounds` turns of `repeats` runs after warming up."""
    times = {name: [] for name in candidates}
    for _ in range(rounds):
        for name, run in candidates.items():
            warm_up(run)
            for _ in range(repeats):
                clock, cores = time.perf_counter(), time.process_time()
                run()
                times[name].append((time.perf_counter() - clock, time.process_time() - cores))
    return {name: Time(*map(float, np.median(values, axis=0))) for name, values in times.items()}


def interleaved(candidates, turns):
    """Median seconds on the clock of every function, by name: one run each in every turn, after warming up."""
    times = {name: [] for name in candidates}
    for _ in range(turns):
        for name, run in candidates.items():
            warm_up(run)
            started = time.perf_counter()
            run()
            times[name].append(time.perf_counter() - started)
    return {name: float(np.median(values)) for name, values in times.items()}


def warm_up(run):
    """Run for WARM seconds, once at least."""
    started = time.perf_counter()
    run()
    while time.perf_counter() - started < WARM:
        run()


def extra_memory(run):
    """Bytes that `run()` held at most beside what existed before and its result."""
    run()
    tracemalloc.start()
    result = run()
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    return peak - result.nbytes


def geometric_mean(values):
    return float(np.exp(np.mean(np.log(list(values)))))


def machine():
    """What times depend on, in one line."""
    names = ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS")
    threads = ", ".join(f"{name}={os.environ[name]}" for name in names if name in os.environ)
    blas = np.show_config("dicts")["Build Dependencies"]["blas"]
    return (f"{os.cpu_count()} cores, load {os.getloadavg()[0]:.1f}, NumPy {np.__version__}, "
            f"{blas.get('name')} {blas.get('version')}, {threads or 'threads of BLAS by default'}")
