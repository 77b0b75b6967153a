"""Medians of times measured in turns, so that a busy moment of the machine hits every candidate alike."""
import os
import time
import tracemalloc

import numpy as np

ROUNDS, REPEATS = 3, 5


def medians(candidates, rounds=ROUNDS, repeats=REPEATS):
    """Median seconds of every function without arguments, by name: `rounds` turns of `repeats` runs after one warm-up.

    Runs of one candidate follow each other: threads that another one left spinning have gone to sleep by then.
    """
    times = {name: [] for name in candidates}
    for _ in range(rounds):
        for name, run in candidates.items():
            run()
            for _ in range(repeats):
                start = time.perf_counter()
                run()
                times[name].append(time.perf_counter() - start)
    return {name: float(np.median(values)) for name, values in times.items()}


def peak_memory(run):
    """Bytes that `run()` held at most beside what existed before, its result included."""
    run()
    tracemalloc.start()
    run()
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    return peak


def geometric_mean(values):
    return float(np.exp(np.mean(np.log(list(values)))))


def machine():
    """What times depend on, in one line."""
    threads = {name: os.environ[name] for name in ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS") if name in os.environ}
    blas = np.show_config("dicts")["Build Dependencies"]["blas"]
    return (f"{os.cpu_count()} cores, NumPy {np.__version__}, {blas.get('name')} {blas.get('version')}, "
            f"threads of BLAS: {threads or 'its default'}")
