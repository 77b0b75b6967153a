"""Workers: results in order, errors that are not lost, processes that fork."""
import os
import subprocess
import sys
import threading

import pytest

from refapprox.ops.threads import each

FORK = """
import multiprocessing, warnings
import numpy as np
from refapprox import exact, lut_matmul

def product(n):
    return int(lut_matmul(np.ones((n, 3), np.int8), np.ones((3, 2), np.int8), exact(), workers=2).sum())

if __name__ == "__main__":
    before = product(64)                                    # the parent's threads are running
    warnings.simplefilter("ignore", DeprecationWarning)     # of forking beside threads: what is tested here
    with multiprocessing.get_context("fork").Pool(1) as pool:
        assert pool.apply_async(product, (64,)).get(timeout=30) == before
"""


@pytest.mark.parametrize("workers", [1, 2, 3, 8])
@pytest.mark.parametrize("jobs", [0, 1, 7])
def test_results_come_in_the_order_of_the_jobs(workers, jobs):
    seen = set()

    def work(job, worker):
        seen.add(worker)
        return job * job

    assert each(work, list(range(jobs)), workers) == [i * i for i in range(jobs)]
    assert seen <= set(range(workers))


def test_a_worker_takes_the_next_job_as_soon_as_it_is_free():
    """The first job waits until all others are done: with jobs dealt out beforehand, this would not end."""
    others = threading.Semaphore(0)

    def work(job, worker):
        if job == 0:
            assert all(others.acquire(timeout=30) for _ in range(5))
        else:
            others.release()

    each(work, list(range(6)), 2)


@pytest.mark.parametrize("failing", [0, 1])
def test_an_error_of_any_worker_is_raised_after_all_have_stopped(failing):
    started = threading.Barrier(2)
    done = []

    def work(job, worker):
        if job < 2:
            started.wait(timeout=30)
        if job == failing:
            raise ArithmeticError(f"job {job}")
        done.append(job)

    with pytest.raises(ArithmeticError, match=f"job {failing}"):
        each(work, list(range(6)), 2)
    assert set(done) == set(range(6)) - {failing}


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system does not fork")
def test_a_forked_process_starts_threads_of_its_own():
    subprocess.run([sys.executable, "-c", FORK], check=True, timeout=60)
